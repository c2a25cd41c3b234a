"""Names of students: `mobilenet_v1_0.25_128`, `mobilenet_v1_0.5_96_shallow`, `mobilenetv2_100_224`.

A full name is the network's name, then what its family says of it (the width multiplier of v1; timm's names carry their
own), its resolution in pixels, and whatever is not the first of its list.
"""

import difflib
from dataclasses import MISSING, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import timm

from distill.errors import DistillError
from distill.registries import STUDENTS
from distill.registry import UnknownNameError

if TYPE_CHECKING:
    from students.student import Student

_FAMILIES = ["mobilenetv1_*", "mobilenetv2_*", "mobilenetv3_*", "mobilenetv4_*"]


def timm_names() -> list[str]:
    """timm's MobileNets, v1 to v4."""
    return timm.list_models(_FAMILIES)


def is_timm(name: str) -> bool:
    """Whether timm builds a MobileNet of that name; a tag of its weights may follow after a dot."""
    architecture, _, tag = name.partition(".")
    return architecture in timm_names() and (not tag or name in timm.list_pretrained(f"{architecture}.*"))


def student_named(name: str) -> "Student":
    """The student of a full name such as `mobilenet_v1_0.25_128`; what the name does not say has its default.

    Raises:
        UnknownNameError: no student has that name; the closest and all valid ones are listed.
        DistillError: a part of it is outside its range.
    """
    families = [key for key in STUDENTS.names() if key == name or name.startswith(f"{key}_") or fnmatchcase(name, key)]
    for family in sorted(families, key=len, reverse=True):
        student: Student | None = STUDENTS.get(name if "*" in family else family).from_full_name(name)
        if student is not None:
            return student
    names = [*(key for key in STUDENTS.names() if "*" not in key), *timm_names()]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    raise UnknownNameError(
        f"student.name: no student is called {name!r}. {hint}Valid are mobilenet_v1 (with its parts for example "
        f"mobilenet_v1_0.25_128 or mobilenet_v1_0.5_96_shallow) and "
        f"{', '.join(one for one in names if one != 'mobilenet_v1')}; to find boxes, the last "
        "of these with ssdlite_ before them."
    )


def wrong_name(name: str) -> DistillError:
    """The error for what is no network's name: of a full name, its parts are told."""
    try:
        student: Any = student_named(name)
    except DistillError as error:
        return error
    told = {field.name: getattr(student, field.name) for field in fields(student) if _is_told(student, field.name)}
    return DistillError(
        f"student.name: {name!r} is a full name; give its parts: "
        f"{', '.join(f'{key}: {value}' for key, value in told.items())}."
    )


def _is_told(student: Any, key: str) -> bool:
    defaults = {field.name: field.default for field in fields(student) if field.default is not MISSING}
    return key in ("name", "resolution") or getattr(student, key) != defaults.get(key, MISSING)
