"""From a recipe's YAML and a command line to a `Recipe`, through jsonargparse.

`--data celeba` is short for `--data.name celeba`. Choosing another variant than the YAML's drops the YAML's keys of
that section, and applies `recipes/<recipe>.<data name>.yaml` where there is one: settings fit for that data. With a
teacher that is ready-made, the YAML's stages that make one are left out.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from jsonargparse import ArgumentParser, Namespace

from distill.errors import DistillError, echo, in_section
from distill.files.checksums import check_sum
from distill.files.run_directory import RESOLVED, RunDirectory
from distill.files.text import no_text
from distill.recipe import plain
from distill.recipe.attachments import taken_out, with_place, with_places
from distill.recipe.cells import CellSettings
from distill.recipe.complaints import explained
from distill.recipe.former import as_now
from distill.recipe.help import FLAGS, hide, unused, without_all
from distill.recipe.keys import Keys
from distill.recipe.limits import check_sizes
from distill.recipe.recipe import (
    TEACHER_STAGES,
    Card,
    Evaluate,
    Export,
    Prepare,
    Recipe,
    StageName,
)
from distill.recipe.stages import LabelStage, Pretrain, Probe, Teach, Transfer
from distill.recipe.variants import DEFAULTS, VARIANTS, staying, variant
from distill.recipe.written import load, merge, overlay
from distill.registries import TASKS

# What a stage or the run directory decides of Lightning's Trainer.
_OWN_TRAINER_KEYS = (
    {"max_epochs", "gradient_clip_val", "precision", "default_root_dir", "use_distributed_sampler"}
    | {"num_sanity_val_steps", "fast_dev_run", "inference_mode", "overfit_batches", "limit_train_batches"}
    | {"enable_checkpointing", "enable_model_summary", "enable_progress_bar", "reload_dataloaders_every_n_epochs"}
)
_NAMED = ("evaluate.pairs",)
"""Keys inside a section that have a name and further keys of their own."""
_NULL = {"null", "None", "none"}
_TASK = "attributes"  # where nothing says another


class RecipeReader:
    """A recipe, and the parser that goes with a command line's choice of variants.

    Args:
        recipe: the name of one that ships, or the path of a YAML file.
        prog: how `--help` calls the command.

    Attributes:
        name: of the recipe.
        out: the run directory, unless another is named.

    Raises:
        DistillError: no such recipe.
    """

    def __init__(self, recipe: str, prog: str = "distill run RECIPE") -> None:
        self.name, self.out = _name_and_place(recipe)
        self.prog = prog
        self.base, self.path = load(recipe), recipe
        if Path(recipe).name == RESOLVED:
            self.base = as_now(self.base)

    def read(self, arguments: Sequence[str]) -> tuple[Recipe, str]:
        """The recipe with the keys overridden on the command line, and the same as YAML text.

        Raises:
            DistillError: an unknown key, or a value of the wrong kind; valid ones are listed.
            SystemExit: after `--help` and `--print_config`.
        """
        printing = "--print_config" in arguments
        arguments, whole = without_all(arguments)
        arguments = with_places(_spell_out([argument for argument in arguments if argument != "--print_config"]))
        content = self._content(arguments)
        parser = self._parser(content)
        keys = _keys(parser, content)
        written = dict(_flat(content, keys, self.path))
        if "trainer.logger" in written:
            written["trainer.logger"] = with_place(written["trainer.logger"])
        if set(FLAGS) & set(arguments):
            parser.set_defaults(written)  # shown there; elsewhere they would pass unchecked
            if not whole:
                hide(parser, unused(content, _last_value(arguments, "--stages"), _sections(content)))
        # Put before the command line's, the YAML's keys are read and checked by the same code.
        given = [
            f"--{key}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)}"
            for key, value in written.items()
        ]
        given += _without_absent(arguments, content)
        _check_values(parser, given)
        try:
            parsed = parser.parse_args(given)
        except _RefusedError as refused:
            raise DistillError(explained(str(refused), keys)) from None
        check_sizes(parsed.items())
        for key, value in parsed.items():
            if isinstance(value, Path):
                # A shell leaves the ~ of a YAML's value, and of --key=~/place.
                parsed[key] = Path(os.path.expanduser(value))
        try:
            text = parser.dump(parsed, skip_none=False, skip_validation=True)
            attached = taken_out(parsed.trainer)
            sections = parser.instantiate(parsed)
            sections.trainer.update(Namespace(attached))
        except DistillError:
            _name_section(_sections(content), parsed)
            raise
        if printing:
            print(text, end="")
            raise SystemExit(0)
        return _recipe(self.name, sections), text

    def task(self, arguments: Sequence[str]) -> str:
        """The name of the task, as the YAML or the command line has it."""
        return _last_value(_spell_out(arguments), "--task") or str(self.base.get("task", _TASK))

    def keys(self) -> list[str]:
        """Every key of the recipe, with its own variants; those of a section are `section.key`."""
        content = self._content([])
        return list(_keys(self._parser(content), content).names)

    def written(self, arguments: Sequence[str]) -> set[str]:
        """The keys that the YAML or the command line say something of."""
        arguments = _spell_out(arguments)
        content = self._content(arguments)
        flags = (argument.partition("=")[0].removeprefix("--") for argument in arguments if argument.startswith("--"))
        return {key for key, _ in _flat(content, _keys(self._parser(content), content), self.path)} | set(flags)

    def _content(self, arguments: Sequence[str]) -> dict[str, Any]:
        """The YAML's keys that hold for the variants chosen."""
        content = dict(self.base)
        for section in VARIANTS:
            section_keys = content.get(section) or {}
            if not isinstance(section_keys, dict):
                raise DistillError(
                    f"{self.path}: {section} is {echo(section_keys)}, expected keys and values: "
                    f"{{name: {str(section_keys)[:40]}}}."
                )
            written = section_keys.get("name", DEFAULTS.get(section))
            name = _last_value(arguments, f"--{section}.name") or written
            if section not in DEFAULTS and (name is None or (isinstance(name, str) and name in _NULL)):
                content.pop(section, None)
                continue
            variant(section, name)
            content[section] = {
                "name": name,
                **(section_keys if name == written else staying(section, section_keys, str(name))),
            }
            if name != written and section == "data":
                content = merge(content, overlay(self.path, str(name)))
        ready_made = "teacher" in content and variant("teacher", content["teacher"]["name"]).ready_made
        if ready_made and isinstance(content.get("stages"), list):
            # What a recipe writes of making its own teacher says nothing of one that is ready.
            content["stages"] = [stage for stage in content["stages"] if stage not in TEACHER_STAGES]
        for section in ("data", "teacher"):
            if section not in content:
                raise DistillError(f"{self.path}: has no section `{section}`; expected one with a `name`.")
        return content

    def _parser(self, content: dict[str, Any]) -> ArgumentParser:
        parser = _Parser(
            prog=self.prog,
            usage=f"{self.prog} [--KEY VALUE ...]",
            description=f"Recipe {self.path}. --print_config prints it as resolved, --help all lists every key. "
            + " ".join(f"--{section}: one of {', '.join(one.names())}." for section, one in VARIANTS.items()),
            exit_on_error=False,
            allow_abbrev=False,
            parser_mode=plain.MODE,
        )
        parser.add_argument(
            "--task",
            type=str,
            default=_TASK,
            help=f"what the networks answer: {', '.join(TASKS.names())}",
        )
        parser.add_argument("--seed", type=int, default=0, help="of initialisation, views, order and resampling")
        parser.add_argument(
            "--stages", type=tuple[StageName, ...], default=("transfer",), help="what is trained, in order"
        )
        parser.add_argument("--workers", type=int, default=0, help="processes that load batches")
        for section, kind in _sections(content).items():
            if kind is None:
                parser.add_argument(f"--{section}", type=type(None), help="none in this recipe")
            else:
                parser.add_class_arguments(kind, section)
        import lightning as L

        parser.add_class_arguments(L.Trainer, "trainer", skip=_OWN_TRAINER_KEYS, instantiate=False)
        return parser


_SECTIONS: dict[str, type] = {
    "prepare": Prepare,
    "probe": Probe,
    "teach": Teach,
    "pretrain": Pretrain,
    "fine_tune": LabelStage,
    "transfer": Transfer,
    "cells": CellSettings,
    "evaluate": Evaluate,
    "export": Export,
    "card": Card,
}


def _sections(content: dict[str, Any]) -> dict[str, type | None]:
    """What each section of a recipe is made into; None where a recipe has none."""
    variants = {
        section: variant(section, content[section]["name"]) if section in content else None for section in VARIANTS
    }
    return variants | _SECTIONS


def _name_section(sections: dict[str, type | None], parsed: Namespace) -> None:
    """Make the sections one by one, so that the error of one that does not know its name says it.

    Raises:
        DistillError: of the first that cannot be made.
    """
    for section, kind in sections.items():
        if kind is not None and section in (*get_args(StageName), "data", "unlabelled", "web"):
            parser = ArgumentParser()
            parser.add_class_arguments(kind, section)
            with in_section(section, parsed[section]):
                parser.instantiate(Namespace({section: parsed[section]}))


class _RefusedError(Exception):
    """The parser's complaint, before the valid choices are added."""


class _Parser(ArgumentParser):
    def error(self, message: str, ex: Exception | None = None) -> Any:  # type: ignore[override]
        raise _RefusedError(message)


def _name_and_place(recipe: str) -> tuple[str, Path]:
    """A recipe's name and its run directory: `runs/NAME`, or of a run's own recipe.yaml the directory it lies in.

    Raises:
        DistillError: a run's own is not the one that was written.
    """
    path = Path(recipe)
    if path.name == RESOLVED and (owner := RunDirectory(path.parent).owner) is not None:
        check_sum(path, "Run the recipe it was made of again; one that you change wants a name and a place of its own.")
        return owner, path.parent
    return path.stem, Path("runs") / path.stem


def _spell_out(arguments: Sequence[str]) -> list[str]:
    """`--data celeba` and `--data=celeba` to `--data.name celeba`."""
    short = re.compile(rf"^--({'|'.join(map(re.escape, (*VARIANTS, *_NAMED)))})(=.*)?$")
    return [short.sub(lambda m: f"--{m[1]}.name{m[2] or ''}", argument) for argument in arguments]


def _last_value(arguments: Sequence[str], flag: str) -> str | None:
    value = None
    for place, argument in enumerate(arguments):
        if argument == flag and place + 1 < len(arguments):
            value = arguments[place + 1]
        elif argument.startswith(f"{flag}="):
            value = argument.partition("=")[2]
    return value


def _without_absent(arguments: Sequence[str], content: dict[str, Any]) -> list[str]:
    """The arguments but for `--unlabelled.name null`, which leaves that section out.

    Raises:
        DistillError: another key of a section that is left out.
    """
    kept: list[str] = []
    value = False
    for argument in arguments:
        key = argument.partition("=")[0].removeprefix("--")
        section = key.partition(".")[0]
        dropped = argument.startswith("--") and section in VARIANTS and section not in content
        if dropped and key != f"{section}.name":
            choices = " | ".join(VARIANTS[section].names())
            raise DistillError(f"unknown key {key}: the recipe has no {section}; say which with --{section} {choices}.")
        if not dropped and not value:
            kept.append(argument)
        value = dropped and "=" not in argument
    return kept


def _check_values(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Refuse values that are no text, or YAML of which jsonargparse would make an object, or never an end.

    Raises:
        DistillError: naming the key.
    """
    kinds = {action.dest: str(getattr(action, "_typehint", str)) for action in parser._actions}
    for place, argument in enumerate(arguments):
        if code := no_text(argument):
            key = argument if argument.startswith("--") else " ".join(arguments[max(0, place - 1) : place + 1])
            raise DistillError(f"{echo(key)}: {code} in it is no character of text (UTF-8). Leave it out.")
        key, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or re.search(r"\bstr\b|Path|Literal", kinds.get(key, "str")):
            continue
        try:
            plain.check_value(key, value if equals else next(iter(arguments[place + 1 : place + 2]), ""))
        except plain.NotPlainError as error:
            raise DistillError(str(error)) from error


def _keys(parser: ArgumentParser, content: dict[str, Any]) -> Keys:
    """Every key of the recipe."""
    dests = [action.dest for action in parser._actions]
    leaves = [dest for dest in dests if not any(other.startswith(f"{dest}.") for other in dests)]
    names = sorted({dest.removesuffix(".help") for dest in leaves} - {"help", "print_shtab"})
    return Keys(names, {section: content[section]["name"] for section in VARIANTS if section in content})


def _flat(content: dict[str, Any], keys: Keys, path: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """A YAML's content as (key, value), keys of sections as `section.key`."""
    for name, value in content.items():
        key = f"{prefix}{name}"
        if key in keys.names:
            yield key, value
        elif not keys.within(key):
            raise DistillError(f"{path}: {keys.unknown(key)}")
        elif isinstance(value, dict):
            yield from _flat(value, keys, path, f"{key}.")
        elif value is not None:
            raise DistillError(f"{path}: {key} is {echo(value)}, expected keys and values.")


def _recipe(name: str, parsed: Namespace) -> Recipe:
    values = {field.name: parsed.get(field.name) for field in fields(Recipe) if field.name not in ("name", "trainer")}
    return Recipe(name=name, trainer=vars(parsed.trainer), **values)
