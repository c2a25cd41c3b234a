"""The sets of a run: how their pictures are fitted, and what its stages may not do with them."""

from dataclasses import replace
from pathlib import Path

import pytest

from distill.data.views.views import Views
from distill.errors import DistillError
from distill.files.run_directory import key_of
from distill.tasks.sets import open_sets, prepared_set
from tests.helpers.marked import Marked
from tests.helpers.running import read, write_recipe


def test_a_set_of_each_fit_has_a_place_of_its_own(tmp_path: Path) -> None:
    recipe = replace(read(write_recipe(tmp_path))[0], data=Marked())
    sets = []
    for fit in ("crop", "stretch"):
        fitted = replace(recipe, prepare=replace(recipe.prepare, fit=fit))
        sets.append(prepared_set("data", fitted.data, fitted, tmp_path))
    assert [prepared.pixels for prepared in sets] == ["version 1", "version 1, fitted by stretch"]
    # That of a cropped one is what it was before there was a choice.
    keys = [key_of(Marked(), 32, 32, None), key_of(Marked(), 32, 32, None, "stretch")]
    assert [prepared.directory.name for prepared in sets] == [f"marked-{key}" for key in keys]


@pytest.mark.parametrize("stage", ["teach", "transfer"])
def test_what_a_stage_cannot_mix_is_refused_before_any_is_trained(tmp_path: Path, stage: str) -> None:
    recipe = replace(read(write_recipe(tmp_path))[0], data=Marked())
    plain = {name: replace(recipe.stage(name), views=Views()) for name in recipe.stages}
    mixing = replace(plain[stage], views=Views(mixup=0.3))
    with pytest.raises(DistillError, match=rf"^{stage}\.views\.mixup is 0\.3: mixes .* column spot holds points"):
        open_sets(replace(recipe, **plain | {stage: mixing}), tmp_path / "data")
    assert len(open_sets(replace(recipe, **plain), tmp_path / "data").labelled) == 12
