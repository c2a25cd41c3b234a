"""How people call the parts of a set: a folder, or a word in a table."""

import re

from distill.data.sources.source import Split

PARTS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""In any case, with `set`, `split`, `data` or `images` after it or without."""

_OTHERS: dict[str, Split] = {
    **dict.fromkeys(("trn", "trainval"), "train"),
    **dict.fromkeys(("validate", "validating", "development", "evaluation"), "validation"),
    "tst": "test",
}
_BESIDE = re.compile(r"[ _-]*(set|split|data|dataset|images|imgs)$")


def part_of(name: str) -> Split | None:
    """The part that a name stands for; None where it stands for none."""
    known = PARTS | _OTHERS
    word = name.strip().lower()
    return known.get(word) or known.get(_BESIDE.sub("", word))
