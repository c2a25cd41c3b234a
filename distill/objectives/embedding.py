"""Objectives between embeddings, one value a picture.

An embedding is its direction: galleries compare by angle, so both networks' vectors are brought to unit length first
and their lengths cost nothing. Sums run over dimensions as in the paper; the one average, over the batch, is taken by
the module. Computed in fp32, or in float64 where that is given.

A vector shorter than `SHORTEST` has no direction. It counts as the zero vector and gets no gradient: the true one grows
as 1 / length, and would drown the rest of the batch.

Shapes: N batch, D embedding dimensions. s of the student, t of the teacher, both of unit length.
"""

import torch
from torch import Tensor

from distill.objectives.precision import widened

# Unit vectors in fp32 are known to about 1e-7; a difference of two that is shorter than this is rounding.
SHORTEST = 1e-6


def unit(vectors: Tensor) -> Tensor:
    """float (..., D) to the same at length 1; what is shorter than `SHORTEST` becomes zero, without gradient."""
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    directed = lengths >= SHORTEST
    # replaced before the division: 0 / 0 would be NaN in the backward pass even where the result is not used
    return torch.where(directed, vectors, 0) / torch.where(directed, lengths, 1)


def squared_embedding(student: Tensor, teacher: Tensor) -> Tensor:
    """sum_d (s_d - t_d)^2, the emulation of FaceNet in section 4.7 of MobileNets (arXiv 1704.04861).

    Args:
        student, teacher: embeddings (N, D) of any length.

    Returns:
        float32 or float64 (N,), 0 where both point the same way, 4 where they oppose.
    """
    return (unit(widened(student)) - unit(widened(teacher))).square().sum(dim=1)


def cosine(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - cos(s, t), taken as sum_d (s_d - t_d)^2 / 2, which is the same for unit vectors.

    1 - s.t itself would leave the rounding of 1 for equal vectors, and lose the digits of near ones. So this is half of
    `squared_embedding`, on the scale other toolkits weigh.

    Args:
        student, teacher: embeddings (N, D) of any length.

    Returns:
        float32 or float64 (N,), 0 where both point the same way, 2 where they oppose.
    """
    return squared_embedding(student, teacher) / 2
