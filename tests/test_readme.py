"""What the README shows must run."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from distill.recipe.parser import RecipeReader

README = Path(__file__).parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_first_two_shell_blocks_are_the_set_up() -> None:
    assert blocks("sh")[0].strip() == "pip install . && distill run face_attributes"
    assert blocks("sh")[1].strip() == "pip install -e '.[test]' && pytest"


def test_the_python_example_distils_a_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python")
    body = [line for line in example.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(body) <= 15
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    student = names["student"]
    assert isinstance(student, nn.Module)
    assert not student.training
    assert student(torch.zeros(2, 3, 64, 64)).shape == (2, 40)


def test_the_yaml_example_is_a_recipe(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    assert len(text.splitlines()) <= 30
    (tmp_path / "mushrooms.yaml").write_text(text, encoding="utf-8")
    recipe, _ = RecipeReader(str(tmp_path / "mushrooms.yaml")).read([])
    assert recipe.task == "classes" and recipe.export.formats == ("onnx", "onnx-int8")
