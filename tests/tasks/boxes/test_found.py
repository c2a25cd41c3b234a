"""What is found, and where it lies in the source pictures: against plain Python, and against boxes that were marked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.answers.suppression import suppressed
from distill.data.prepared.pictures import Pictures
from distill.data.targets import Ragged
from distill.preprocess.preprocess import Fit
from distill.tasks.boxes import found as found_module
from distill.tasks.boxes.found import Found, detected, find, in_source_pixels, true_boxes
from tests.helpers.boxed import Boxed, prepare_boxed

WIDE, TALL = Boxed(90, 120, [(30, 20, 60, 80)], [1]), Boxed(150, 50, [(5, 60, 40, 90)], [0])
SHARES = np.float32([[0.25, 0.5, 0.75, 1.0], [0.1, 0.3, 0.2, 0.4]])
BY_HAND: dict[Fit, Any] = {
    # Of 90 x 120 the middle 90 columns are shown, of 150 x 50 the middle 50 rows.
    "crop": (lambda x, y: (15 + 90 * x, 90 * y), lambda x, y: (50 * x, 50 + 50 * y)),
    "stretch": (lambda x, y: (120 * x, 90 * y), lambda x, y: (50 * x, 150 * y)),
    # On 60 pixels the wide one fills rows 7 to 52 of them, half as large; the tall one columns 20 to 40, at 0.4.
    "pad": (lambda x, y: (120 * x, (60 * y - 7) * 2), lambda x, y: ((60 * x - 20) * 2.5, 150 * y)),
    "pad_corner": (lambda x, y: (120 * x, 120 * y), lambda x, y: (150 * x, 150 * y)),
}


@pytest.mark.parametrize("fit", BY_HAND)
def test_places_of_source_pictures_are_those_counted_by_hand(tmp_path: Path, fit: Fit) -> None:
    pictures = Pictures.of(prepare_boxed(tmp_path / "set", [WIDE, TALL], 60, 60, fit=fit), "train")
    boxes = Ragged(SHARES, np.array([0, 1, 2]))
    expected = [
        [*back(float(x1), float(y1)), *back(float(x2), float(y2))]
        for back, (x1, y1, x2, y2) in zip(BY_HAND[fit], SHARES, strict=True)
    ]
    np.testing.assert_allclose(in_source_pixels(boxes, pictures, fit), expected, rtol=1e-6)


@pytest.mark.parametrize("fit", BY_HAND)
@pytest.mark.parametrize("size", [(60, 60), (48, 80)])
def test_boxes_that_were_marked_come_back(tmp_path: Path, fit: Fit, size: tuple[int, int]) -> None:
    pictures = Pictures.of(prepare_boxed(tmp_path / "set", [WIDE, TALL], *size, fit=fit), "train")
    there = true_boxes(pictures, fit)
    np.testing.assert_allclose(there.boxes, [*WIDE.boxes, *TALL.boxes], atol=1e-4)
    assert (there.classes.tolist(), there.ignored.tolist(), there.offsets.tolist()) == ([1, 0], [0, 0], [0, 1, 2])
    same = Found(
        pictures.targets["boxes"], Ragged(np.float32([0.5, 0.25]), there.offsets), pictures.targets["box_classes"]
    )
    seen = detected(same, pictures, fit)
    assert np.array_equal(seen.boxes, there.boxes) and seen.scores.tolist() == [0.5, 0.25]
    assert (seen.classes.tolist(), seen.offsets.tolist()) == ([1, 0], [0, 1, 2])


@pytest.mark.parametrize("least", [0.0, 0.3, 0.7, 1.0])
def test_the_surer_boxes_of_each_picture_stay_in_their_order(least: float) -> None:
    random = np.random.default_rng(2)
    counts = [4, 0, 3, 1, 0]
    offsets, boxes = np.cumsum([0, *counts]), random.uniform(0, 1, (8, 4)).astype(np.float32)
    scores, classes = np.float32([0.9, 0.7, 0.3, 0.1, 0.8, 0.29, 0.2, 0.5]), np.arange(8, dtype=np.int16)
    found = Found(*(Ragged(rows, offsets) for rows in (boxes, scores, classes))).surer_than(least)
    for picture in range(len(counts)):
        kept = [row for row in range(offsets[picture], offsets[picture + 1]) if scores[row] >= np.float32(least)]
        assert found.classes[picture].tolist() == kept
        assert found.scores[picture].tolist() == scores[kept].tolist()
        assert found.boxes[picture].tolist() == boxes[kept].tolist()
    shares = found.in_shares
    assert shares.boxes is found.boxes.rows and shares.offsets is found.boxes.offsets


class Seeing:
    """A predictor of boxes at random, the same for one picture whenever it is shown."""

    def show(self, pictures: Pictures, of: str, batch_size: int) -> dict[str, np.ndarray]:
        assert (of, batch_size) == ("test", 3)
        answers: dict[str, list[np.ndarray]] = {"boxes": [], "scores": []}
        for picture in pictures.gather(np.arange(len(pictures))):
            random = np.random.default_rng(int(picture.sum()))
            low = random.uniform(0, 0.8, (20, 2))
            answers["boxes"].append(np.hstack([low, low + random.uniform(0.1, 0.3, (20, 2))]).astype(np.float32))
            answers["scores"].append(random.uniform(0, 1, (20, 2)).astype(np.float32) ** 3)
        return {name: np.stack(values) for name, values in answers.items()}


def test_pictures_are_shown_in_parts_and_found_as_if_they_were_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = Pictures.of(prepare_boxed(tmp_path / "set", [WIDE, TALL] * 3 + [WIDE]), "train")
    predictor: Any = Seeing()
    answers = predictor.show(pictures, "test", 3)
    whole = suppressed(answers["boxes"], answers["scores"])
    monkeypatch.setattr(found_module, "_AT_ONCE", 3)
    found = find(predictor, pictures, "test", 3)
    for column, expected in zip((found.boxes, found.scores, found.classes), whole, strict=True):
        assert np.array_equal(column.rows, expected.rows) and np.array_equal(column.offsets, expected.offsets)
    assert len(found.boxes) == 7 and len(found.scores.rows) > 7
