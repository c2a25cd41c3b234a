"""The recipes that are run as sweeps: their own commands, and the stored answers they share with face_attributes."""

import re
import shlex
from importlib.resources import files
from pathlib import Path

import pytest

from distill.commands.sweep import build_parser
from distill.recipe.parser import RecipeReader
from distill.sweep.pairs import pairs_of
from distill.sweep.plan import plan

COST = {"separable_or_full": 8.0, "narrow_or_shallow": 1.0}  # tables 4 and 5: of the second student over the first


@pytest.mark.parametrize("overlay", ["", ".celeba"])
@pytest.mark.parametrize("name", sorted(COST))
def test_the_command_of_the_recipe_compares_two_students(name: str, overlay: str) -> None:
    text = files("recipes").joinpath(f"{name}{overlay}.yaml").read_text()
    (command,) = re.findall(r"\A# distill sweep ((?:.*\\\n# )*.*)\n", text)
    chosen, keys = build_parser().parse_known_args(shlex.split(command.replace("\\\n# ", " ")))
    assert chosen.recipe == name
    points = plan(RecipeReader(name), keys, Path("data"), together=chosen.together, labels=chosen.labels)
    ((first, second),) = pairs_of(points, chosen.against)
    assert {first.name, second.name} == {point.name for point in points}
    assert second.mult_adds / first.mult_adds == pytest.approx(COST[name], rel=0.06)
    if overlay:
        stored, _ = RecipeReader("face_attributes").read(["--data", "celeba"])
        assert (first.recipe.transfer.views, first.recipe.seed) == (stored.transfer.views, stored.seed)
        assert (first.recipe.prepare.height, first.recipe.prepare.width) == (109, 89)
        assert first.recipe.stages == ("transfer",)
