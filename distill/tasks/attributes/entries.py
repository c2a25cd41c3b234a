"""What attributes add to results.json."""

from typing import TypedDict


class AttributeEntry(TypedDict):
    """One attribute in a model's `per_class`: average precision, its 95 % interval, and the pictures labelled."""

    ap: float
    interval: list[float]
    positives: int
    negatives: int


class GroupScores(TypedDict):
    """A model among the pictures of a group: mAP and its 95 % interval."""

    mAP: float  # as results.json has it
    interval: list[float]


class Group(TypedDict):
    """The test pictures labelled with an `attribute` (`shown`) or without it.

    `pictures` in the group. `attributes`: how many both groups can be measured on. `models`: scores by role.
    """

    attribute: str
    shown: bool
    pictures: int
    attributes: int
    models: dict[str, GroupScores]


class AttributeEntries(TypedDict):
    """The task's own entries of results.json: scores by group, two for each attribute that groups are made by."""

    groups: list[Group]
