"""What every evaluator asks of its arrays before it measures anything.

Shapes: N pictures, C classes.
"""

from collections.abc import Sequence

import numpy as np

from distill.errors import DistillError

UNKNOWN = -1


def check_finite(scores: np.ndarray, classes: Sequence[str], *, owner: str = "the network") -> None:
    """Refuse scores (N, C) of another width than the class names, of no picture, or not finite.

    Raises:
        DistillError: naming the first class that is not finite and for how many pictures.
    """
    if scores.ndim != 2 or scores.shape[1] != len(classes) or not np.issubdtype(scores.dtype, np.floating):
        raise DistillError(
            f"evaluation: {owner} gave scores {scores.dtype} {scores.shape}, expected float "
            f"(pictures, {len(classes)}), one column per class of the data. Evaluate a model whose outputs are those "
            "classes."
        )
    if len(scores) == 0:
        raise DistillError("evaluation: there is no picture to evaluate on. Name a split that holds pictures.")
    bad = (~np.isfinite(scores)).sum(axis=0)
    if bad.any():
        first = int(np.argmax(bad > 0))
        raise DistillError(
            f"evaluation: {owner} gave NaN or infinity for class {classes[first]!r} on {bad[first]} of {len(scores)} "
            f"pictures ({np.count_nonzero(bad)} of {len(classes)} classes are affected), expected finite scores. "
            "Check the weights and the training loss."
        )


def check_labels(labels: np.ndarray, scores: np.ndarray) -> None:
    """Refuse labels that are not (N, C) of 1 present, 0 absent and -1 unknown.

    Raises:
        DistillError: naming the shape or the value found.
    """
    if labels.shape != scores.shape:
        raise DistillError(
            f"evaluation: labels have shape {labels.shape} and scores {scores.shape}, expected the same pictures "
            "and classes in both."
        )
    strange = labels[(labels != 1) & (labels != 0) & (labels != UNKNOWN)]
    if strange.size:
        raise DistillError(
            f"evaluation: {strange.size} labels are neither 1 (present), 0 (absent) nor -1 (unknown), for example "
            f"{strange[0]}. Convert the labels."
        )
