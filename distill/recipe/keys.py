"""The keys a recipe may have, and what is said of one that it may not."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MEANT = 3  # keys that are offered at most


@dataclass(frozen=True)
class Keys:
    """The keys of a recipe with its choice of variants.

    Attributes:
        names: all of them, sorted; those of a section are `section.key`.
        chosen: the variant of each section that comes in some.
    """

    names: Sequence[str]
    chosen: Mapping[str, str]

    def within(self, section: str) -> list[str]:
        """Those of a section, and of sections inside it."""
        return [name for name in self.names if name.startswith(f"{section}.")]

    def unknown(self, key: str) -> str:
        """Name the keys beside an unknown one, the nearest first: those of the innermost section that exists."""
        section = key
        while section := section.rpartition(".")[0]:
            if beside := self.within(section):
                why = f" ({section}.name is {self.chosen[section]})" if section in self.chosen else ""
                return f"unknown key {key}{why}. {_meant(key, beside, section)}Valid: {', '.join(beside)}."
        sections = sorted({name.partition(".")[0] for name in self.names})
        return f"unknown key {key}. {_meant(key, [*sections, *self.names])}Valid: {', '.join(sections)}."


def _meant(key: str, names: Sequence[str], section: str = "") -> str:
    """The names closest in spelling; else those whose last part is close, as of a key written without its section."""
    written = key[len(section) :]
    alike = difflib.get_close_matches(written, [name[len(section) :] for name in names], n=1, cutoff=0.6)
    meant = [f"{section}{name}" for name in alike]
    if not meant:
        last = [name.rpartition(".")[2] for name in names]
        near = difflib.get_close_matches(key.rpartition(".")[2], last, n=1, cutoff=0.75)
        meant = [name for name in names if name.rpartition(".")[2] in near]
    return f"Did you mean {' or '.join(meant)}? " if 0 < len(meant) <= _MEANT else ""
