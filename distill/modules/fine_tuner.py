"""Learning from labels."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.objectives import Targets
from distill.objectives.labels import labelled_cross_entropy
from distill.preprocess.preprocess import Preprocess

LabelLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, C) and labels (N, C), negative where unknown, to one value a picture (N,)."""


class FineTuner(TrainingModule):
    """Minimises a loss of labels: a teacher before it teaches, or a student before or without transfer.

    Args:
        network, preprocess, optimization, seed, metric: as in `TrainingModule`.
        loss: by default of attributes, labels that do not exclude each other.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        optimization: Optimization | None = None,
        seed: int = 0,
        metric: Metric | None = None,
        loss: LabelLoss = labelled_cross_entropy,
    ) -> None:
        super().__init__(network, preprocess, optimization, seed, metric)
        self.loss = loss

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        logits, labels = outputs[self.output], targets.get("labels")
        if labels is None or labels.shape != logits.shape:
            found: Any = "none" if labels is None else tuple(labels.shape)
            raise DistillError(f"fine-tuning needs labels of shape {tuple(logits.shape)}; the batch has {found}.")
        return {"loss": self.loss(logits, labels)}
