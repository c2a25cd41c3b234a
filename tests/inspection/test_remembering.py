"""A graph is asked about each picture once, and answers as it would have otherwise."""

from pathlib import Path

import numpy as np
import pytest

from distill.inspection import remembering
from distill.inspection.remembering import RememberingSession
from distill.predictors.onnx_session import OnnxSession
from tests.helpers.squares import SIDE, square_detector


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures the graph itself was asked about, ask by ask."""
    counts: list[int] = []
    plain = OnnxSession.every

    def counting(self: OnnxSession, batch: np.ndarray, names: list[str] | None = None) -> list[np.ndarray]:
        counts.append(len(batch))
        return plain(self, batch, names)

    monkeypatch.setattr(OnnxSession, "every", counting)
    return counts


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (count, 3, SIDE, SIDE)).astype(np.float32)


def test_a_picture_is_asked_about_once_whatever_it_stands_beside(tmp_path: Path, asked: list[int]) -> None:
    file, shown = square_detector(tmp_path / "apart.onnx", "corners"), pictures(6)
    wanted = OnnxSession(file).every(shown)
    session = RememberingSession(file)
    del asked[:]
    for rows in ([0, 1, 2], [2, 3, 3], [5, 4, 0]):
        for name, expected in zip(session.outputs, wanted, strict=True):
            (answer,) = session.every(shown[rows], [name])
            assert np.array_equal(answer, expected[rows])
    assert sum(asked) == 2 * 6  # each of both outputs
    assert all(np.array_equal(*pair) for pair in zip(session.every(shown), wanted, strict=True)) and sum(asked) == 12


def test_what_was_asked_first_is_forgotten_first(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, shown = RememberingSession(square_detector(tmp_path / "squares.onnx")), pictures(4)
    (one,) = session.every(shown[:1])
    monkeypatch.setattr(remembering, "MOST_BYTES", 2 * one.nbytes)
    session.every(shown)
    del asked[:]
    session.every(shown[2:])
    assert asked == []
    session.every(shown[:1])
    assert asked == [1]
