"""What `--help` of a recipe shows: the sections that its stages use. The others stand in `--help all`."""

from argparse import SUPPRESS
from collections.abc import Collection, Mapping, Sequence
from typing import Any, get_args

import yaml
from jsonargparse import ArgumentParser

from distill.recipe import plain
from distill.recipe.recipe import TEACHER_STAGES, StageName

FLAGS = ("-h", "--help")
ALL = "all"
_SELDOM = ("trainer", "card")
_OF_ONE_TASK = ("cells",)
_WORDS = {
    "trainer": "Lightning's Trainer: devices, precision, logger, callbacks",
    "card": "licences for the model card",
    "cells": "cells of the Earth, where places are learnt",
}


def without_all(arguments: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without the word after `--help`, and whether it stood there."""
    kept: list[str] = []
    for argument in arguments:
        if not (argument == ALL and kept and kept[-1] in FLAGS):
            kept.append(argument)
    return kept, len(kept) < len(arguments)


def unused(content: Mapping[str, Any], stages: str | None, sections: Collection[str]) -> list[str]:
    """Sections of a recipe that say nothing of what its stages do, or that few need.

    Args:
        content: the recipe's keys and values.
        stages: as the command line has them, in place of the recipe's.
    """
    written = _listed(stages) if stages else content.get("stages", ["transfer"])
    run = {name for name in (written if isinstance(written, list) else [written]) if isinstance(name, str)}
    unused = {name for name in get_args(StageName) if name not in run}
    if not run & {*TEACHER_STAGES, "transfer"} and (content.get("pretrain") or {}).get("teacher_top") is None:
        unused.add("teacher")
    if "transfer" not in run:
        unused.add("objective")
    return [
        name
        for name in (*sections, "trainer")
        if name in unused or name in _SELDOM or (name in _OF_ONE_TASK and name not in content)
    ]


def hide(parser: ArgumentParser, sections: Sequence[str]) -> None:
    """Leave sections out of a parser's help, and name them at its end."""
    for action in parser._actions:
        if action.dest.partition(".")[0] in sections:
            action.help = SUPPRESS
    for group in parser._action_groups:
        actions = group._group_actions
        if actions and all(action.help is SUPPRESS for action in actions):
            group.description = None
    words = [f"--{name}.* ({_WORDS[name]})" if name in _WORDS else f"--{name}.*" for name in sections]
    parser.epilog = f"Not shown: {', '.join(words)}. --help {ALL} shows every key."


def _listed(stages: str) -> object:
    try:
        return plain.load(stages)
    except yaml.YAMLError:  # the parser says so, once it parses
        return []
