"""distill completion SHELL"""

import argparse
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import shtab

from distill.commands import COMMANDS
from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.recipe.parser import RecipeReader
from distill.recipe.variants import VARIANTS
from distill.recipe.written import recipe_names
from distill.registries import TASKS
from students.naming import timm_names

SHELLS = ("bash", "zsh")

_OF_RECIPES = {"run", "sweep", "evaluate", "export", "store"}  # commands that keys of a recipe may follow
_RECIPE = "_distill_recipe"


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(
        prog="distill completion",
        description="Print what lets a shell complete commands, recipes, their keys and the names of variants.",
        epilog='bash: put eval "$(distill completion bash)" into ~/.bashrc. zsh: write distill completion zsh into a '
        "file named _distill in a folder of $fpath. Print it again after a package with students or objectives of its "
        "own was installed.",
    )
    parser.add_argument("shell", choices=SHELLS)
    return parser


def main(arguments: list[str]) -> int:
    """Print a completion script."""
    options = build_parser().parse_args(arguments)
    print(shtab.complete(_everything(), options.shell, preamble=_preamble()[options.shell]))
    return 0


def _everything() -> argparse.ArgumentParser:
    """One parser of all commands with all they take."""
    parser = CommandParser(prog="distill")
    parser.add_argument("--version", action="store_true", help="say which version this is")
    commands = parser.add_subparsers()
    keys = _keys()
    for name, what in COMMANDS.items():
        own = import_module(f"distill.commands.{name}").build_parser()
        command = commands.add_parser(name, help=what, parents=[own], add_help=False, conflict_handler="resolve")
        for action in command._actions:
            if action.dest == "recipe":
                action.complete = {shell: _RECIPE for shell in SHELLS}  # type: ignore[attr-defined]  # read by shtab
            elif action.type is Path:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        for key, values in keys.items() if name in _OF_RECIPES else ():
            if f"--{key}" not in command._option_string_actions:
                command.add_argument(f"--{key}", choices=values, help="")
    return parser


def _keys() -> dict[str, list[str] | None]:
    """Every key of any recipe, and where it names a variant, their names."""
    keys: dict[str, list[str] | None] = dict.fromkeys(RecipeReader(recipe_names()[0]).keys())
    for section, registry in VARIANTS.items():
        names = [name for name in registry.names() if "*" not in name]
        for name in registry.names():
            try:
                keys |= {f"{section}.{field.name}": None for field in fields(registry.get(name))}
            except DistillError:  # of a package that is broken, which is told where it is chosen
                continue
        keys[section] = keys[f"{section}.name"] = sorted(names + timm_names()) if section == "student" else names
    return keys | {"task": TASKS.names()}


def _preamble() -> dict[str, str]:
    """By shell, the function that completes a recipe: a name, or a file."""
    names = " ".join(recipe_names())
    return {
        "bash": f'{_RECIPE}() {{ compgen -W "{names}" -- "$1"; compgen -f -X "!*.y*ml" -- "$1"; compgen -d -- "$1"; }}',
        "zsh": f"{_RECIPE}() {{ _alternative 'recipes:recipe:({names})' 'files:file:_files -g \"*.y*ml\"' }}",
    }
