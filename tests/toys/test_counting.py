"""The proof of the house: a task of its own goes all the way, and no file but its own knows of it."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from distill import cli
from tests.helpers.registering import registered
from tests.helpers.running import STAGE, write_recipe
from tests.toys.counting import Discs, register

ROOT = Path(__file__).parents[2]
STAGES = STAGE | {"views": {"brightness": 0.1, "scale": [0.95, 1.0]}}  # what is counted stays in the picture
RECIPE: dict[str, Any] = {
    "task": "counting",
    "seed": 1,
    "stages": ["teach", "transfer"],
    "data": {"name": "discs"},
    "prepare": {"height": 32, "width": 32},
    "teacher": {"name": "timm", "model": "test_resnet", "weights": "scratch", "height": 32, "width": 32},
    "student": {"width": 0.1, "resolution": 32},
    "objective": {"name": "squared_count"},
    "teach": STAGES,
    "transfer": STAGES,
    "evaluate": {"resamples": 20},
    "export": {"formats": ["onnx"]},
    "trainer": {"accelerator": "cpu", "devices": 1},
}


@pytest.fixture(scope="module", autouse=True)
def _its_names() -> Iterator[None]:
    with registered(register):
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The recipe, and the directory of its run, from the command line."""
    place = tmp_path_factory.mktemp("counting")
    recipe = write_recipe(place, RECIPE)
    assert cli.main(["run", str(recipe), "--out", str(place / "run")]) == 0
    return recipe, place / "run"


def test_it_runs_and_its_file_passes_the_gate_and_it_reports(ran: tuple[Path, Path]) -> None:
    results = json.loads((ran[1] / "results.json").read_text(encoding="utf-8"))
    (file,) = results["exports"]
    assert file["passed"] and file["metrics"]["closeness"] == pytest.approx(results["student"]["metrics"]["closeness"])
    assert results["off_by"] == -results["student"]["metrics"]["closeness"]
    assert "Discs</h2>" in (ran[1] / "report.html").read_text(encoding="utf-8")
    assert "Says how many discs there are." in (ran[1] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        ("run", ["--export.formats", "[onnx,web]"], "export.formats: web has no page that shows answers of the kind"),
        ("sweep", ["--export.formats", "[web]", "--student.width", "0.1,0.2"], "the kind count (how many discs"),
        ("store", ["--top", "1"], "--top: of classes that exclude each other, and the task is counting"),
    ],
)
def test_what_cannot_carry_its_answers_is_refused_before_anything_is_made(
    command: str, given: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = write_recipe(tmp_path, RECIPE)
    assert cli.main([command, str(recipe), "--out", str(tmp_path / "out"), *given]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists() and not (tmp_path / "out.run").exists()


def test_its_files_are_not_written_as_a_page(ran: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted((ran[1] / "export").iterdir())
    assert cli.main(["export", str(ran[1]), "--formats", "web"]) == 2
    assert "web has no page" in capsys.readouterr().err and sorted((ran[1] / "export").iterdir()) == before


def test_it_predicts_a_csv(ran: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    pictures = Discs().draw(np.arange(3), 32, 32)
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "pictures" / f"{number}.png")
    file, seen = ran[1] / "export" / "student.onnx", tmp_path / "seen.csv"
    assert cli.main(["predict", str(file), str(tmp_path / "pictures"), "--csv", str(seen)]) == 0
    with seen.open(newline="", encoding="utf-8") as opened:
        heading, *rows = csv.reader(opened)
    (counts,) = onnxruntime.InferenceSession(file).run(["count"], {"pictures": pictures})
    assert heading == ["file", "count"] and [row[0] for row in rows] == ["0.png", "1.png", "2.png"]
    np.testing.assert_allclose([float(row[1]) for row in rows], counts[:, 0], rtol=1e-4)


def test_its_teacher_is_stored_and_teaches_from_there(
    ran: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, run = ran
    given = ["--out", str(tmp_path / "answers"), "--run", str(run), "--views", "1", "--dtype", "float32"]
    assert cli.main(["store", str(recipe), *given]) == 0
    assert cli.main(["store", "verify", str(tmp_path / "answers"), "--run", str(run)]) == 0
    stored = ["--teacher", "stored", "--teacher.root", str(tmp_path / "answers"), "--out", str(tmp_path / "again")]
    assert cli.main(["run", str(recipe), *stored]) == 0
    weights = "student/student.safetensors"
    assert (tmp_path / "again" / weights).read_bytes() == (run / weights).read_bytes()
    capsys.readouterr()
    assert cli.main(["evaluate", str(recipe), "--model", str(run / "student"), "--out", str(run)]) == 0
    assert "closeness" in capsys.readouterr().out


def test_no_file_of_the_program_knows_of_it() -> None:
    texts = [
        file.read_text("utf-8")
        for package in ("distill", "teachers", "students")
        for file in (ROOT / package).rglob("*.py")
    ]
    assert not [text for text in texts for word in ("Counting", "squared_count", "Discs", "toys") if word in text]
