"""Learning who is who: an embedding network trained to tell people apart, before it teaches.

By pytorch-metric-learning, with the parts of it that draw nothing at random: which pictures meet in a batch is the
loader's to say.

Shapes: N batch, D embedding dimensions, I people.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.objectives import Targets
from distill.preprocess.preprocess import Preprocess

_SPREAD = 0.01  # of the numbers of a person's direction when training begins


class MetricLearner(TrainingModule):
    """Minimises a loss of embeddings and of who is shown.

    Args:
        network: float (N, 3, h, w), normalised, to embeddings (N, D).
        people: the number of each person in the training set; batches of views name no others.
        criterion: `arcface` or `triplets`: embeddings (N, D) and people int64 (N,), as places among the I of the
            training set in their order, to one value. Parameters of its own are trained too.
        optimization, seed, metric: as in `TrainingModule`; without a metric nothing is scored.
    """

    output = "embedding"

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        optimization: Optimization,
        people: np.ndarray,
        criterion: nn.Module,
        *,
        seed: int,
        metric: Metric | None,
    ) -> None:
        super().__init__(network, preprocess, optimization, seed=seed, metric=metric)
        self.criterion = criterion
        self.register_buffer("people", torch.from_numpy(np.unique(people)), persistent=False)

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        identities = targets.get("identities")
        if identities is None or bool((identities < 0).any()):
            raise DistillError("teaching by identity needs to know the person on every picture; a batch does not.")
        people: Tensor = self.people  # type: ignore[assignment]  # torch types buffers as modules too
        embeddings = outputs[self.output]
        with torch.autocast(embeddings.device.type, enabled=False):
            return {"loss": self.criterion(embeddings.float(), torch.searchsorted(people, identities))}

    def learning(self) -> nn.Module:
        return nn.ModuleList([self.network, self.criterion])


def arcface(people: int, dimensions: int, *, margin: float, scale: float) -> nn.Module:
    """ArcFace (Deng et al. 2019, arXiv 1801.07698): each person has a direction among the weights of the loss.

    The directions are drawn from torch's global generator, as in every torch module: seed it first.

    Args:
        people, dimensions: I, D.
        margin: degrees by which the angle to the own person's direction must win.
        scale: what cosines are multiplied by before the softmax.
    """
    from pytorch_metric_learning.losses import ArcFaceLoss

    loss: Any = ArcFaceLoss(people, dimensions, margin=margin, scale=scale)
    # Only directions count. Short vectors turn fast at first: with the library's own, a short run ends half-way.
    nn.init.normal_(loss.W, std=_SPREAD)
    return loss  # type: ignore[no-any-return]


class Triplets(nn.Module):
    """The triplet loss of FaceNet (Schroff et al. 2015, arXiv 1503.03832, section 3.1), over the triplets of a batch.

    |a - p|^2 - |a - n|^2 + margin, of unit vectors: a and p show one person, n another. Those that count are semi-hard
    (section 3.2): n is farther than p, but by less than the margin. The mean is over them; a batch without any gives 0.

    Args:
        margin: in squared distance of unit vectors, which is 4 at most.
    """

    def __init__(self, margin: float) -> None:
        super().__init__()
        from pytorch_metric_learning.distances import LpDistance
        from pytorch_metric_learning.losses import TripletMarginLoss
        from pytorch_metric_learning.miners import TripletMarginMiner

        squared = LpDistance(power=2)
        self.miner: Any = TripletMarginMiner(margin, "semihard", distance=squared)
        self.loss: Any = TripletMarginLoss(margin, distance=squared)

    def forward(self, embeddings: Tensor, people: Tensor) -> Tensor:
        """(N, D) and (N,) to ()."""
        value: Tensor = self.loss(embeddings, people, self.miner(embeddings, people))
        return value
