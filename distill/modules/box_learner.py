"""Learning to find what boxes of the data are around."""

import torchmetrics
from torch import Tensor, nn

from distill.modules.batches import Pixels
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.objectives import Targets
from distill.objectives.boxes import LabelledBoxes
from distill.preprocess.preprocess import Preprocess


class BoxLearner(TrainingModule):
    """Minimises the loss of a detector with anchors against the boxes of the data; ignored ones teach nothing.

    Args:
        network: normalised float (N, 3, h, w) to `logits` (N, A, C), `locations` and `anchors` (N, A, 4).
        preprocess, optimization, seed, metric: as in `TrainingModule`.
        loss: how its terms are weighed, and what counts of a box that a view cuts.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        optimization: Optimization | None = None,
        seed: int = 0,
        metric: Metric | torchmetrics.Metric | None = None,
        loss: LabelledBoxes | None = None,
    ) -> None:
        super().__init__(network, preprocess, optimization, seed, metric)
        self.loss = loss or LabelledBoxes()

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        return self.loss(outputs, targets, "a detector learns from labels")
