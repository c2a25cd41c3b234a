"""Loggers and callbacks of Lightning's, as a recipe writes them: class names, or `class_path` and `init_args`.

They are made when a stage begins, one each for each stage; until then they are plain values, which resolve to YAML.
"""

import importlib
import inspect
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from distill.recipe import plain

ATTACHED = {"logger": Logger, "callbacks": Callback}
"""Keys of `trainer`, and what stands there one by one."""
STAGE = "{stage}"
"""In their arguments: the directory of the stage they are of, in the run directory."""

_FLAG = "--trainer.logger"


def with_place(value: Any) -> Any:
    """A logger, or several, that write into the directory of the stage where nothing else is said.

    What is no class that could be found is left as it is, for the parser to refuse.
    """
    if isinstance(value, list):
        return [with_place(one) for one in value]
    written = {"class_path": value} if isinstance(value, str) else value
    if not isinstance(written, dict) or not _takes_place(str(written.get("class_path", ""))):
        return value
    return written | {"init_args": {"save_dir": STAGE, **(written.get("init_args") or {})}}


def with_places(arguments: Sequence[str]) -> list[str]:
    """A command line whose loggers write there."""
    spelled: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        flag, equals, value = argument.partition("=")
        if flag != _FLAG:
            spelled.append(argument)
            continue
        value = value if equals else next(rest, "")
        try:
            written = plain.load(value)
        except yaml.YAMLError:
            spelled.append(f"{_FLAG}={value}")
            continue
        spelled.append(f"{_FLAG}={json.dumps(with_place(written))}")
    return spelled


def taken_out(trainer: Namespace) -> dict[str, Any]:
    """What was parsed of them, as plain values; in its place stands nothing that would be made too early."""
    taken = {}
    for key in ATTACHED:
        taken[key] = _plain(trainer[key])
        trainer[key] = None
    return taken


def placed(value: Any, directory: Path) -> Any:
    """The same with the directory of the stage where it says so."""
    if isinstance(value, dict):
        return {key: placed(one, directory) for key, one in value.items()}
    if isinstance(value, list):
        return [placed(one, directory) for one in value]
    return value.replace(STAGE, str(directory)) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Namespace):
        return value.as_dict()
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _takes_place(name: str) -> bool:
    """Whether a logger of that name has an argument for the directory it writes to."""
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module or "lightning.pytorch.loggers"), attribute)
        return "save_dir" in inspect.signature(found).parameters
    except (ImportError, AttributeError, TypeError, ValueError):
        return False
