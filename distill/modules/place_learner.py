"""Learning in which cell a photograph was taken.

Shapes: N batch, C cells, K cells that a target is spread over.
"""

import torch
import torch.nn.functional as F
import torchmetrics
from torch import Tensor, nn

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.metrics import Metric
from distill.modules.optimization import Optimization
from distill.modules.training import TrainingModule
from distill.objectives import Targets
from distill.objectives.precision import widened
from distill.preprocess.preprocess import Preprocess


class PlaceLearner(TrainingModule):
    """Minimises the cross-entropy with a target that is spread over the cells around a photograph's own.

    The targets of all cells are one table, so that no row of C numbers is made a picture: of 26,263 cells, a step costs
    what the classifier's products do.

    Args:
        network: normalised float (N, 3, h, w) to logits (N, C).
        cells, shares: int64 and float32 (C, K), what a photograph in each cell says of which; shares sum to one.
        preprocess, optimization, seed, metric: as in `TrainingModule`.
    """

    cells: Tensor
    shares: Tensor

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        cells: Tensor,
        shares: Tensor,
        optimization: Optimization | None = None,
        seed: int = 0,
        metric: Metric | torchmetrics.Metric | None = None,
    ) -> None:
        super().__init__(network, preprocess, optimization, seed, metric)
        self.register_buffer("cells", cells, persistent=False)
        self.register_buffer("shares", shares, persistent=False)

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        """`loss` (N,), nats; 0 where the target `cell`, int (N,), is -1: in none of the cells, or not known."""
        logits, own = widened(outputs[self.output]), targets.get("cell")
        if not isinstance(own, Tensor) or len(own) != len(logits):
            raise DistillError("a batch has no column `cell`, the number of the cell of each of its pictures.")
        known = own >= 0
        row = own.clamp(min=0).long()
        entropy = (self.shares[row] * F.log_softmax(logits, dim=1).gather(1, self.cells[row])).sum(dim=1)
        return {"loss": torch.where(known, -entropy, 0)}
