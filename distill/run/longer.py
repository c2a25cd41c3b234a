"""A stage whose passes were raised: it goes on from the shorter training where that had the same learning rates.

Beside its result a stage keeps what it shares with one of more passes. Where the schedule runs over all steps, as half
a cosine does, a longer training has another rate from the first step on, and cannot use what the shorter one left.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from distill.files.atomic import atomic_path, json_text, write_json
from distill.files.sealed import read_sealed, sealed
from distill.files.sealed_zip import check_zip
from distill.modules.optimization import Optimization
from distill.recipe.stages import Stage

_LINEAGE = "lineage.json"


class _Lineage(TypedDict):
    """The content of `lineage.json`."""

    lineage: str
    passes: int
    steps: int
    settings: dict[str, Any]


class Shorter(NamedTuple):
    """A finished training of fewer passes.

    Attributes:
        directory: of its stage.
        passes: it had.
        steps: it took.
        settings: its optimisation and batch size, in the end.
    """

    directory: Path
    passes: int
    steps: int
    settings: Mapping[str, Any]


def note(directory: Path, lineage: str, stage: Stage, steps: int) -> None:
    """Keep what a longer training needs to know of a finished one; what is kept already stays, unless it is damaged.

    Args:
        lineage: a key of all that the stage read but its number of passes.
    """
    file = directory / _LINEAGE
    content = sealed({"lineage": lineage, "passes": stage.epochs, "steps": steps, "settings": _settings(stage)})
    if not file.exists() or file.read_bytes() != json_text(content).encode():
        write_json(file, content)


def shorter(directory: Path, lineage: str, passes: int) -> Shorter | None:
    """The longest training that differs from the one in a directory in having had fewer passes alone.

    Raises:
        DistillError: what one of them left of itself is damaged.
    """
    found = []
    for file in directory.parent.glob(f"*/{_LINEAGE}"):
        content: _Lineage = read_sealed(file, _Lineage, "Delete it, and no longer training goes on from this one.")
        if content["lineage"] == lineage and content["passes"] < passes:
            found.append(Shorter(file.parent, content["passes"], content["steps"], content["settings"]))
    return max(found, key=lambda one: one.passes, default=None)


def why_not(one: Shorter, stage: Stage) -> str | None:
    """Why a training of these passes cannot go on from a shorter one, in words; None where it can."""
    if one.settings != _settings(stage):
        return "what the recipe leaves out was chosen for their length"
    steps = one.steps * stage.epochs // one.passes
    optimization: Optimization = stage.optimization
    if any(optimization.factor(step, one.steps) != optimization.factor(step, steps) for step in range(one.steps)):
        return (
            "their learning rate ran by a schedule over all steps, so more passes have another from the first on; with "
            "optimization.schedule constant and warmup 0 they would go on"
        )
    return None


def take_over(one: Shorter, directory: Path, names: tuple[str, ...]) -> bool:
    """Copy where the shorter training ended; False where that was not kept.

    Args:
        names: of its files, first the one with which a training counts as begun, which is copied last.

    Raises:
        DistillError: it is damaged, or the place cannot be written to.
    """
    if not (one.directory / names[0]).exists():
        return False
    for name in reversed(names):
        if (one.directory / name).exists():
            check_zip(one.directory / name, "Delete it, and longer trainings begin anew.")
            with atomic_path(directory / name) as temporary:
                shutil.copyfile(one.directory / name, temporary)
    return True


def _settings(stage: Stage) -> dict[str, Any]:
    return {"batch_size": stage.batch_size, "optimization": asdict(stage.optimization)}
