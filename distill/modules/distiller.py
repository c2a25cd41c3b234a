"""Learning from a teacher.

Shapes: N batch, C classes or attributes, or embedding dimensions; h w the teacher's pixels.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import torch
import torchmetrics
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch import Tensor, nn

from distill.answers.kind import named
from distill.errors import DistillError
from distill.modules.batches import Pixels, labels_of
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.objectives import BernoulliKl, Objective, OwnLoss, Targets
from distill.objectives.own import Loss
from distill.preprocess.preprocess import Preprocess

TeacherPrecision = Literal["32-true", "bf16"]


class Teaches(Protocol):
    """A frozen network with its own input contract; `teachers.Teacher` is one."""

    preprocess: Preprocess

    def __call__(self, pixels: Tensor) -> Tensor | Mapping[str, Tensor]:
        """float32 (N, 3, h, w) on 0..255 at its own size to named tensors (N, ...); one alone needs no name."""
        ...

    def to(self, device: torch.device) -> object: ...


class Distiller(TrainingModule):
    """Trains a student to give a teacher's answers to the same views (section 4.5 of arXiv 1704.04861).

    Args:
        student: float (N, 3, h, w), normalised, to named tensors (N, ...); one that is alone needs no name.
        teacher: any `teachers.Teacher`; None where every batch brings the answers of a stored one, or where they lie
            among the targets (`Objective.asks_views`).
        objective: the formula and its label term; or any callable of the student's answers, the teacher's and
            the labels to one value a picture (N,), see `OwnLoss`.
        preprocess: the student's input contract; the teacher brings its own.
        optimization, seed, metric: as in `TrainingModule`.
        teacher_precision: `bf16` lets a teacher on a GPU answer in bfloat16, faster and to three digits. On other
            devices, where it is not faster, and by default, the teacher that was scored answers.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: Teaches | None,
        objective: Objective | Loss | None = None,
        *,
        preprocess: Preprocess,
        optimization: Optimization | None = None,
        seed: int = 0,
        metric: Metric | torchmetrics.Metric | None = None,
        teacher_precision: TeacherPrecision = "32-true",
    ) -> None:
        super().__init__(student, preprocess, optimization, seed, metric)
        self.teacher_precision = teacher_precision
        objective = objective or BernoulliKl()
        self.objective = objective if isinstance(objective, Objective) else OwnLoss(objective)
        self.output = self.objective.compares
        # In a tuple, the teacher is no submodule: .train(), DDP, averaging and checkpoints do not see it.
        self._teacher: tuple[Any] = (teacher,)
        if isinstance(teacher, nn.Module):
            teacher.eval()  # one just built is in training mode, and no hook will reach it
            # Its attributes are reached through the compiled one. A black box has nothing to compile.
            if self.optimization.compile and next(teacher.parameters(), None) is not None:
                self._teacher = (torch.compile(teacher),)
        self._answers_sound: Tensor | None = None

    def on_fit_start(self) -> None:
        if self._teacher[0] is not None:
            self._teacher[0].to(self.device)
        self._answers_sound = torch.ones((), dtype=torch.bool, device=self.device)

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        if self.objective.needs_every_label and self.trainer.training:
            labels = labels_of(batch)
            self.objective.check_targets({} if labels is None else {"labels": labels})
        return super().on_before_batch_transfer(batch, dataloader_idx)

    @property
    def exclusive(self) -> bool:
        return self.objective.exclusive is True

    @property
    def reads_labels(self) -> bool:
        return self.objective.needs_labels is not None

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        if not self.objective.asks_views:
            return self.objective(outputs, {}, targets)
        answers: Any = self._ask(views) if views.answers is None else views.answers
        return self.objective(outputs, answers, targets)

    def _ask(self, views: Pixels) -> dict[str, Tensor]:
        teacher = self._teacher[0]
        if teacher is None:
            raise DistillError("the batch brings no answers, and there is no teacher to ask: give the Distiller one.")
        pixels = views.at(teacher.preprocess)
        faster = self.teacher_precision == "bf16" and self.device.type == "cuda"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=faster):
            answers = {name: values.float() for name, values in named(teacher(pixels), self.output).items()}
            if self._answers_sound is not None:
                self._answers_sound = self._answers_sound & self.objective.can_teach(answers)
        # Tensors of inference mode cannot be saved for backward.
        return {name: values.clone() for name, values in answers.items()}

    def on_train_batch_end(self, outputs: STEP_OUTPUT, batch: Any, batch_idx: int) -> None:
        # Reading the flag waits for the device; other than on a CPU, do it where Lightning's logging waits as well.
        every = self.trainer.log_every_n_steps  # type: ignore[attr-defined]  # set when the Trainer is made
        if self.device.type == "cpu" or (every and self.trainer.global_step % every == 0):
            self._check_answers()

    def on_train_epoch_end(self) -> None:
        self._check_answers()
        super().on_train_epoch_end()

    def on_validation_epoch_end(self) -> None:
        self._check_answers()  # else a student that followed them would be told to have diverged
        super().on_validation_epoch_end()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._check_answers()  # callbacks save before this module's hooks look
        super().on_save_checkpoint(checkpoint)

    def _check_answers(self) -> None:
        if self._answers_sound is not None and not bool(self._answers_sound):
            raise DistillError(
                f"teacher: {getattr(self._teacher[0], 'name', 'it')} answered {self.objective.useless} at step "
                f"{self.trainer.global_step}. Nothing can be learnt from that: check its weights, mean and std."
            )
