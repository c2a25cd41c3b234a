"""A student and an objective from an installed package, of which no file here knows, through a whole run."""

from pathlib import Path

import numpy as np
import pytest

from distill.predictors.open import open_predictor
from students.files import load_student
from tests.helpers.running import run_recipe, write_recipe
from tests.helpers.toy_package import install
from tests.helpers.toy_variants import ENTRY_POINTS, MODULES


def test_a_run_of_a_packages_student_and_objective(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "package", monkeypatch, MODULES, ENTRY_POINTS)
    arguments = ["--student", "toy_patches", "--student.channels", "6", "--objective", "toy_distance"]
    results = run_recipe(
        write_recipe(tmp_path),
        tmp_path / "run",
        [*arguments, "--objective.power", "2", "--export.formats=[onnx,onnx-int8]"],
    )
    assert results["student"]["name"] == "toy_patches_32"
    onnx, int8 = results["exports"]
    assert onnx["passed"] is True and int8["metrics"]
    _, manifest = load_student(tmp_path / "run" / "student")
    assert manifest.config.full_name == "toy_patches_32"
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    places = (tmp_path / "run" / "student", tmp_path / "run" / "export" / "student.onnx")
    ours, theirs = (open_predictor(place)(pictures) for place in places)
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], atol=1e-5)
    assert "toy_distance" in (tmp_path / "run" / "recipe.yaml").read_text()
