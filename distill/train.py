"""One stage, by Lightning's Trainer: resumed where it was stopped, kept when it is done."""

import copy
import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar, Timer
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn

from distill.data.data_module import ViewDataModule
from distill.errors import DistillError
from distill.files import read_json, write_json
from distill.modules.training import TrainingModule
from distill.recipe import Stage
from distill.weights import read_weights, write_weights

_RESULT, _RECORD, _CHECKPOINT, _BEST = "result.safetensors", "stage.json", "last.ckpt", "best.ckpt"


@dataclass(frozen=True)
class Trained:
    """What a stage left.

    Attributes:
        weights: of the network, the average where one is kept.
        seconds: of training and validation, over all attempts.
        history: one record a pass: `step`, `loss`, and `val_mAP` where it was measured.
    """

    weights: dict[str, Tensor]
    seconds: float
    history: list[dict[str, float]]


class History(Callback):
    """Keeps each pass's figures; they travel in the checkpoint, so that a resumed run has them all."""

    def __init__(self) -> None:
        self.records: list[dict[str, float]] = []

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        metrics = trainer.callback_metrics
        record = {"step": float(trainer.global_step), "loss": float(metrics["train_loss"])}
        if "val_mAP" in metrics:
            record["val_mAP"] = float(metrics["val_mAP"])
        self.records.append(record)

    def state_dict(self) -> dict[str, Any]:
        return {"records": self.records}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.records = list(state_dict["records"])


def finished(directory: Path) -> Trained | None:
    """The stage's result, where an earlier attempt completed it."""
    if not (directory / _RECORD).exists():
        return None
    record = read_json(directory / _RECORD)
    return Trained(read_weights(directory / _RESULT), record["seconds"], record["history"])


def train(
    directory: Path, module: TrainingModule, data: ViewDataModule, stage: Stage, arguments: Mapping[str, Any]
) -> Trained:
    """Train, going on from the last checkpoint in ``directory`` if there is one.

    Args:
        arguments: of Lightning's Trainer, beside those a stage decides.

    Raises:
        DistillError: a checkpoint cannot be read or written, the training diverged, the teacher failed, or Lightning
            refuses the arguments.
        KeyboardInterrupt: it was stopped.
    """
    history, timer = History(), Timer()
    last = ModelCheckpoint(
        directory, filename=_CHECKPOINT.removesuffix(".ckpt"), every_n_train_steps=stage.checkpoint_steps,
        save_top_k=1, enable_version_counter=False, save_on_train_epoch_end=False,
    )  # fmt: skip
    callbacks: list[Callback] = [history, timer, last, RichProgressBar(leave=False)]
    if stage.keep == "best":
        callbacks.append(
            ModelCheckpoint(
                directory,
                filename=_BEST.removesuffix(".ckpt"),
                monitor="val_mAP",
                mode="max",
                save_weights_only=True,
                enable_version_counter=False,
            )
        )
    quieten()
    # Copies: a logger belongs to one Trainer, and a run makes several.
    given = {key: copy.deepcopy(value) for key, value in arguments.items() if value is not None}
    try:
        trainer = L.Trainer(
            **{"logger": False} | given,
            max_epochs=stage.epochs,
            callbacks=callbacks,
            gradient_clip_val=stage.clip,
            precision=stage.precision,
            default_root_dir=directory,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError) as error:
        raise DistillError(f"trainer: Lightning refuses these arguments: {error}") from error
    checkpoint = directory / _CHECKPOINT
    try:
        trainer.fit(module, data, ckpt_path=checkpoint if checkpoint.exists() else None, weights_only=True)
    except OSError as error:
        raise DistillError(f"{directory}: a checkpoint cannot be read or written ({error}).") from error
    except SystemExit:
        if trainer.interrupted:  # how Lightning passes on a Ctrl-C
            raise KeyboardInterrupt from None
        raise
    if stage.keep == "best":
        best = torch.load(directory / _BEST, map_location="cpu", weights_only=True)
        module.load_state_dict(best["state_dict"])
    result = module.result()
    if not trainer.is_global_zero:
        return Trained(dict(result.state_dict()), timer.time_elapsed("train"), history.records)
    trained = keep(directory, result, timer.time_elapsed("train"), history.records)
    for leftover in (_CHECKPOINT, _BEST):
        (directory / leftover).unlink(missing_ok=True)
    return trained


def keep(directory: Path, network: nn.Module, seconds: float, history: list[dict[str, float]]) -> Trained:
    """Write a stage's result, the record last: with it the stage is finished."""
    write_weights(directory / _RESULT, network)
    write_json(directory / _RECORD, {"seconds": seconds, "history": history})
    return Trained(dict(network.state_dict()), seconds, history)


def quieten() -> None:
    """Lightning's hints about loaders and hardware are about choices made here on purpose."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
