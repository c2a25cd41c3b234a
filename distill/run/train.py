"""One stage, by Lightning's Trainer: resumed where it was stopped, kept when it is done."""

import math
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, Timer
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from distill.data.views.data_module import ViewDataModule
from distill.data.views.loader import workers_alive
from distill.errors import DistillError
from distill.files.atomic import atomic_path
from distill.files.sealed_zip import check_zip, seal_zip
from distill.host import exhausted
from distill.modules.training import TrainingModule
from distill.recipe.stages import MIN_BATCH, Stage
from distill.run.progress import PROGRESS, ProgressFile
from distill.run.progress_bar import LossBar
from distill.run.record import Trained, finished, keep
from distill.run.trainer import quieten, trainer_of

_CHECKPOINT, _BEST = "last.ckpt", "best.ckpt"
ENDS = (_CHECKPOINT, _BEST)
"""Where training stood after its last pass, and its best one: kept where more passes may follow."""


class History(Callback):
    """Keeps each pass's figures; they travel in the checkpoint, so that a resumed run has them all.

    Args:
        metric: what validation logs, such as `val_mAP`; larger is better.
    """

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.records: list[dict[str, float]] = []
        self._loss, self._batches = torch.zeros(()), 0
        self._scored: float | None = None

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # Lightning's own mean over a pass forgets, on resuming, the batches before the checkpoint. It hands over the
        # loss divided for accumulation.
        loss = outputs["loss"].detach().float() * trainer.accumulate_grad_batches
        self._loss = loss if self._batches == 0 else self._loss.to(loss.device) + loss
        self._batches += 1

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.metric in trainer.callback_metrics:
            self._scored = float(trainer.callback_metrics[self.metric])

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        loss = trainer.strategy.reduce(self._loss.to(trainer.strategy.root_device), reduce_op="mean")
        record = {"step": float(trainer.global_step), "loss": float(loss) / self._batches}
        if self._scored is not None:
            record[self.metric] = self._scored
        self.records.append(record)
        self._loss, self._batches, self._scored = torch.zeros(()), 0, None

    def is_best(self) -> bool:
        """Whether the last pass scored above all before it."""
        score = self.records[-1].get(self.metric)
        return score is not None and all(score > record.get(self.metric, -math.inf) for record in self.records[:-1])

    def state_dict(self) -> dict[str, Any]:
        return {"records": self.records, "loss": self._loss, "batches": self._batches, "scored": self._scored}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.records = list(state_dict["records"])
        self._loss, self._batches, self._scored = (state_dict[key] for key in ("loss", "batches", "scored"))


class Checkpoints(Callback):
    """Saves where training stands every few steps and after each pass, and the weights of the best pass.

    A pass's last step is saved after its validation: a run resumed between the two would never validate it.
    """

    def __init__(self, directory: Path, every_steps: int, history: History, keep_best: bool) -> None:
        self.directory, self.every_steps, self.history, self.keep_best = directory, every_steps, history, keep_best

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        # Gradients that are being accumulated are not saved.
        stepped = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if stepped and trainer.global_step % self.every_steps == 0 and not trainer.is_last_batch:
            self._save(trainer, _CHECKPOINT)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if self.keep_best and self.history.is_best():
            self._save(trainer, _BEST, weights_only=True)
        self._save(trainer, _CHECKPOINT)

    def _save(self, trainer: L.Trainer, name: str, weights_only: bool = False) -> None:
        # Lightning moves a file over from the system's temporary folder, which can be cut off half-way.
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.directory / name, weights_only)  # takes part, and writes nothing
            return
        with atomic_path(self.directory / name) as temporary:
            trainer.save_checkpoint(temporary, weights_only)
            if temporary.is_file():
                seal_zip(temporary)


def begun(directory: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return (directory / _CHECKPOINT).exists()


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
    if stage.keep == "best" and module.metric is None:
        raise DistillError(f"{directory}: keep is best, and nothing is measured to tell the best by. Set keep to last.")
    # Lightning leaves max_time to a timer that is there already.
    history, timer = History(f"val_{module.metric.name}" if module.metric else ""), Timer(arguments.get("max_time"))
    saving = Checkpoints(directory, stage.checkpoint_steps, history, stage.keep == "best")
    progress = ProgressFile(directory, lambda: history.records, history.metric)
    callbacks: list[Callback] = [history, progress, timer, LossBar(), saving]
    quieten()
    trainer = trainer_of(stage, {**arguments, "max_time": None}, callbacks, directory)
    if stage.batch_size is not None and stage.batch_size < MIN_BATCH * trainer.world_size:
        raise DistillError(
            f"batch_size is {stage.batch_size} over {trainer.world_size} processes, expected {MIN_BATCH} or more "
            "pictures for each: a single picture has no batch statistics. Raise it, or train in fewer processes "
            "(trainer.devices)."
        )
    try:
        with workers_alive():
            trainer.fit(module, data, ckpt_path=_resumable(directory / _CHECKPOINT), weights_only=True)
    except (MisconfigurationException, ValueError) as error:
        if isinstance(error, ValueError) and not _raised_by_lightning(error):
            raise
        raise DistillError(f"trainer: Lightning refuses these arguments: {error}") from error
    except OSError as error:
        if exhausted(error):
            raise
        raise DistillError(f"{directory}: a checkpoint cannot be read or written ({error}).") from error
    except SystemExit:
        if trainer.interrupted:  # how Lightning passes on a Ctrl-C
            raise KeyboardInterrupt from None
        raise
    if stage.keep == "best":
        if not (directory / _BEST).exists():
            raise DistillError(f"{directory}: no pass was validated, so none is best. Set keep to last.")
        check_zip(directory / _BEST, f"Delete {directory}, and the stage begins anew.")
        best = torch.load(directory / _BEST, map_location="cpu", weights_only=True)
        module.load_state_dict(best["state_dict"])
    trainer.strategy.barrier("every process has read the best weights")
    if trainer.is_global_zero:
        keep(directory, module.result(), timer.time_elapsed("train"), history.records)
        tidy(directory, stage)
    # Each process has batch statistics of its own: they all go on with what was kept.
    trainer.strategy.barrier("the result is kept")
    kept = finished(directory)
    if kept is None:
        raise DistillError(
            f"{directory}: the first process's result is not here. Processes on several machines need a run directory "
            "that they all see."
        )
    return kept


def tidy(directory: Path, stage: Stage) -> None:
    """Remove from a finished stage what only its training needed.

    Raises:
        OSError: the place cannot be written to.
    """
    for leftover in (PROGRESS, *(ENDS if stage.optimization.schedule == "cosine" else ())):
        (directory / leftover).unlink(missing_ok=True)


def _raised_by_lightning(error: Exception) -> bool:
    *_, last = traceback.walk_tb(error.__traceback__)
    return str(last[0].f_globals.get("__name__", "")).startswith("lightning.")


def _resumable(checkpoint: Path) -> Path | None:
    if not checkpoint.exists():
        return None
    remedy = "Delete it, and the stage begins anew."
    check_zip(checkpoint, remedy)
    try:
        torch.load(checkpoint, map_location="meta", weights_only=True)
    except Exception as error:  # a broken file makes the restricted unpickler raise almost anything
        raise DistillError(f"{checkpoint}: damaged ({type(error).__name__}). {remedy}") from error
    return checkpoint
