"""Ways of taking a training step, each timed over one turn: seconds a step.

The first steps of a turn are not timed; what a pass costs at its ends is.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from distill.benchmarks.loops import Clock, descend, lightning, optimizer_of
from distill.benchmarks.work import Work
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.modules import Distiller, FineTuner
from distill.objectives import BernoulliKl
from distill.objectives.logits import bernoulli_kl

Way = Callable[[Work, int], float]
"""From the work and the number of steps to seconds a step."""


def teacher_alone(work: Work, steps: int) -> float:
    """The teacher's forward pass over views that are loaded already, cut at its size."""
    batch = next(work.batches(1))
    work.teacher.to(work.device)
    clock = Clock(work.device)
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
    return lightning(work.loader(), work.device, steps, module)


def stored(work: Work, steps: int) -> float:
    """A `Distiller` that reads the stored answers, in Lightning's Trainer."""
    module = Distiller(work.student(), None, BernoulliKl(), preprocess=work.preprocess, optimization=work.optimization)
    return lightning(work.loader(True), work.device, steps, module)


def supervised(work: Work, steps: int) -> float:
    """A `FineTuner` on labels in Lightning's Trainer."""
    return lightning(work.loader(), work.device, steps, FineTuner(work.student(), work.preprocess, work.optimization))


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
    clock, optimizer, schedule = Clock(work.device), *optimizer_of(student, steps)
    for step, batch in enumerate(work.batches(steps), 1):
        pixels = work.preprocess.normalize(cut(batch, work.preprocess)).contiguous(memory_format=layout)
        descend(task(pixels, target)["loss"], student, optimizer, schedule)
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
    clock, optimizer, schedule = Clock(work.device), *optimizer_of(student, steps)
    for step, batch in enumerate(work.batches(steps, answers), 1):
        pixels = cut(batch, work.preprocess)
        logits = student(work.preprocess.normalize(pixels).contiguous(memory_format=torch.channels_last))
        descend(loss(logits, pixels, batch), student, optimizer, schedule)
        clock.tick(step)
    return clock.seconds(steps)
