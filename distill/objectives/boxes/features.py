"""What two detectors see at the same places, channel by channel (PKD, arXiv 2207.02039).

Only the pattern counts: where a channel is large and where it is small. Its mean and its scale are of one network.

Shapes: N pictures, F channels, h w places of a map.
"""

import torch.nn.functional as F
from torch import Tensor

from distill.objectives.objective import Answers
from distill.objectives.precision import widened

_LEAST = 1e-8  # variance: a channel that is the same everywhere has no pattern, and its gradient must be finite
_PREFIX = "map_"


def map_name(stride: int) -> str:
    """What a map is called among a network's tensors: by the pixels, of the picture it sees, from cell to cell."""
    return f"{_PREFIX}{stride}"


def strides_of(answers: Answers) -> list[int]:
    """Of the maps among tensors, the finest first."""
    return sorted(int(name.removeprefix(_PREFIX)) for name in answers if name.startswith(_PREFIX))


def uncorrelated(student: Tensor, teacher: Tensor) -> Tensor:
    """One minus Pearson's correlation of each channel over pictures and places, as a value for each picture.

    With both channels standardised over N, h and w, 1 - r is half their mean squared difference. A picture's value is
    that of its own places, so that the mean over pictures is the mean of 1 - r over channels.

    Args:
        student: (N, F, h, w).
        teacher: (N, F, h', w'), brought to the student's places.

    Returns:
        (N,).
    """
    student, teacher = widened(student), widened(teacher)
    if teacher.shape[2:] != student.shape[2:]:
        teacher = F.interpolate(teacher, student.shape[2:], mode="bilinear", antialias=True)
    return (_standardised(student) - _standardised(teacher)).square().mean(dim=(1, 2, 3)) / 2


def _standardised(maps: Tensor) -> Tensor:
    mean = maps.mean(dim=(0, 2, 3), keepdim=True)
    variance = (maps - mean).square().mean(dim=(0, 2, 3), keepdim=True)
    return (maps - mean) * (variance + _LEAST).rsqrt()
