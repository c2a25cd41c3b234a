"""A student and an objective of somebody else's package, through the command line of a recipe."""

import sys
from pathlib import Path

import pytest
import torch

from distill.errors import DistillError
from distill.objectives import BernoulliKl, SoftmaxKl
from distill.recipe.variants import staying, variant
from students.student import build_student
from tests.helpers.running import complaint, read, write_recipe
from tests.helpers.toy_package import install
from tests.helpers.toy_variants import ENTRY_POINTS, MODULES


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install(tmp_path / "package", monkeypatch, MODULES, ENTRY_POINTS)
    return write_recipe(tmp_path)


def test_names_are_listed_and_nothing_is_imported(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read(tiny, ["--help", "all"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("toy_patches", "toy_broken", "toy_distance"))
    assert not MODULES.keys() & sys.modules.keys()


def test_their_keys_are_the_recipes(tiny: Path) -> None:
    arguments = ["--student", "toy_patches", "--student.channels", "5", "--objective", "toy_distance"]
    recipe, text = read(tiny, [*arguments, "--objective.power=2"])
    assert recipe.student.full_name == "toy_patches_32" and "channels: 5" in text
    answers = torch.ones(2, 3)
    scored = recipe.objective({"logits": answers}, {"logits": answers * 4}, {})
    assert scored["loss"].tolist() == [27.0, 27.0]
    with torch.no_grad():
        assert build_student(recipe.student, 3)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)
    said = complaint(tiny, "--student", "toy_patches", "--student.chanels", "3")
    assert said.startswith("unknown key student.chanels (student.name is toy_patches). Did you mean student.channels?")


def test_a_broken_package_is_named_and_stops_nobody_else(tiny: Path) -> None:
    assert "package toy-package brings it as toy_broken:Student" in complaint(tiny, "--student", "toy_broken")
    assert read(tiny)[0].student.name == "mobilenet_v1"


def test_what_is_written_of_one_holds_for_another_that_has_the_key(tiny: Path) -> None:
    written = {"name": "dkd", "temperature": 2.0, "others_weight": 4.0, "label_weight": 0.5}
    assert staying("objective", written, "softmax_kl") == {"temperature": 2.0, "label_weight": 0.5}
    assert staying("objective", written, "toy_distance") == {"temperature": 2.0}
    assert staying("student", {"width": 0.5, "resolution": 96, "weights": "a"}, "mobilenetv2_035") == {"resolution": 96}
    assert staying("data", {"root": "x"}, "folder") == {}


def test_an_unknown_name_is_told_by_its_section() -> None:
    assert variant("objective", "softmax_kl") is SoftmaxKl and variant("objective", "bernoulli_kl") is BernoulliKl
    with pytest.raises(
        DistillError, match=r"^web\.name is 'folders'\. Did you mean folder or class_folders\? Expected one of celeba, "
    ):
        variant("web", "folders")
    with pytest.raises(DistillError, match=r"^teacher\.name is 3, expected one of inception_resnet_v1, "):
        variant("teacher", 3)
    with pytest.raises(DistillError, match=r"^student\.name: 'mobilenet_v1_0\.5_96' is a full name; give its parts: "):
        variant("student", "mobilenet_v1_0.5_96")
