"""The anchors of TensorFlow's `ssd_mobilenet_v1_coco`: boxes of a few shapes around the centre of each cell of a map.

Scales run evenly from 0.2 of the picture's side on the finest map to 0.95 on the coarsest. The finest has three anchors
a cell, one of half that scale and two of ratios 2 and 1/2; others have six: ratios 1, 2, 1/2, 3, 1/3, and a square of
the geometric mean of their own and the next scale.

Shapes: A anchors.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

SMALLEST, LARGEST = 0.2, 0.95  # scales of the finest and the coarsest map, as shares of the picture's side
RATIOS = (1.0, 2.0, 1 / 2, 3.0, 1 / 3)
FINEST = ((0.1, 1.0), (0.2, 2.0), (0.2, 1 / 2))  # scale and ratio of each


def shapes_of_cells(maps: int) -> list[list[tuple[float, float]]]:
    """Width and height, as shares of the picture's side, of each anchor of a cell, by map from the finest on.

    Args:
        maps: their number, at least two.
    """
    step = (LARGEST - SMALLEST) / (maps - 1)
    scales = [SMALLEST + step * number for number in range(maps)] + [1.0]
    anchors = [list(FINEST)]
    for scale, following in itertools.pairwise(scales[1:]):
        anchors.append([*((scale, ratio) for ratio in RATIOS), (math.sqrt(scale * following), 1.0)])
    return [[(scale * math.sqrt(ratio), scale / math.sqrt(ratio)) for scale, ratio in cell] for cell in anchors]


def grid_anchors(sides: tuple[int, ...]) -> Tensor:
    """All anchors of a network.

    Args:
        sides: of each square map in cells, from the finest on.

    Returns:
        float32 (A, 4), centre x, y, width, height as shares of the picture: map after map, row after row, cell after
        cell, all of a cell together; not clipped.
    """
    return torch.cat([map_anchors(side, cell) for side, cell in zip(sides, shapes_of_cells(len(sides)), strict=True)])


def map_anchors(side: int, cell: Sequence[tuple[float, float]]) -> Tensor:
    """The anchors of one map, in the same order and numbers.

    Args:
        side: of the square map, in cells.
        cell: width and height of each anchor of a cell, as shares of the picture's side.
    """
    centres = (torch.arange(side) + 0.5) / side
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack([x, y], dim=-1).view(-1, 1, 2).expand(-1, len(cell), -1)
    return torch.cat([places, torch.tensor(cell).expand(side * side, -1, -1)], dim=-1).flatten(0, 1)
