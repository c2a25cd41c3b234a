"""Learning from labels."""

from typing import Any

from torch import Tensor

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.training import TrainingModule
from distill.objectives.labels import labelled_cross_entropy


class FineTuner(TrainingModule):
    """Minimises the cross-entropy with labels: a teacher before it teaches, or a student before or without transfer."""

    def losses(self, logits: Tensor, views: Pixels, labels: Tensor | None) -> dict[str, Tensor]:
        if labels is None or labels.shape != logits.shape:
            found: Any = "none" if labels is None else tuple(labels.shape)
            raise DistillError(f"fine-tuning needs labels of shape {tuple(logits.shape)}; the batch has {found}.")
        return {"loss": labelled_cross_entropy(logits, labels)}
