"""The `teacher` section that a search ended with, as lines of a recipe."""

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import yaml

from distill.inspection.search import Outcome

_KEY_OF = {"part": "crop", "normalization": "mean", "size": "height", "decoding": "boxes"}
"""The first key of the section that a field of a hypothesis is written as, where it has another name."""
_DIGITS = 6


def teacher_section(keys: Mapping[str, Any], outcome: Outcome, fit: str) -> list[str]:
    """YAML, a key a line; beside those that could not be told apart from others, what the others were.

    Args:
        keys: of the teacher's section, name and file among them.
        fit: the recipe's own `prepare.fit`; another is written beside the section.
    """
    hypothesis, open_ = outcome.best.hypothesis, outcome.undecided()
    remarks = {_line_of(name, keys): f"or {', '.join(others)}" for name, others in open_.items()}
    lines = ["teacher:", *(_line(key, value, remarks.pop(key, "")) for key, value in keys.items())]
    fitted = remarks.pop("fit", "")
    lines += [f"  # {key} as it is, {remark}: not told apart" for key, remark in remarks.items()]
    if hypothesis.fit != fit or fitted:
        lines += ["prepare:", _line("fit", hypothesis.fit, fitted)]
    return lines


def _line_of(field: str, keys: Mapping[str, Any]) -> str:
    """The key on whose line a field's alternatives are remarked."""
    return "scale" if field == "normalization" and "scale" in keys else _KEY_OF.get(field, field)


def _line(key: str, value: Any, remark: str) -> str:
    text = yaml.safe_dump(plain(value), default_flow_style=True, width=10**6, allow_unicode=True).strip()
    text = text.removesuffix("\n...").strip()
    return f"  {key}: {text}" + (f"  # {remark}: not told apart" if remark else "")


def plain(value: Any) -> Any:
    """A value of a section as YAML writes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {key: plain(one) for key, one in asdict(value).items() if one not in (None, {}, False)}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, Path):
        return str(value)
    return round(value, _DIGITS) if isinstance(value, float) else value
