"""A part of the training pictures held out, the same today and on any machine.

Each class gives its share, chosen by a hash of the pictures' names: no order of listing and no random state is in it.
"""

from collections.abc import Iterable
from hashlib import blake2b

from distill.data.sources.source import Split
from distill.errors import DistillError


def held_out(names: Iterable[str], share: float) -> set[str]:
    """Some pictures of one class: ``share`` of them, but at least one, and never all.

    Args:
        names: of the pictures, each unique.
        share: 0 for none of them.
    """
    order = sorted(names, key=_place)
    count = min(max(1, round(share * len(order))), len(order) - 1) if share else 0
    return set(order[: max(0, count)])


def shared_out(names: Iterable[str], validation: float, test: float) -> dict[str, Split] | None:
    """The split of each picture of one class; None where they are too few to give each of the two shares one.

    Args:
        validation, test: shares, 0 for none.
    """
    all_names = set(names)
    tested = held_out(all_names, test)
    # Of the rest, so that what is tested on stays the same when another share is validated on.
    validated = held_out(all_names - tested, validation / (1 - test))
    if (test and not tested) or (validation and not validated):
        return None
    splits: dict[str, Split] = dict.fromkeys(all_names, "train")
    return splits | dict.fromkeys(tested, "test") | dict.fromkeys(validated, "validation")


def check_share(key: str, share: float) -> None:
    """Refuse what is no share.

    Raises:
        DistillError: it is not from 0 to below 1.
    """
    if not 0 <= share < 1:
        raise DistillError(f"{key} is {share}, expected a share from 0 to below 1.")


def _place(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=8).digest()
