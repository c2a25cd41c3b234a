"""How people call the parts of a set: a folder, or a word in a table."""

from distill.data.sources.source import Split

PARTS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev", "eval"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""In any case."""


def part_of(name: str) -> Split | None:
    """The part that a name stands for; None where it stands for none."""
    return PARTS.get(name.strip().lower())
