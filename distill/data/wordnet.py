"""Classes that two sets share, told by their WordNet ids: the spelling and order of folders differ between sets.

A class has an id where its name begins with one, alone as ImageNet's folders have it (`n02085620`) or before a name
(`n02085620-Chihuahua`).

Shapes: N pictures, C classes of one set, K of the other.
"""

import re
from collections.abc import Sequence

import numpy as np

from distill.errors import NAMED, DistillError

_ID = re.compile(r"(n\d{8})(?:[-_ ].*)?")
_SHOWN = 5  # classes an error names


def wordnet_id(name: str) -> str | None:
    """The id a class's name begins with; None where it has none."""
    parts = _ID.fullmatch(name)
    return parts[1] if parts else None


def without_id(name: str) -> str:
    """A class's name as people say it: `Chihuahua` of `n02085620-Chihuahua`; the id where there is no more."""
    known = wordnet_id(name)
    return name[len(known) + 1 :] or name if known else name


def wordnet_ids(classes: Sequence[str], of: str) -> list[str]:
    """The id of each class.

    Args:
        of: what the classes belong to, for the error.

    Raises:
        DistillError: a class has no id, or two have the same.
    """
    by_name = {name: wordnet_id(name) for name in classes}
    if without := [name for name, known in by_name.items() if known is None]:
        raise DistillError(
            f"{of}: {len(without)} of {len(classes)} classes have no WordNet id: {shown(without)}. Classes of two sets "
            "are matched by it; rename their folders to <id>-<name>, such as n02085620-Chihuahua."
        )
    ids = [known for known in by_name.values() if known is not None]
    if len(set(ids)) < len(classes):
        twice = [name for name, known in by_name.items() if known is not None and ids.count(known) > 1]
        raise DistillError(f"{of}: classes share a WordNet id: {shown(twice)}. Expected one class an id.")
    return ids


def match(classes: Sequence[str], others: Sequence[str], of: str) -> np.ndarray:
    """The place in ``classes`` of each of the K others: int64 (K,), -1 where it is not among them.

    Args:
        of: what the others belong to, for errors.

    Raises:
        DistillError: as `wordnet_ids`, of either list.
    """
    numbers = {known: number for number, known in enumerate(wordnet_ids(classes, "data"))}
    return np.array([numbers.get(known, -1) for known in wordnet_ids(others, of)], np.int64)


def relabel(labels: np.ndarray, columns: np.ndarray, count: int) -> np.ndarray:
    """Labels by one list of classes as labels by another.

    A class the other set does not have is absent (0) from its pictures. A picture of a class that only the other set
    has shows none of ours, and is of no use to a classifier: it is unknown (-1) throughout, like one without labels.

    Args:
        labels: int8 (N, K), one-hot, or -1 where unknown.
        columns: int64 (K,), from `match`.
        count: C.

    Returns:
        int8 (N, C).
    """
    out = np.zeros((len(labels), count), np.int8)
    shared = columns >= 0
    out[:, columns[shared]] = labels[:, shared]
    out[(labels < 0).all(axis=1) | (labels[:, ~shared] == 1).any(axis=1)] = -1
    return out


def shown(names: Sequence[str]) -> str:
    """The first few names, for an error: fewer where they are long."""
    some = [name[:NAMED] + ("..." if len(name) > NAMED else "") for name in names[:_SHOWN]]
    while len(some) > 1 and sum(map(len, some)) > NAMED:
        some.pop()
    return ", ".join(some) + (", ..." if len(names) > len(some) else "")
