"""Where places of a picture lie in the prepared one, held against where its pixels went."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.data.prepared.alignment import Alignment
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Box
from distill.data.targets import Ragged
from distill.preprocess.landmarks import LANDMARKS
from distill.preprocess.preprocess import PADDING, Fit
from tests.helpers.listed import run
from tests.helpers.marked import Marked, box_in, spot_in
from tests.helpers.noise import every

PIXELS = 0.12  # of a prepared picture, what whole grey levels and kernels may hide


def check_places(found: Prepared, boxes: bool = True) -> int:
    """Hold the places of a set against its pixels; how many there were."""
    spots, ragged, pictures = found.targets["spot"], found.targets["boxes"], every(found).astype(float)
    pictures[(pictures == PADDING).all(axis=3)] = 0  # it would be taken for a box
    assert isinstance(spots, np.ndarray) and isinstance(ragged, Ragged)
    assert spots.dtype == ragged.rows.dtype == np.float32 and ragged.offsets.dtype == np.int64
    size = np.array(pictures.shape[2:0:-1])
    known = np.flatnonzero(np.isfinite(spots).all(axis=1))
    for row in known:
        moved = np.abs(spot_in(pictures[row, ..., 0]) - spots[row]) * size
        assert moved.max() < PIXELS, (row, moved)
        for channel, box in enumerate(ragged[row] if boxes else (), start=1):
            moved = np.abs(box_in(pictures[row, ..., channel]) - box) * np.tile(size, 2)
            assert moved.max() < PIXELS, (row, channel, moved)
    assert all(len(ragged[row]) == (2 if row in known else 0) for row in range(len(found)))
    return len(known)


@pytest.mark.parametrize("box", [None, (13, 9, 107, 80), (-5, -7, 111, 200)])
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad", "pad_corner"])
@pytest.mark.parametrize("size", [(90, 120), (60, 48), (64, 64), (200, 140)])
def test_places_go_where_their_pixels_go(tmp_path: Path, size: tuple[int, int], fit: Fit, box: Box | None) -> None:
    found = run(Marked(box=box), tmp_path / "set", height=size[0], width=size[1], fit=fit)
    assert check_places(found) == 9


def test_places_turn_with_the_face_they_are_on(tmp_path: Path) -> None:
    # Eyes, nose and mouth of a face turned by a quarter of a right angle, about the middle of the picture.
    upright = {
        "left_eye": (-18, -14),
        "right_eye": (18, -14),
        "nose": (0, 4),
        "left_mouth": (-14, 22),
        "right_mouth": (14, 22),
    }
    angle = np.pi / 8
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = [(turn @ np.array(upright[name]) + (60, 45)).tolist() for name in LANDMARKS]
    rows = [f"{number},{','.join(str(x) for point in points for x in point)}" for number in range(12)]
    header = ",".join(["file", *(f"{axis}{number}" for number in range(1, 6) for axis in "xy")])
    (tmp_path / "points.csv").write_text("\n".join([header, *rows]))
    found = run(Marked(), tmp_path / "set", height=112, width=112, align=Alignment(tmp_path / "points.csv"))
    assert check_places(found, boxes=False) == 9
    # The upright box around a turned one holds all of it, and touches it on every side.
    pictures, ragged = every(found), found.targets["boxes"]
    for row, channel in [(0, 1), (1, 2), (5, 1)]:
        rows, columns = np.nonzero(pictures[row, ..., channel] > 100)
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / 112
        np.testing.assert_allclose(ragged[row][channel - 1], seen, atol=1.5 / 112)


def test_grey_of_padding_and_what_it_surrounds(tmp_path: Path) -> None:
    found = every(run(Marked(), tmp_path / "set", height=60, width=60, fit="pad"))
    assert (found[:, :7] == PADDING).all() and (found[:, 52:] == PADDING).all()
    assert not (found[:, 7:52] == PADDING).all(axis=(1, 2, 3)).any()
    tall: Any = every(run(Marked(height=120, width=40), tmp_path / "tall", height=30, width=30, fit="pad"))
    assert (
        (tall[:, :, :10] == PADDING).all()
        and (tall[:, :, 20:] == PADDING).all()
        and (tall[:, :, 10:20] < PADDING).any()
    )
