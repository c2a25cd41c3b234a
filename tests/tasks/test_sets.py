"""The sets of a run: how their pictures are fitted, and what its stages may not do with them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared.pictures import Pictures
from distill.data.sources.table import Table
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.files.run_directory import key_of
from distill.tasks.pictures import TaskPictures
from distill.tasks.sets import Sets, open_sets, prepared_set
from tests.helpers.listed import run
from tests.helpers.marked import Marked
from tests.helpers.noise import Noise
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


def test_so_many_unlabelled_pictures_are_transferred_on_and_more_hold_fewer(tmp_path: Path) -> None:
    labelled = run(Noise(0, (("train", 5), ("test", 2)), ("a",)), tmp_path / "labelled")
    more, web = (run(Noise(seed, (("train", 8),), ("a",)), tmp_path / f"{seed}") for seed in (1, 2))
    train, test = Pictures.of(labelled, "train"), Pictures.of(labelled, "test")
    for beside in ((more,), (more, web)):
        transfer = Pictures.of(labelled, "train", beside)
        sets = Sets(labelled, train, train, transfer, test, test, web=train if len(beside) == 2 else None)
        assert sets.transfer_on(None) is transfer
        for most in (0, 3, 8):
            rows = sets.transfer_on(most).rows
            smallest = np.flatnonzero(more.hashes <= np.sort(more.hashes)[most - 1]) if most else []
            assert [part.tolist() for part in rows] == [[0, 1, 2, 3, 4], list(smallest), list(range(8))][: len(rows)]
        with pytest.raises(DistillError, match=r"^transfer\.unlabelled is 9, and unlabelled has 8 pictures"):
            sets.transfer_on(9)
    alone = Sets(labelled, train, train, train, test, test)
    assert len(alone.transfer_on(0)) == 5
    with pytest.raises(DistillError, match=r"^transfer\.unlabelled is 1, and unlabelled has 0 pictures"):
        alone.transfer_on(1)


def test_more_unlabelled_pictures_than_there_are_are_missed_before_anything_is_trained(tmp_path: Path) -> None:
    recipe = replace(read(write_recipe(tmp_path))[0], data=Marked())
    plain = {name: replace(recipe.stage(name), views=Views()) for name in recipe.stages}
    wanting = replace(plain["transfer"], unlabelled=1)
    with pytest.raises(DistillError, match=r"^transfer\.unlabelled is 1, and unlabelled has 0"):
        open_sets(replace(recipe, **plain | {"transfer": wanting}), tmp_path / "data")


def test_what_a_source_takes_for_granted_and_what_contradicts_itself_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random, rows = np.random.default_rng(0), []
    for number in range(12):
        coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        coarse.resize((40, 40), Image.Resampling.BICUBIC).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{'xy'[number % 2]}")
    with Image.open(tmp_path / "0.png") as picture:
        picture.save(tmp_path / "again.jpg", quality=80)
    (tmp_path / "t.csv").write_text(
        "\n".join([",file,label", *(f"{n},{row}" for n, row in enumerate(rows)), ",again.jpg,y"])
    )
    recipe = replace(read(write_recipe(tmp_path))[0], data=Table(csv=tmp_path / "t.csv"))
    pictures = TaskPictures(recipe, tmp_path / "data")
    pictures.say_contradictions()
    said = capsys.readouterr().err
    assert f"data: {tmp_path}/t.csv: columns without a name (number 1) are not read.\n" in said
    assert "data: 1 pairs of pictures look like one photograph" in said and "0.png (x) and again.jpg (y)" in said
    assert pictures.describe()["near_contradictions"] == [["0.png", "again.jpg", "x", "y"]]
