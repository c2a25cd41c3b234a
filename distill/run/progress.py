"""How far a stage is, for whoever watches it: a file beside its checkpoint, and lines where no bar is drawn."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict

import lightning as L
from lightning.pytorch.callbacks import Callback
from rich.console import Console

from distill.files.sealed import read_sealed, write_sealed

PROGRESS = "progress.json"

_LINES = 20  # of a stage, at most

console = Console(stderr=True, markup=False, emoji=False, highlight=False)


@dataclass(frozen=True)
class Progress:
    """Where a stage stands after a pass.

    Attributes:
        done, passes: those that are over, and all.
        loss: the mean of the last pass.
        metric: what validation logs, such as `val_mAP`.
        best: of the passes so far; None where none was scored.
    """

    done: int
    passes: int
    loss: float
    metric: str
    best: float | None

    def __str__(self) -> str:
        scored = "" if self.best is None else f", {self.metric} {self.best:.4f} at best"
        return f"pass {self.done} of {self.passes}, loss {self.loss:.4g}{scored}"


class _Content(TypedDict):
    """The content of `progress.json`."""

    done: int
    passes: int
    loss: float
    metric: str
    best: float | None


def read_progress(stage: Path) -> Progress | None:
    """Where the stage in a directory stands; None where it has finished no pass, or all."""
    file = stage / PROGRESS
    remedy = "Delete it; the run writes it after each pass."
    if not file.exists():
        return None
    content: _Content = read_sealed(file, _Content, remedy)
    return Progress(content["done"], content["passes"], content["loss"], content["metric"], content["best"])


class ProgressFile(Callback):
    """Writes where a stage stands after each pass, and says it where there is no terminal.

    Args:
        directory: of the stage.
        records: of its passes; whoever adds the last one's does it before.
        metric: what validation logs, such as `val_mAP`.
    """

    def __init__(self, directory: Path, records: Callable[[], list[dict[str, float]]], metric: str) -> None:
        self.directory, self.records, self.metric = directory, records, metric

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        records = self.records()
        scores = [record[self.metric] for record in records if self.metric in record]
        passes = trainer.max_epochs or len(records)
        progress = Progress(len(records), passes, records[-1]["loss"], self.metric, max(scores, default=None))
        write_sealed(self.directory / PROGRESS, asdict(progress))
        if not console.is_terminal and len(records) % math.ceil(passes / _LINES) == 0:
            console.print(f"{self.directory.name.rpartition('-')[0]}: {progress}", soft_wrap=True)
