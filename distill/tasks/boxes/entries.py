"""What boxes add to results.json."""

from typing import TypedDict


class ErrorEntry(TypedDict):
    """One kind of error: how many detections (or missed boxes) are of it, and the AP50 that would be gained without."""

    count: int
    cost: float


class BoxEntries(TypedDict):
    """The task's own entries of results.json.

    `precision_recall`: by role, the mean over classes of the precision at the recalls 0, 0.01 .. 1, where an
    intersection over union of 0.5 is enough. `errors`: by role, from `class`, `place`, `both`, `duplicate`,
    `background` and `missed`, as `distill.evaluation.boxes.error_kinds` has them.
    """

    precision_recall: dict[str, list[float]]
    errors: dict[str, dict[str, ErrorEntry]]
