"""Whether a network could find what it is to be taught: are there anchors like the boxes?

Shapes: R boxes of all pictures, A anchors.
"""

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from distill.errors import DistillError
from distill.objectives.boxes.detection import ENOUGH
from distill.objectives.boxes.geometry import overlaps, visible

_LOOKED_AT = 5000  # boxes, spread over all
_MOSTLY = 0.5

console = Console(stderr=True, markup=False, emoji=False)


def check_anchors(network: nn.Module, boxes: np.ndarray, whose: str) -> None:
    """Refuse boxes of which none is like an anchor, and say where most are not: each is then left to the one anchor
    that is nearest to it.

    Args:
        network: one without anchors of its own is not looked at.
        boxes: float32 (R, 4), x1, y1, x2, y2 as shares of whole pictures.
        whose: they are, for messages.

    Raises:
        DistillError: as above.
    """
    anchors = getattr(network, "anchors", None)
    if not isinstance(anchors, Tensor) or not len(boxes):
        return
    anchors = anchors[0].cpu()
    clipped, share = visible(torch.from_numpy(boxes[:: -(-len(boxes) // _LOOKED_AT)]).float())
    clipped = clipped[share > 0]
    if not len(clipped):
        return
    lacking = float((overlaps(clipped, anchors).amax(dim=1) < ENOUGH).float().mean())
    if lacking <= _MOSTLY:
        return
    sizes, own = (clipped[:, 2:] - clipped[:, :2]).prod(dim=1).sqrt(), anchors[:, 2:].prod(dim=1).sqrt()
    said = (
        f"of {len(clipped)} boxes of {whose}, {lacking:.0%} overlap none of the network's {len(anchors)} anchors by "
        f"half. Their median is {float(sizes.median()):.1%} of a picture's side, and anchors have "
        f"{float(own.min()):.1%} to {float(own.max()):.1%}"
    )
    if lacking == 1:
        raise DistillError(
            f"{said}. Raise its resolution, for more anchors; cut the pictures to where objects are larger; or look "
            "whether boxes lie where objects are: the unit of the teacher's (teacher.unit, teacher.boxes), or the size "
            "of the pictures of the data's."
        )
    console.print(f"{said}; each is left to the nearest of them.", soft_wrap=True)
