"""Relational objectives: the student repeats the distances and angles among a batch, not the place of each picture.

Relational Knowledge Distillation, Park et al. 2019 (arXiv 1904.05068), with the Huber loss at delta 1. Each is defined
on a batch and gives one value for it, a scalar that broadcasts over the terms of single pictures. Means are
taken over pairs and triplets of distinct pictures, so the value does not grow with the batch; the paper's weights
(distance to angle as 1 to 2 for embeddings, 25 and 50 for classifiers) are meant for means.

Embeddings are brought to unit length first, as everywhere here; the paper takes them as they come. Neither term needs
the two networks to have the same number of dimensions, and neither fixes the space: turned as a whole, the student
pays nothing, so alone they do not keep an old gallery working.

Shapes: N batch, D embedding dimensions, P pairs N (N - 1) / 2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from distill.objectives.embedding import SHORTEST, unit
from distill.objectives.precision import widened


def distance_relations(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss between the pairwise distances of both, each in units of its own mean (RKD-D).

    Args:
        student, teacher: embeddings (N, D) and (N, D'), of the same pictures.

    Returns:
        float32 or float64 (), mean over the pairs; 0 for a batch of one.
    """
    s, t = unit(widened(student)), unit(widened(teacher))
    if len(s) < 2:
        return _nothing(s)
    return F.smooth_l1_loss(_relative_distances(s), _relative_distances(t))


def angle_relations(student: Tensor, teacher: Tensor) -> Tensor:
    """Huber loss between the cosines of the angles that triplets of pictures form (RKD-A).

    Time and memory grow with N^3: about 20 N^3 + 25 N^2 D bytes in fp32, 0.1 GB for 128 pictures of 128 dimensions.
    A side of no length forms an angle of cosine 0 and gets no gradient.

    Args:
        student, teacher: embeddings (N, D) and (N, D'), of the same pictures.

    Returns:
        float32 or float64 (), mean over the triplets of distinct pictures; 0 for a batch of less than three.
    """
    s, t = unit(widened(student)), unit(widened(teacher))
    count = len(s)
    if count < 3:
        return _nothing(s)
    same = torch.eye(count, dtype=torch.bool, device=s.device)
    # [j, i, k]: pictures i and k seen from j
    distinct = ~(same[:, :, None] | same[:, None, :] | same[None])
    losses = F.smooth_l1_loss(_angles(s), _angles(t), reduction="none")
    return (losses * distinct).sum() / (count * (count - 1) * (count - 2))


def _relative_distances(embeddings: Tensor) -> Tensor:
    """(N, D) to the distances (P,) over their mean. A batch that is one point has distances 0 and no gradient."""
    distances = F.pdist(embeddings)
    return distances / distances.mean().clamp(min=SHORTEST)


def _angles(embeddings: Tensor) -> Tensor:
    """(N, D) to cosines (N, N, N): [j, i, k] of the angle at j between i and k."""
    sides = unit(embeddings[None] - embeddings[:, None])
    # autocast would multiply in bf16, whatever it is given
    with torch.autocast(sides.device.type, enabled=False):
        return sides @ sides.transpose(1, 2)


def _nothing(embeddings: Tensor) -> Tensor:
    """Zero, with a gradient of zeros: a last small batch must not stop the backward pass."""
    return embeddings.sum() * 0
