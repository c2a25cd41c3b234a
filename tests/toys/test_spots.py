"""Answers of two tensors and ragged places go through views, store, resume and the gate."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from distill import cli
from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.views.cutting import cut
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.preprocess import Preprocess
from tests.helpers.registering import registered
from tests.helpers.running import STAGE, write_recipe
from tests.toys.spots import BrightCells, Spots, cells_of, register

STAGES: dict[str, Any] = STAGE | {"epochs": 2, "views": {"scale": [0.6, 1.0], "brightness": 0.0, "contrast": 0.0}}
RECIPE: dict[str, Any] = {
    "task": "spotting",
    "seed": 1,
    "stages": ["fine_tune", "transfer"],
    "data": {"name": "spots"},
    "prepare": {"height": 96, "width": 96},
    "teacher": {"name": "bright_cells"},
    "student": {"width": 0.1, "resolution": 96},
    "objective": {"name": "squared_cells"},
    "fine_tune": STAGES,
    "transfer": STAGES,
    "evaluate": {"resamples": 20},
    "export": {"formats": ["onnx"]},
    "trainer": {"accelerator": "cpu", "devices": 1},
}
WEIGHTS = "student/student.safetensors"


@pytest.fixture(scope="module", autouse=True)
def _its_names() -> Iterator[None]:
    with registered(register):
        yield


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The recipe, and the directory of its run, from the command line."""
    place = tmp_path_factory.mktemp("spotting")
    recipe = write_recipe(place, RECIPE)
    assert cli.main(["run", str(recipe), "--out", str(place / "run")]) == 0
    return recipe, place / "run"


def test_spots_move_with_mirrored_and_cropped_views(tmp_path: Path) -> None:
    """What is bright in the pixels of a view lies where the loader says that spots are."""
    pictures = Pictures.of(prepare(Spots(), tmp_path / "set", Frame(96, 96)), "train")
    views = Views(scale=(0.6, 0.9), flip=0.5, brightness=0.0, contrast=0.0, saturation=0.0)
    batch = next(iter(ViewLoader(pictures, views, batch_size=60, seed=3)))
    assert 0 < int(batch.flip.sum()) < 60 and bool((batch.box[:, 2:] < 96).any())
    seen = BrightCells()(cut(batch, Preprocess.imagenet(48, 48)))
    wanted = cells_of(batch.targets.ragged("spots"))
    # A disc on the edge of a cell or of the view shows only a part of itself there.
    inside = (wanted["places"] * 3 - wanted["places"].mul(3).floor() - 0.5).abs().amax(2) < 0.2
    sure = (wanted["scores"] > 0) & inside
    assert int(sure.sum()) > 20
    assert float((seen["places"] - wanted["places"])[sure].norm(dim=1).max()) < 0.05
    assert bool((seen["scores"][sure] > 0).all())


def test_both_tensors_are_trained_scored_and_pass_the_gate(ran: tuple[Path, Path]) -> None:
    results = json.loads((ran[1] / "results.json").read_text(encoding="utf-8"))
    (file,) = results["exports"]
    assert file["passed"] and file["largest_difference"] < 1e-4
    assert results["teacher"]["metrics"]["found"] == 1.0
    graph = onnx.load(ran[1] / "export" / "student.onnx").graph
    shapes = {output.name: [d.dim_value for d in output.type.tensor_type.shape.dim][1:] for output in graph.output}
    assert shapes == {"places": [9, 2], "scores": [9]}
    assert "places, scores = session.run" in (ran[1] / "README.md").read_text(encoding="utf-8")


def test_the_code_of_its_card_runs_as_printed(
    ran: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(Spots().draw(np.array([3]), 96, 96)[0]).save(tmp_path / "picture.png")
    monkeypatch.chdir(ran[1])
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", Path("README.md").read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(block.replace("picture.jpg", str(tmp_path / "picture.png")), names)
    assert capsys.readouterr().out.split() == f"{names['places'][0]} {names['scores'][0]}".split()


def test_a_row_of_the_store_is_a_record_and_the_student_is_the_same(ran: tuple[Path, Path], tmp_path: Path) -> None:
    recipe, run = ran
    given = ["--out", str(tmp_path / "answers"), "--run", str(run), "--views", "2", "--dtype", "float32"]
    assert cli.main(["store", str(recipe), *given]) == 0
    assert cli.main(["store", "verify", str(tmp_path / "answers"), "--run", str(run)]) == 0
    rows = np.load(tmp_path / "answers" / "view-0001-00000.npy")
    assert rows.dtype == np.dtype([("places", "<f4", (9, 2)), ("scores", "<f4", (9,))]) and len(rows) == 60
    stored = ["--teacher", "stored", "--teacher.root", str(tmp_path / "answers"), "--out", str(tmp_path / "again")]
    assert cli.main(["run", str(recipe), *stored]) == 0
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (run / WEIGHTS).read_bytes()


def test_a_run_that_was_stopped_ends_with_the_same_student(
    ran: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, run = ran
    asked = BrightCells.forward
    steps = iter(range(6))  # of the transfer, which has six

    def stops(self: BrightCells, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(pictures) == 16 and next(steps) == 4:  # it is asked about other pictures 60 and 20 at a time
            raise KeyboardInterrupt
        return asked(self, pictures)

    monkeypatch.setattr(BrightCells, "forward", stops)
    command = ["run", str(recipe), "--out", str(tmp_path / "stopped")]
    assert cli.main(command) == 130
    monkeypatch.undo()
    assert len(list((tmp_path / "stopped" / "stages").glob("transfer-*/last.ckpt"))) == 1
    assert cli.main(command) == 0
    assert (tmp_path / "stopped" / WEIGHTS).read_bytes() == (run / WEIGHTS).read_bytes()
