"""The sections of a recipe that come in variants: which there are, and what the one chosen is made into."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from distill.errors import DistillError
from distill.registries import OBJECTIVES, SOURCES, STUDENTS, TEACHERS
from distill.registry import Registry, UnknownNameError, expected

VARIANTS: dict[str, Registry] = {
    "data": SOURCES,
    "unlabelled": SOURCES,
    "web": SOURCES,
    "teacher": TEACHERS,
    "student": STUDENTS,
    "objective": OBJECTIVES,
}
"""By section; its `name` chooses."""

DEFAULTS = {"student": "mobilenet_v1", "objective": "bernoulli_kl"}
"""The variant of a section that a recipe does not name; the others are left out, or have to be named."""

# What is written of one network's width and weights says nothing of another's.
_STAY = {
    "student": frozenset({"resolution"}),
    "objective": frozenset({"temperature", "label_weight", "standardize", "distance_weight", "angle_weight"}),
}


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
        if section == "student":
            from students.naming import wrong_name

            raise wrong_name(name) from None
        raise DistillError(f"{section}.name is {name!r}. {expected(name, registry.names())}") from None


def staying(section: str, written: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a recipe writes of one variant that holds for another too, which a command line chose in its place."""
    stay = _STAY.get(section, frozenset()) & {field.name for field in fields(variant(section, name))}
    return {key: value for key, value in written.items() if key in stay}
