"""The progress bar of a stage."""

from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import RichProgressBar


class LossBar(RichProgressBar):
    """Lightning's bar, with the loss of the step at which it was last drawn.

    What a module logs for the bar is read back from the device at every step; this waits for it where the bar is drawn
    alone, and on a GPU draws it seldom.
    """

    def __init__(self) -> None:
        super().__init__(refresh_rate=20 if torch.cuda.is_available() else 1, leave=False)
        self._loss: dict[str, float] = {}

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.is_enabled and (batch_idx + 1) % self.refresh_rate == 0:
            self._loss = {"loss": float(outputs["loss"]) * trainer.accumulate_grad_batches}
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def get_metrics(
        self, trainer: L.Trainer, pl_module: L.LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """The loss, and what was logged for the bar but the means of the last pass, which would stand beside it."""
        logged = super().get_metrics(trainer, pl_module)
        return {**self._loss, **{name: value for name, value in logged.items() if not name.startswith("train_")}}
