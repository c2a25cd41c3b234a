"""Things of one kind by their names: those that come along, those of installed packages, and those that code adds.

A package of somebody else's names what it brings as Python entry points, in its pyproject.toml:

    [project.entry-points."distill.students"]
    tinynet = "their_package.tinynet:TinyNet"

Nothing is imported for a name to be listed, and only what a name stands for when it is asked for: a package that is
broken stops nobody who does not use it.
"""

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from distill.errors import DistillError

SHIPPED_BY = "distill"
"""Who brings what comes along, in messages."""


class UnknownNameError(DistillError):
    """Nothing of that kind has the name."""


class Registry:
    """What one kind of thing is called.

    Args:
        kind: of thing, in the singular: `student`.
        group: the entry points of packages that bring more of them: `distill.students`.
        shipped: those that come along, each as "module:attribute". A name may be a pattern, `mobilenetv2_*`, that
            stands for a family whose members the target tells apart.
    """

    def __init__(self, kind: str, group: str, shipped: Mapping[str, str]) -> None:
        self.kind, self.group = kind, group
        self._shipped = {name: EntryPoint(name, target, group) for name, target in shipped.items()}
        self._added: dict[str, Any] = {}

    def names(self) -> list[str]:
        """All names, sorted; nothing is imported."""
        return sorted({*self._shipped, *self._plugins, *self._added})

    def get(self, name: str) -> Any:
        """What a name stands for, imported if need be.

        Raises:
            UnknownNameError: nothing has that name; all names are listed, the nearest first.
            DistillError: two packages bring one of that name, or its package cannot be imported.
        """
        key = self._key(name)
        if key in self._added:
            return self._added[key]
        self._check_single(key)
        entry = self._shipped[key] if key in self._shipped else self._plugins[key][0]
        try:
            return entry.load()
        except Exception as error:  # whatever somebody else's module does when it is imported
            if key in self._shipped:
                raise
            raise DistillError(
                f"{self.kind} {name!r}: package {_package(entry)} brings it as {entry.value}, which cannot be imported "
                f"({type(error).__name__}: {' '.join(str(error).split())}). Mend or uninstall that package."
            ) from error

    def add(self, name: str, value: Any) -> None:
        """Give a thing a name, in this process; a package does it by entry points, in all.

        The same definition may be added again, as a notebook's cell that is run twice does.

        Raises:
            DistillError: the name stands for another thing.
        """
        bringers = self._packages(name)
        if name in self._added and _place(self._added[name]) != _place(value):
            bringers.append(_place(self._added[name]))
        if bringers:
            raise DistillError(f"{self.kind} {name!r}: {bringers[0]} has one already. Call {_place(value)} otherwise.")
        self._added[name] = value

    @cached_property
    def _plugins(self) -> dict[str, list[EntryPoint]]:
        """What installed packages bring, by name; more than one where they disagree."""
        plugins: dict[str, list[EntryPoint]] = {}
        for entry in entry_points(group=self.group):
            plugins.setdefault(entry.name, []).append(entry)
        return plugins

    def _key(self, name: str) -> str:
        known = self.names()
        patterns = [key for key in known if fnmatchcase(name, key)]
        if name not in known and not patterns:
            raise UnknownNameError(f"no {self.kind} is called {name!r}. {expected(name, known)}")
        return name if name in known else max(patterns, key=len)

    def _check_single(self, name: str) -> None:
        packages = self._packages(name)
        if len(packages) > 1:
            raise DistillError(
                f"{self.kind} {name!r}: {' and '.join(packages)} both bring one. Uninstall all but one of them."
            )

    def _packages(self, name: str) -> list[str]:
        shipped = [SHIPPED_BY] if name in self._shipped else []
        return shipped + [f"package {_package(entry)}" for entry in self._plugins.get(name, ())]


def expected(name: str, known: Sequence[str]) -> str:
    """Which names there are, after the nearest to the one that was given."""
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.6)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return f"{hint}Expected one of {', '.join(known)}."


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "of unknown name"


def _place(value: Any) -> str:
    """Where a thing is defined, as far as it says so."""
    name = getattr(value, "__qualname__", None)
    return f"{value.__module__}.{name}" if name else repr(value)
