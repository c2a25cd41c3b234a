"""Learning who is who: an embedding network trained to tell people apart, before it teaches.

ArcFace (Deng et al. 2019, arXiv 1801.07698) by pytorch-metric-learning: each person has a direction among the weights
of the loss, and the angle between a picture's embedding and its person's direction must win by a margin.

Shapes: N batch, D embedding dimensions, I people.
"""

from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.preprocess import Preprocess

_SPREAD = 0.01  # of the numbers of a person's direction when training begins


class MetricLearner(TrainingModule):
    """Minimises the ArcFace loss over people.

    The people's directions are drawn from torch's global generator, as in every torch module: seed it first.

    Args:
        network: float (N, 3, h, w), normalised, to embeddings (N, D).
        people: the number of each person in the training set; batches of views name no others.
        dimensions: D.
        margin: degrees by which the angle to the own person's direction must win.
        scale: what cosines are multiplied by before the softmax.
        optimization, seed, metric: as in `TrainingModule`.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        optimization: Optimization,
        people: np.ndarray,
        dimensions: int,
        *,
        margin: float,
        scale: float,
        seed: int,
        metric: Metric,
    ) -> None:
        from pytorch_metric_learning.losses import ArcFaceLoss

        super().__init__(network, preprocess, optimization, seed=seed, metric=metric)
        known = np.unique(people)
        self.arcface: Any = ArcFaceLoss(len(known), dimensions, margin=margin, scale=scale)
        # Only directions count. Short vectors turn fast at first: with the library's own, a short run ends half-way.
        nn.init.normal_(self.arcface.W, std=_SPREAD)
        self.register_buffer("people", torch.from_numpy(known), persistent=False)

    def losses(self, logits: Tensor, views: Pixels, labels: Tensor | None) -> dict[str, Tensor]:
        identities = views.identities
        if identities is None or bool((identities < 0).any()):
            raise DistillError("teaching by identity needs to know the person on every picture; a batch does not.")
        people: Tensor = self.people  # type: ignore[assignment]  # torch types buffers as modules too
        with torch.autocast(logits.device.type, enabled=False):
            return {"loss": self.arcface(logits.float(), torch.searchsorted(people, identities))}

    def configure_optimizers(self) -> OptimizerLRScheduler:
        learning = nn.ModuleList([self.network, self.arcface])
        return self.optimization.build(learning, int(self.trainer.estimated_stepping_batches))  # type: ignore[return-value]
