"""What a finished stage left is not trusted before it is held to its record."""

from pathlib import Path

import pytest
import torch
from torch import nn

from distill.errors import DistillError
from distill.files.sealed import write_sealed
from distill.run.record import RECORD, finished, is_left, keep, leave

HISTORY = [{"step": 4.0, "loss": 0.5, "val_mAP": 0.25}]


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A finished stage that left a second file."""
    keep(tmp_path / "teach-1", nn.Linear(3, 2), 1.5, HISTORY)
    (tmp_path / "teach-1" / "teacher.onnx").write_bytes(b"graph")
    leave(tmp_path / "teach-1", "teacher.onnx")
    return tmp_path / "teach-1"


def flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    file.write_bytes(content)


def test_a_finished_stage_is_what_it_was(tmp_path: Path) -> None:
    assert finished(tmp_path / "none") is None
    network = nn.Linear(3, 2)
    kept = keep(tmp_path / "stage", network, 1.5, HISTORY)
    again = finished(tmp_path / "stage")
    assert again is not None and (again.file, again.seconds, again.history) == (kept.file, 1.5, HISTORY)
    assert all(torch.equal(again.weights[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("name", "delete"),
    [
        ("result.safetensors", "teach-1, and the stage is done"),
        ("teacher.onnx", "teacher.onnx, and it is written"),
    ],
)
def test_a_bit_of_what_it_left_that_was_flipped_is_noticed(stage: Path, name: str, delete: str) -> None:
    good = (stage / name).read_bytes()
    for bit in range(0, 8 * len(good), 37):
        flip(stage / name, bit)
        with pytest.raises(DistillError, match=rf"{name}: damaged: it is not what stage\.json .*{delete}"):
            finished(stage)
        (stage / name).write_bytes(good)
    (stage / name).write_bytes(b"")
    with pytest.raises(DistillError, match=rf"{name}: damaged"):
        finished(stage)


def test_a_bit_of_the_record_that_was_flipped_is_noticed(stage: Path) -> None:
    good = (stage / RECORD).read_bytes()
    for bit in range(0, 8 * len(good), 7):
        flip(stage / RECORD, bit)
        with pytest.raises(DistillError, match=rf"stage\.json: .* Delete {stage}, and the stage is done again"):
            finished(stage)
        (stage / RECORD).write_bytes(good)
    for content in (b"", good[:-1], good[:40]):
        (stage / RECORD).write_bytes(content)
        with pytest.raises(DistillError, match=r"stage\.json"):
            finished(stage)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("seconds", "1", r"seconds is '1', expected a number"),
        ("history", {}, r"history is \{\}, expected a list"),
        ("history", [{"loss": None}], r"history\[0\]\.loss is None, expected a number"),
        ("files", {}, r"files\.result\.safetensors is missing"),
    ],
)
def test_a_record_of_another_make_is_told_by_its_key(stage: Path, key: str, value: object, said: str) -> None:
    content = {"seconds": 1.5, "history": HISTORY, "files": {"result.safetensors": "0"}}
    write_sealed(stage / RECORD, content | {key: value})
    with pytest.raises(DistillError, match=rf"stage\.json: {said}\. Delete {stage}"):
        finished(stage)


def test_a_pass_without_its_loss_is_told(stage: Path) -> None:
    record = {"seconds": 1.5, "history": [{"step": 4.0}], "files": {"result.safetensors": "0"}}
    write_sealed(stage / RECORD, record)
    with pytest.raises(DistillError, match=r"stage\.json: a pass in history has no step or no loss\. Delete .*teach-1"):
        finished(stage)


def test_a_second_file_counts_once_it_is_entered_and_is_made_again_where_it_is_lost(stage: Path) -> None:
    (stage / "other.onnx").write_bytes(b"torn")
    assert is_left(stage, "teacher.onnx") and not is_left(stage, "other.onnx")
    (stage / "teacher.onnx").unlink()
    assert finished(stage) is not None and not is_left(stage, "teacher.onnx")
