"""What the rows of a table say of a picture, put together: most have one row each, some several."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from distill.data.sources.marked import Marked
from distill.data.sources.source import SPLITS, Split


@dataclass(frozen=True)
class Entry:
    """A row, or what several say of one picture.

    Attributes:
        number: of its line, the first one.
        picture: what the table calls it.
        labels: 1, 0 or -1 for each class.
        boxes: what is marked in it, and the height and width of the picture that it was marked in, where that is said.
        disputed: another entry of the same picture says something else.
    """

    number: int
    picture: str
    labels: tuple[int, ...]
    identity: int
    split: Split
    boxes: tuple[Marked, ...] = ()
    size: tuple[int, int] | None = None
    disputed: bool = False

    @property
    def name(self) -> str:
        """Unique among the entries of a table."""
        return f"{self.picture} (line {self.number})" if self.disputed else self.picture

    @property
    def unlabelled(self) -> bool:
        return self.identity < 0 and all(label < 0 for label in self.labels)

    def said(self) -> tuple[object, ...]:
        """All but its line."""
        return self.labels, self.identity, self.split, self.boxes


def by_picture(entries: Sequence[Entry], boxed: bool) -> tuple[list[Entry], tuple[str, ...]]:
    """An entry a picture, in the order of their first rows; and what had to be said of pictures of several rows.

    What is known wins over what is not. Where rows contradict each other nothing says which is right: each stays, by
    the number of its line, and is refused or left out as any photograph is that is labelled in two ways. A picture that
    is said to be in two parts is in test before validation before train.

    Args:
        boxed: each row is of a box: the picture shows the classes of all.
    """
    groups: dict[str, dict[tuple[object, ...], Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.picture, {}).setdefault(entry.said(), entry)
    found: list[Entry] = []
    moved = completed = 0
    for group in groups.values():
        first, *more = group.values()
        if not more:
            found.append(first)
            continue
        split = max((entry.split for entry in group.values()), key=SPLITS.index)
        moved += any(entry.split != split for entry in group.values())
        own = [replace(entry, split=split) for entry in group.values()]
        if boxed:
            labels = tuple(map(max, *(entry.labels for entry in own)))
            found.append(replace(own[0], labels=labels, boxes=tuple(box for entry in own for box in entry.boxes)))
        elif (whole := _joined(own)) is not None:
            completed += len({(entry.labels, entry.identity) for entry in own}) > 1
            found.append(whole)
        else:
            distinct = {(entry.labels, entry.identity): entry for entry in reversed(own)}
            ordered = sorted(distinct.values(), key=lambda entry: entry.number)
            found += [replace(entry, disputed=True) for entry in ordered if not entry.unlabelled]
    repeated = len(entries) - sum(map(len, groups.values()))
    remarks = (
        (repeated, "rows say what another says already, and count once"),
        (completed, "pictures have rows of which one says what another leaves open, and are taken together"),
        (moved, "pictures are in several parts by their rows, and are in test before validation before train"),
    )
    return found, tuple(f"{count} {what}" for count, what in remarks if count)


def _joined(entries: Sequence[Entry]) -> Entry | None:
    """What all of them say of one picture; None where two contradict each other."""
    columns = zip(*((*entry.labels, entry.identity) for entry in entries), strict=True)
    known = [{value for value in column if value >= 0} for column in columns]
    if any(len(values) > 1 for values in known):
        return None
    *labels, identity = (next(iter(values), -1) for values in known)
    return replace(entries[0], labels=tuple(labels), identity=identity)
