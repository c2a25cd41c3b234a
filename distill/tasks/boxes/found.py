"""What a model finds in pictures, and where that lies in the pictures as they came.

Shapes: N pictures, D boxes found and G true ones of all pictures together.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from distill.answers.suppression import suppressed
from distill.data.prepared.pictures import Pictures
from distill.data.targets import Ragged, Values, joined
from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Fit, into_source
from distill.tasks.boxes.pictures import BOX_CLASSES, BOX_IGNORED, BOXES

_AT_ONCE = 500  # pictures whose answers, a box for each anchor, are held in memory


@dataclass(frozen=True)
class Found:
    """What is left of a model's answers after non-maximum suppression, of each picture the surest first.

    Attributes:
        boxes: float32 (D, 4), x1, y1, x2, y2 as shares of the prepared picture.
        scores: float32 (D,).
        classes: int16 (D,).
    """

    boxes: Ragged
    scores: Ragged
    classes: Ragged

    @property
    def in_shares(self) -> DetectedBoxes:
        """The same as it is scored, in shares of the prepared pictures: where sizes do not count."""
        return DetectedBoxes(self.boxes.rows, self.scores.rows, self.classes.rows, self.boxes.offsets)

    def surer_than(self, least: float) -> "Found":
        """Those of a score from `least` on."""
        kept = self.scores.rows >= least
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])[self.boxes.offsets]
        return Found(*(Ragged(column.rows[kept], offsets) for column in (self.boxes, self.scores, self.classes)))


def find(predictor: Predictor, pictures: Pictures, of: str, batch_size: int) -> Found:
    """Show a model whole pictures, once.

    Args:
        of: what the progress bar calls them.

    Raises:
        DistillError: it does not answer with finite numbers.
    """
    number, parts = np.arange(len(pictures)), []
    for start in range(0, len(pictures), _AT_ONCE):
        some = pictures.where((number >= start) & (number < start + _AT_ONCE))
        answers = predictor.show(some, of, batch_size)
        parts.append(suppressed(answers["boxes"], answers["scores"]))
    return Found(*(ragged(joined([part[column] for part in parts])) for column in range(3)))


def detected(found: Found, pictures: Pictures, how: Fit) -> DetectedBoxes:
    """The same in pixels of the source pictures, in which sizes are counted."""
    boxes = in_source_pixels(found.boxes, pictures, how)
    return DetectedBoxes(boxes, found.scores.rows, found.classes.rows, found.boxes.offsets)


def labelled_in_shares(pictures: Pictures) -> TrueBoxes:
    """What the data says is there, as shares of the prepared pictures."""
    boxes, classes, ignored = (ragged(pictures.targets[name]) for name in (BOXES, BOX_CLASSES, BOX_IGNORED))
    return TrueBoxes(boxes.rows, classes.rows, ignored.rows, boxes.offsets)


def true_boxes(pictures: Pictures, how: Fit) -> TrueBoxes:
    """The same in pixels of the source pictures."""
    boxes = in_source_pixels(ragged(pictures.targets[BOXES]), pictures, how)
    return replace(labelled_in_shares(pictures), boxes=boxes)


def in_source_pixels(boxes: Ragged, pictures: Pictures, how: Fit) -> np.ndarray:
    """float64 (R, 4) of shares of the prepared pictures.

    Args:
        how: what brought the pictures to their size.
    """
    sizes = pictures.source_sizes
    assert sizes is not None  # what is scored is of a source of boxes
    back = np.array([_back(height, width, pictures.size, how) for height, width in sizes.tolist()])
    scale, shift = np.repeat(back.reshape(-1, 2, 2), boxes.counts, axis=0).transpose(1, 0, 2)
    return boxes.rows.astype(np.float64) * np.tile(scale, 2) + np.tile(shift, 2)


@lru_cache(maxsize=4096)
def _back(size_y: int, size_x: int, size: tuple[int, int], how: Fit) -> tuple[tuple[float, float], tuple[float, float]]:
    return into_source(size_y, size_x, *size, how)


def ragged(values: Values) -> Ragged:
    """A column that its source declared as one of any number of rows a picture."""
    assert isinstance(values, Ragged)
    return values
