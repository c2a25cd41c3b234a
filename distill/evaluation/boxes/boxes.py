"""The boxes that are compared: those detected and those that are there.

Shapes: N pictures, D detections and G true boxes of all pictures together, C classes.
"""

from dataclasses import dataclass

import numpy as np

from distill.errors import DistillError

_ROUNDING = 0.01  # pixels


@dataclass(frozen=True)
class DetectedBoxes:
    """What one model detected.

    Attributes:
        boxes: float (D, 4): x1, y1, x2, y2 in pixels of the source picture, in which sizes are counted.
        scores: float (D,).
        classes: int (D,), numbers of classes.
        offsets: int (N + 1,); picture i has rows offsets[i] to offsets[i + 1].
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class TrueBoxes:
    """What is there.

    Attributes:
        boxes: float (G, 4), as those detected.
        classes: int (G,).
        ignored: (G,), 1 or True: a detection that matches the box counts neither for nor against.
        offsets: int (N + 1,).
    """

    boxes: np.ndarray
    classes: np.ndarray
    ignored: np.ndarray
    offsets: np.ndarray

    def same(self, other: "TrueBoxes") -> bool:
        """Whether both say the same of the same pictures. Boxes that were shares of a picture on grey round otherwise
        than those of the same picture squeezed."""
        others = ("classes", "ignored", "offsets")
        if self.boxes.shape != other.boxes.shape:
            return False
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in others) and np.allclose(
            self.boxes, other.boxes, rtol=0, atol=_ROUNDING
        )


def picture_of(offsets: np.ndarray) -> np.ndarray:
    """int64 (R,): the picture of each row, from offsets (N + 1,)."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def areas_of(boxes: np.ndarray) -> np.ndarray:
    """Of boxes (R, 4), float64 (R,)."""
    corners = boxes.astype(np.float64)
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])


def check_boxes(detected: DetectedBoxes, truths: TrueBoxes, classes: int) -> None:
    """Refuse what cannot be compared.

    Raises:
        DistillError: there is no picture or no box to be found, the pictures differ in number, arrays do not fit each
            other, a value is not finite, a box is turned inside out, or a class has no name.
    """
    if len(truths.offsets) < 2:
        raise DistillError("evaluation: there is no picture to evaluate on. Name a split that holds pictures.")
    if len(detected.offsets) != len(truths.offsets):
        raise DistillError(
            f"evaluation: boxes were detected in {len(detected.offsets) - 1} pictures and {len(truths.offsets) - 1} "
            "are labelled, expected the same pictures in both."
        )
    _check("detected", detected.boxes, detected.classes, detected.offsets, classes)
    _check("true", truths.boxes, truths.classes, truths.offsets, classes)
    if detected.scores.shape != (len(detected.boxes),) or not np.isfinite(detected.scores).all():
        raise DistillError(
            f"evaluation: scores of {len(detected.boxes)} detected boxes are {detected.scores.shape}, "
            f"{int((~np.isfinite(detected.scores)).sum())} of them not finite; expected one finite score a box."
        )
    if truths.ignored.shape != (len(truths.boxes),):
        raise DistillError(
            f"evaluation: {truths.ignored.shape} values say of {len(truths.boxes)} true boxes whether they are "
            "ignored, expected one a box."
        )

    if truths.ignored.all():
        raise DistillError(
            f"evaluation: the {len(truths.offsets) - 1} pictures have no box to be found ({len(truths.boxes)} are "
            "ignored), so nothing can be measured. Evaluate on a labelled split with more pictures."
        )


def _check(whose: str, boxes: np.ndarray, numbers: np.ndarray, offsets: np.ndarray, classes: int) -> None:
    rows = int(offsets[-1])
    if boxes.shape != (rows, 4) or numbers.shape != (rows,) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise DistillError(
            f"evaluation: {whose} boxes are {boxes.shape}, their classes {numbers.shape}, and rows of pictures end at "
            f"{rows}; expected (rows, 4) and (rows,), the rows of all pictures end to end."
        )
    bad = ~np.isfinite(boxes).all(axis=1)
    bad[~bad] = (boxes[~bad, 2:] < boxes[~bad, :2]).any(axis=1)
    if bad.any():
        first = int(bad.argmax())
        raise DistillError(
            f"evaluation: {int(bad.sum())} of {rows} {whose} boxes are none, the first {boxes[first].tolist()}; "
            "expected finite x1, y1, x2, y2 with x1 <= x2 and y1 <= y2."
        )
    if rows and (numbers.min() < 0 or numbers.max() >= classes):
        raise DistillError(
            f"evaluation: classes of {whose} boxes lie in {int(numbers.min())}..{int(numbers.max())}, expected "
            f"0..{classes - 1}, numbers of the {classes} classes."
        )
