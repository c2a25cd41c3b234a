"""Settings that nothing could be found with are refused by their keys."""

from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.faces.settings import Detect


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"file": None}, r"prepare\.align\.file: not set.*YuNet, SCRFD or RetinaFace"),
        ({"face": "first"}, r"align\.face is 'first', expected one of central, largest, every"),
        ({"to": "lfw"}, r"align\.to is 'lfw', expected one of celeba, arcface112"),
        ({"least_score": 1.0}, r"align\.least_score is 1"),
        ({"least_size": -1.0}, r"align\.least_size is -1"),
        ({"largest_turn": 91.0}, r"align\.largest_turn is 91"),
        ({"side": 31}, r"align\.side is 31"),
    ],
)
def test_bad_settings(keys: dict[str, object], said: str) -> None:
    with pytest.raises(DistillError, match=said):
        Detect(**{"file": Path("a.onnx"), **keys}).check("prepare.align")  # type: ignore[arg-type]
