"""What boxes add to results.json."""

from typing import TypedDict


class BoxEntries(TypedDict):
    """The task's own entries of results.json: `precision_recall` by role, the mean over classes of the precision at the
    recalls 0, 0.01 .. 1, where an intersection over union of 0.5 is enough."""

    precision_recall: dict[str, list[float]]
