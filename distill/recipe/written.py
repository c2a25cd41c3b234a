"""Recipes as they are written: YAML that ships or is somebody's own, and what is laid over it for other data."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from distill.errors import DistillError
from distill.files.nearby import nearby
from distill.recipe import plain
from distill.recipe.variants import DEFAULTS, VARIANTS, staying


def recipe_names() -> list[str]:
    """The recipes that ship with the package."""
    names = (entry.name for entry in files("recipes").iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and name.count(".") == 1)


def load(recipe: str) -> dict[str, Any]:
    """The keys and values of one that ships, by its name, or of a YAML file, by its path.

    Raises:
        DistillError: there is none, or it is no YAML.
    """
    path = Path(recipe)
    if path.suffix not in (".yaml", ".yml"):
        if recipe not in recipe_names():
            raise DistillError(f"recipe {recipe!r}: expected one of {', '.join(recipe_names())}, or a .yaml file.")
        return _read_yaml(files("recipes").joinpath(f"{recipe}.yaml"), recipe)
    if not path.is_file():
        raise DistillError(
            f"{path}: no such recipe file. Recipes that ship: {', '.join(recipe_names())}. {nearby(path)}"
        )
    return _read_yaml(path, recipe)


def _read_yaml(file: Any, name: str) -> dict[str, Any]:
    try:
        content = plain.load(file.read_text(encoding="utf-8-sig"))
    except plain.NotPlainError as error:
        raise DistillError(f"{name}: {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DistillError(f"{name}: not YAML ({' '.join(str(error).split())}).") from error
    if not isinstance(content, dict):
        raise DistillError(f"{name}: expected keys and values, found {type(content).__name__}.")
    return content


def overlay(recipe: str, data: str) -> dict[str, Any]:
    """What stands beside a recipe for other data than its own; empty where nothing does.

    Raises:
        DistillError: it is no YAML.
    """
    beside = files("recipes") if Path(recipe).suffix == "" else Path(recipe).parent
    file = beside.joinpath(f"{Path(recipe).stem}.{data}.yaml")
    return _read_yaml(file, str(file)) if file.is_file() else {}


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Keys and values laid over others, section by section; of another variant, what was written stays where it holds
    for that one too."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        if both and key in VARIANTS:
            name = merged[key].get("name", DEFAULTS.get(key))
            if (other := value.get("name", name)) != name:
                merged[key] = staying(key, merged[key], other)
        merged[key] = merge(merged[key], value) if both else value
    return merged
