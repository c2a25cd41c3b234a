"""What loops of a benchmark share: the clock, the optimiser, one step down, and Lightning's Trainer."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from distill.data.views.batch import ViewBatch
from distill.data.views.loader import ViewLoader
from distill.modules.training import TrainingModule

CLIP = 5.0
WARM_UP = 3  # steps of a turn that are not timed


def batches_of(loader: ViewLoader, steps: int, device: torch.device) -> Iterator[ViewBatch]:
    """As many batches as asked for, pass after pass, on the device."""
    while True:
        for batch in loader:
            yield batch.to(device)
            steps -= 1
            if steps == 0:
                return


def optimizer_of(student: nn.Module, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    """Of a loop written out by hand, and its schedule: a straight line down."""
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3, weight_decay=0.0, fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))


def descend(loss: Tensor, student: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    """One step of such a loop."""
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(student.parameters(), CLIP)
    optimizer.step()
    schedule.step()


def lightning(batches: Iterable[Any], device: torch.device, steps: int, module: TrainingModule) -> float:
    """Seconds a step of a module in Lightning's Trainer."""
    clock = Clock(device)
    trainer = L.Trainer(
        max_steps=steps,
        max_epochs=-1,
        callbacks=[_Ticks(clock)],
        gradient_clip_val=CLIP,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        accelerator="cpu" if device.type == "cpu" else "gpu",
        devices=1,
    )
    trainer.fit(module, batches)
    return clock.seconds(steps)


class Clock:
    """From the end of the warm-up's last step to the end of the last: loading is inside."""

    def __init__(self, device: torch.device) -> None:
        self.waits = device.type == "cuda"
        self.started = self.ended = 0.0

    def tick(self, step: int) -> None:
        if self.waits and step == WARM_UP:
            torch.cuda.synchronize()
        self.ended = time.perf_counter()
        if step == WARM_UP:
            self.started = self.ended

    def seconds(self, steps: int) -> float:
        if self.waits:
            torch.cuda.synchronize()
            self.ended = time.perf_counter()
        return (self.ended - self.started) / (steps - WARM_UP)


class _Ticks(Callback):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.clock.tick(trainer.global_step)
