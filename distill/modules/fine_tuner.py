"""Learning from labels."""

from collections.abc import Callable
from typing import Any

import torchmetrics
from torch import Tensor, nn

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.objectives import Targets
from distill.objectives.labels import LABEL_LOSSES, are_numbers, labelled_cross_entropy, one_hot
from distill.objectives.own import check_values
from distill.preprocess.preprocess import Preprocess

LabelLoss = Callable[[Tensor, Tensor], Tensor]
"""Logits (N, C) and labels to one value a picture (N,). Those of `distill.objectives.labels` take labels (N, C),
negative where unknown; one of somebody's own takes them as the loader has them."""


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
        metric: Metric | torchmetrics.Metric | None = None,
        loss: LabelLoss = labelled_cross_entropy,
    ) -> None:
        super().__init__(network, preprocess, optimization, seed, metric)
        self.loss = loss

    @property
    def exclusive(self) -> bool:
        return self.loss in LABEL_LOSSES.values()

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        logits, labels = outputs[self.output], targets.get("labels")
        numbers = isinstance(labels, Tensor) and are_numbers(labels)
        if labels is not None and numbers and self.loss is labelled_cross_entropy:
            raise DistillError(
                f"labels are class numbers {tuple(labels.shape)}, and the loss is of attributes, which do not exclude "
                "each other. Give loss=softmax_cross_entropy, or a column an attribute."
            )
        if labels is None or not (numbers or labels.shape == logits.shape):
            found: Any = "none" if labels is None else tuple(labels.shape)
            raise DistillError(f"fine-tuning needs labels of shape {tuple(logits.shape)}; the batch has {found}.")
        values = self.loss(logits, one_hot(labels, logits.shape[1]) if numbers and self.exclusive else labels)
        check_values(values, len(logits), getattr(self.loss, "__name__", type(self.loss).__name__))
        return {"loss": values}
