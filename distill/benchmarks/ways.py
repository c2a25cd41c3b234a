"""Ways of taking a training step, each timed over one turn: seconds a step.

The first steps of a turn are not timed; what a pass costs at its ends is.
"""

import time
from collections.abc import Callable
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from distill.benchmarks.work import CLIP, Work
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.modules import Distiller, FineTuner
from distill.modules.training import TrainingModule
from distill.objectives import BernoulliKl
from distill.objectives.logits import bernoulli_kl

WARM_UP = 3  # steps of a turn that are not timed

Way = Callable[[Work, int], float]
"""From the work and the number of steps to seconds a step."""


def teacher_alone(work: Work, steps: int) -> float:
    """The teacher's forward pass over views that are loaded already, cut at its size."""
    batch = next(work.batches(1))
    work.teacher.to(work.device)
    clock = _Clock(work)
    for step in range(1, steps + 1):
        with torch.inference_mode():
            work.teacher(cut(batch, work.teacher.preprocess))
        clock.tick(step)
    return clock.seconds(steps)


def bare_online(work: Work, steps: int) -> float:
    """A loop written out by hand that asks the teacher."""
    teacher = work.teacher.to(work.device)

    def loss(logits: Tensor, pixels: Tensor, batch: ViewBatch) -> Tensor:
        with torch.inference_mode():
            answers = teacher(pixels)["logits"]
        return bernoulli_kl(logits, answers.clone()).mean()

    return _bare(work, steps, loss)


def bare_stored(work: Work, steps: int) -> float:
    """A loop written out by hand that reads the stored answers: the student's step alone."""

    def loss(logits: Tensor, pixels: Tensor, batch: ViewBatch) -> Tensor:
        assert batch.answers is not None  # the loader was asked for them
        answers = batch.answers["logits"]
        assert isinstance(answers, Tensor)
        return bernoulli_kl(logits, answers).mean()

    return _bare(work, steps, loss, answers=True)


def online(work: Work, steps: int) -> float:
    """A `Distiller` with its teacher in Lightning's Trainer."""
    module = Distiller(
        work.student(), work.teacher, BernoulliKl(), preprocess=work.preprocess, optimization=work.optimization
    )
    return _lightning(work, steps, module)


def stored(work: Work, steps: int) -> float:
    """A `Distiller` that reads the stored answers, in Lightning's Trainer."""
    module = Distiller(work.student(), None, BernoulliKl(), preprocess=work.preprocess, optimization=work.optimization)
    return _lightning(work, steps, module, answers=True)


def supervised(work: Work, steps: int) -> float:
    """A `FineTuner` on labels in Lightning's Trainer."""
    return _lightning(work, steps, FineTuner(work.student(), work.preprocess, work.optimization))


def timm_task(work: Work, steps: int) -> float:
    """timm's distillation task, which asks the teacher, in a loop written out by hand.

    It knows softmax alone and one resolution for both networks; its label term is switched off.
    """
    from timm.task.distillation import LogitDistillationTask

    student = work.student()
    task = LogitDistillationTask(
        student,
        work.teacher.network.to(work.device),
        criterion=nn.MSELoss(),
        distill_loss_weight=1.0,
        task_loss_weight=0.0,
        device=work.device,
        verbose=False,
    ).train()
    layout = torch.channels_last
    target = torch.zeros(work.batch_size, len(work.pictures.classes), device=work.device)
    clock, optimizer, schedule = _Clock(work), *_optimizer(student, steps)
    for step, batch in enumerate(work.batches(steps), 1):
        pixels = work.preprocess.normalize(cut(batch, work.preprocess)).contiguous(memory_format=layout)
        _descend(task(pixels, target)["loss"], student, optimizer, schedule)
        clock.tick(step)
    return clock.seconds(steps)


def torchdistill_loss(work: Work, steps: int) -> float:
    """torchdistill's loss of softened distributions, which asks the teacher, in a loop written out by hand."""
    from torchdistill.losses.mid_level import KDLoss

    teacher, formula = work.teacher.to(work.device), KDLoss("", "output", "", "output", temperature=1.0, alpha=0.0)

    def loss(logits: Tensor, pixels: Tensor, batch: ViewBatch) -> Tensor:
        with torch.no_grad():
            answers = teacher(pixels)["logits"]
        value: Tensor = formula({"": {"output": logits}}, {"": {"output": answers}})
        return value

    return _bare(work, steps, loss)


def _bare(work: Work, steps: int, loss: Callable[[Tensor, Tensor, ViewBatch], Tensor], answers: bool = False) -> float:
    student = work.student().train()
    clock, optimizer, schedule = _Clock(work), *_optimizer(student, steps)
    for step, batch in enumerate(work.batches(steps, answers), 1):
        pixels = cut(batch, work.preprocess)
        logits = student(work.preprocess.normalize(pixels).contiguous(memory_format=torch.channels_last))
        _descend(loss(logits, pixels, batch), student, optimizer, schedule)
        clock.tick(step)
    return clock.seconds(steps)


def _optimizer(student: nn.Module, steps: int) -> tuple[torch.optim.Optimizer, Any]:
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3, weight_decay=0.0, fused=True)
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))


def _descend(loss: Tensor, student: nn.Module, optimizer: torch.optim.Optimizer, schedule: Any) -> None:
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(student.parameters(), CLIP)
    optimizer.step()
    schedule.step()


def _lightning(work: Work, steps: int, module: TrainingModule, answers: bool = False) -> float:
    clock = _Clock(work)
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
        accelerator="cpu" if work.device.type == "cpu" else "gpu",
        devices=1,
    )
    trainer.fit(module, work.loader(answers))
    return clock.seconds(steps)


class _Clock:
    """From the end of the warm-up's last step to the end of the last: loading is inside."""

    def __init__(self, work: Work) -> None:
        self.waits = work.device.type == "cuda"
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
    def __init__(self, clock: _Clock) -> None:
        self.clock = clock

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.clock.tick(trainer.global_step)
