"""Names of students: `mobilenet_v1_0.25_128`, `mobilenet_v1_0.5_96_shallow`, `mobilenetv2_100_224`.

A full name is the network's name, then its width multiplier (v1 only; timm's names carry their own), its resolution in
pixels, and variant and activation where they are not the first of their list.
"""

import difflib
import re
from typing import Any, get_args

import timm

from distill.errors import DistillError
from students.mobilenet_v1 import Activation, Variant

MOBILENET_V1 = "mobilenet_v1"
_FAMILIES = ["mobilenetv1_*", "mobilenetv2_*", "mobilenetv3_*", "mobilenetv4_*"]
_V1 = re.compile(
    rf"{MOBILENET_V1}_(?P<width>[^_]+)_(?P<resolution>\d+)"
    rf"(_(?P<variant>{'|'.join(get_args(Variant))}))?(_(?P<activation>{'|'.join(get_args(Activation))}))?"
)


def timm_names() -> list[str]:
    """timm's MobileNets, v1 to v4."""
    return timm.list_models(_FAMILIES)


def parse_name(name: str) -> dict[str, Any]:
    """The fields of a `StudentConfig` that a full name gives; the others keep their defaults.

    Raises:
        DistillError: no student has that name; the closest and all valid ones are listed.
    """
    if name == MOBILENET_V1 or is_timm(name):
        return {"name": name}
    match = _V1.fullmatch(name)
    if match:
        fields: dict[str, Any] = {key: value for key, value in match.groupdict().items() if value is not None}
        try:
            return fields | {
                "name": MOBILENET_V1,
                "width": float(fields["width"]),
                "resolution": int(fields["resolution"]),
            }
        except ValueError:
            raise unknown_name(name) from None
    head, _, tail = name.rpartition("_")
    if is_timm(head) and tail.isdecimal():
        return {"name": head, "resolution": int(tail)}
    raise unknown_name(name)


def full_name(name: str, width: float, resolution: int, variant: str, activation: str) -> str:
    """The name that `parse_name` reads back."""
    if name != MOBILENET_V1:
        return f"{name}_{resolution}"
    parts = [name, repr(width), str(resolution)]
    parts += [variant] if variant != get_args(Variant)[0] else []
    parts += [activation] if activation != get_args(Activation)[0] else []
    return "_".join(parts)


def is_timm(name: str) -> bool:
    """Whether timm builds a MobileNet of that name; a tag of its weights may follow after a dot."""
    architecture, _, tag = name.partition(".")
    return architecture in timm_names() and (not tag or name in timm.list_pretrained(f"{architecture}.*"))


def unknown_name(name: str) -> DistillError:
    """The error for a name no student has."""
    names = [MOBILENET_V1, *timm_names()]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return DistillError(
        f"student.name: no student is called {name!r}. {hint}Valid are mobilenet_v1 (with its parts for example "
        f"mobilenet_v1_0.25_128 or mobilenet_v1_0.5_96_shallow) and {', '.join(names[1:])}."
    )
