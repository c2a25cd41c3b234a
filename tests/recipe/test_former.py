"""A recipe that a former version resolved is read; what it said of another variant is not passed over."""

from pathlib import Path
from typing import Any

import yaml

from distill.files.run_directory import RunDirectory
from tests.helpers.running import complaint, read, write_recipe

# As the former version wrote them.
OBJECTIVE = {
    "name": "squared_logits",
    "temperature": 1.0,
    "label_weight": 0.5,
    "standardize": False,
    "target_weight": 1.0,
    "others_weight": 8.0,
    "distance_weight": 0.0,
    "angle_weight": 0.0,
}
STUDENT = {
    "name": "mobilenetv2_035",
    "width": 1.0,
    "resolution": 32,
    "variant": "separable",
    "activation": "relu",
    "weights": None,
}


def resolved(place: Path, **sections: Any) -> Path:
    _, text = read(write_recipe(place))
    content = yaml.safe_load(text) | {"objective": OBJECTIVE, "student": STUDENT} | sections
    return RunDirectory.claim(place / "run", "tiny", yaml.safe_dump(content)).root / "recipe.yaml"


def test_keys_of_other_variants_that_said_nothing_are_passed_over(tmp_path: Path) -> None:
    recipe, _ = read(resolved(tmp_path))
    assert vars(recipe.objective) == {"name": "squared_logits", "label_weight": 0.5}
    assert recipe.student.full_name == "mobilenetv2_035_32"


def test_those_that_said_something_are_refused(tmp_path: Path) -> None:
    path = resolved(tmp_path, objective=OBJECTIVE | {"others_weight": 2.0})
    assert "unknown key objective.others_weight" in complaint(path)


def test_a_recipe_of_today_is_held_to_its_keys(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, yaml.safe_load(resolved(tmp_path).read_text()), "written")
    assert "unknown key objective.angle_weight" in complaint(path)
