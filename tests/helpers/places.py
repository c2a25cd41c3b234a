"""Places of a batch's pictures held against the pixels that a network is shown."""

import numpy as np

from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.modules.batches import targets_of
from distill.preprocess.preprocess import Preprocess
from tests.helpers.marked import box_in, spot_in

PIXELS = 0.12  # of what is shown, as in test_frame.py
COLOURLESS = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0}


def check_places(batch: ViewBatch, preprocess: Preprocess, black: ViewBatch | None = None) -> int:
    """Hold places against the pixels that one network is shown; how many pictures had any.

    Args:
        black: the same views of black pictures, where there is grey about them that is to be taken off.
    """
    targets = targets_of(batch, preprocess)
    shown = cut(batch, preprocess).numpy().astype(float)
    if black is not None:
        shown -= cut(black, preprocess).numpy()
    size = np.array([preprocess.width, preprocess.height])
    spots, boxes = targets["spot"].numpy(), targets["boxes"]
    known = np.flatnonzero(np.isfinite(spots).all(axis=1))
    for row in known:
        moved = np.abs(spot_in(shown[row, 0]) - spots[row]) * size
        assert moved.max() < PIXELS, (row, moved)
        for channel, box in enumerate(boxes[row].numpy(), start=1):
            moved = np.abs(box_in(shown[row, channel]) - box) * np.tile(size, 2)
            assert moved.max() < PIXELS, (row, channel, moved)
            assert box[0] < box[2] and box[1] < box[3]
    assert [len(boxes[row]) for row in range(len(batch))] == [2 if row in known else 0 for row in range(len(batch))]
    return len(known)
