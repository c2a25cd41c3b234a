"""The column of objects that sets of `datasets` for object detection have: of each a `bbox` and a category.

A row holds a list of objects, or an object of lists; both are one set written by two versions of `datasets`. A box is
left, top, width, height in pixels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from distill.data.sources.marked import Marked
from distill.errors import DistillError, echo, few

_CATEGORY = ("category", "categories", "category_id", "label", "labels")
_IGNORED = ("iscrowd", "is_crowd", "difficult")
_EXPECTED = "expected a list of objects, each with bbox and category"


@dataclass(frozen=True)
class ObjectsColumn:
    """How one set writes them.

    Attributes:
        name: of the column.
        category: of the field of the class.
        classes: names of the classes: those of an enumeration; or the numbers or words that are found.
        enumerated: whether the field holds places in `classes`.
    """

    name: str
    category: str
    classes: tuple[str, ...]
    enumerated: bool

    @classmethod
    def of(cls, name: str, feature: Any, values: Iterable[Any]) -> "ObjectsColumn":
        """From the column's type in `datasets`; its values are read where that does not say which classes there are.

        Raises:
            DistillError: it is no column of objects.
        """
        import datasets

        fields = getattr(feature, "feature", feature)  # of a list, what it is a list of
        if not isinstance(fields, dict) or "bbox" not in fields:
            raise DistillError(f"objects: the column {name} is {echo(str(feature))}, {_EXPECTED}.")
        category = next((key for key in _CATEGORY if key in fields), None)
        if category is None:
            raise DistillError(f"objects: the column {name} has {few(fields)}, {_EXPECTED}.")
        kind = getattr(fields[category], "feature", fields[category])
        if isinstance(kind, datasets.ClassLabel):
            return cls(name, category, tuple(kind.names), True)
        found = {one for value in values if value is not None for one in _field(value, category)}
        if None in found or len({type(one) for one in found}) > 1:
            raise DistillError(f"objects: {category} in {name} holds an object of no class, {_EXPECTED}.")
        return cls(name, category, tuple(map(str, sorted(found))), False)

    def boxes(self, value: Any, where: str) -> list[Marked]:
        """The boxes of one row.

        Args:
            where: what an error calls the row.

        Raises:
            DistillError: a box is not four numbers, or a class is none.
        """
        marked = []
        ignored = next((key for key in _IGNORED if key in _fields(value)), None)
        classes = _field(value, self.category)
        flags = [False] * len(classes) if ignored is None else [bool(flag) for flag in _field(value, ignored)]
        for bbox, given, flag in zip(_field(value, "bbox"), classes, flags, strict=True):
            label = given if self.enumerated else self.classes.index(str(given))
            if not isinstance(label, int) or not 0 <= label < len(self.classes):
                raise DistillError(
                    f"objects: {where}: {self.category} is {echo(given)}, expected one of {len(self.classes)} classes."
                )
            if bbox is None or len(bbox) != 4 or None in bbox:
                raise DistillError(f"objects: {where}: bbox is {echo(bbox)}, expected left, top, width, height.")
            left, top, width, height = map(float, bbox)
            marked.append(Marked((left, top, left + width, top + height), label, flag))
        return marked


def _fields(value: Any) -> Iterator[str]:
    """The names of what is known of objects."""
    yield from value if isinstance(value, dict) else (value[0] if value else ())


def _field(value: Any, key: str) -> list[Any]:
    """One of them for each object."""
    return list(value[key]) if isinstance(value, dict) else [one[key] for one in value]
