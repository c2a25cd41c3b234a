"""Lightning's Trainer of a stage, as a recipe's `trainer` section says.

Loggers and callbacks are made here, one each for each stage; what this machine cannot do is said before anything is
loaded.
"""

import copy
import inspect
import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from jsonargparse import ArgumentError, ArgumentParser
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from distill.errors import DistillError
from distill.recipe.attachments import ATTACHED, placed
from distill.recipe.recipe import Recipe
from distill.recipe.stages import Stage

_GPUS = ("gpu", "cuda")


def check_trainer(recipe: Recipe) -> None:
    """Refuse what this machine, or Lightning, cannot do, before pictures and weights are read.

    Raises:
        DistillError: there is no such device, a logger's package is not installed, or arguments contradict each other.
    """
    quieten()
    accelerator = recipe.trainer.get("accelerator")
    if accelerator in _GPUS and not torch.cuda.is_available() and not torch.backends.mps.is_available():
        raise DistillError(
            f"trainer.accelerator is {accelerator}, and torch finds no GPU on this machine. Leave it out, which takes "
            "what there is, or set it to cpu."
        )
    for name in recipe.stages:
        if name != "probe":
            trainer_of(recipe.stage(name), recipe.trainer, [], Path())
            return


def trainer_of(stage: Stage, arguments: Mapping[str, Any], callbacks: Sequence[Callback], directory: Path) -> L.Trainer:
    """The Trainer of a stage.

    Args:
        arguments: of the recipe's `trainer`, beside those a stage decides.
        callbacks: of the stage, before the recipe's own.
        directory: where the stage works, and where a logger that names no place writes.

    Raises:
        DistillError: Lightning refuses the arguments, or a package is not installed.
    """
    given = _given(arguments, directory)
    own = given.pop("callbacks", None) or []
    try:
        return L.Trainer(
            **{"logger": False} | given,
            max_epochs=stage.epochs,
            callbacks=[*callbacks, *(own if isinstance(own, list) else [own])],
            gradient_clip_val=stage.clip,
            precision=stage.precision,
            default_root_dir=directory,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError) as error:
        raise DistillError(f"trainer: Lightning refuses these arguments: {' '.join(str(error).split())}") from error


def _given(arguments: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """The Trainer's arguments but those left at its default; loggers and callbacks belong to one Trainer of several."""
    known = inspect.signature(L.Trainer).parameters
    given = {key: value for key, value in arguments.items() if value != known[key].default}
    return {
        key: _made(key, value, directory) if key in ATTACHED else copy.deepcopy(value) for key, value in given.items()
    }


def _made(key: str, value: Any, directory: Path) -> Any:
    """Loggers or callbacks from their names and arguments; those that are made already are copied."""
    if isinstance(value, list):
        return [_made(key, one, directory) for one in value]
    if not isinstance(value, dict):
        return copy.deepcopy(value)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument(f"--{key}", type=ATTACHED[key])
    try:
        return parser.instantiate(parser.parse_object({key: placed(value, directory)}))[key]
    except (ArgumentError, ImportError, MisconfigurationException, TypeError, ValueError) as error:
        first: BaseException = error
        while first.__cause__ is not None:
            first = first.__cause__
        name, said = str(value["class_path"]).rpartition(".")[2], " ".join(str(first).split())[:200]
        if isinstance(first, ImportError):
            raise DistillError(f"trainer.{key}: {name} needs a package that is not installed: {said}") from error
        raise DistillError(f"trainer.{key}: {name} cannot be made ({said}).") from error


def quieten() -> None:
    """Lightning's hints about loaders and hardware are about choices made here on purpose."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
