"""Places of boxes as a network gives them: how far from an anchor, in its own size, and back.

As in TensorFlow's detectors, differences of centres are multiplied by 10 and logarithms of sizes by 5; SSD (arXiv
1512.02325) calls the reciprocals variances, 0.1 0.1 0.2 0.2.
"""

import torch
from torch import Tensor

SCALES = (10.0, 5.0)  # of centres, of sizes


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """What a network should give for boxes.

    Args:
        boxes: (..., 4), x1, y1, x2, y2; of some area.
        anchors: (..., 4), centre x, y, width, height.

    Returns:
        (..., 4), differences of centre x, y and of the logarithms of width, height.
    """
    low, high = boxes[..., :2], boxes[..., 2:]
    centres, sizes = anchors[..., :2], anchors[..., 2:]
    shift = ((low + high) / 2 - centres) / sizes * SCALES[0]
    return torch.cat([shift, ((high - low) / sizes).log() * SCALES[1]], dim=-1)


def decode(locations: Tensor, anchors: Tensor) -> Tensor:
    """The boxes that a network means: `encode` taken back, of the same shapes."""
    centres = locations[..., :2] / SCALES[0] * anchors[..., 2:] + anchors[..., :2]
    half = (locations[..., 2:] / SCALES[1]).exp() * anchors[..., 2:] / 2
    return torch.cat([centres - half, centres + half], dim=-1)
