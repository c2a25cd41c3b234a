"""The sections of a recipe that come in variants: which there are, and what the one chosen is made into."""

from typing import Any

from distill.errors import DistillError
from distill.registries import SOURCES, TEACHERS
from distill.registry import Registry, UnknownNameError, expected

VARIANTS: dict[str, Registry] = {"data": SOURCES, "unlabelled": SOURCES, "web": SOURCES, "teacher": TEACHERS}
"""By section; its `name` chooses."""


def variant(section: str, name: object) -> Any:
    """The dataclass whose fields are the keys of a section; only that of the name is imported.

    Raises:
        DistillError: the section has no such variant, or its package cannot be imported.
    """
    registry = VARIANTS[section]
    if not isinstance(name, str):
        raise DistillError(f"{section}.name is {name!r}, expected one of {', '.join(registry.names())}.")
    try:
        return registry.get(name)
    except UnknownNameError:
        raise DistillError(f"{section}.name is {name!r}. {expected(name, registry.names())}") from None
