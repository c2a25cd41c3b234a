"""Which anchor has to find which box: SSD's matching (arXiv 1512.02325), of a whole batch at once.

An anchor takes the box that it overlaps most, where that is enough; and whatever it overlaps, the best anchor of a box
takes that box, so that each has one. Where two boxes have the same best anchor, or an anchor overlaps two equally, the
first of them is taken: of a teacher's, the surer.

Shapes: N pictures, R boxes of all of them, A anchors.
"""

import torch
from torch import Tensor


def match(shared: Tensor, pictures: Tensor, count: int, enough: float) -> Tensor:
    """Match the boxes of N pictures, by as many passes over (R, A) as there are lines.

    Args:
        shared: (R, A), the intersection over union of each box with each anchor; of a box that is not to be matched, 0.
        pictures: int64 (R,), whose box each is.
        count: N.
        enough: intersection over union from which an anchor takes a box, above 0.

    Returns:
        int64 (N, A), the number of the box that each anchor has to find, R of one that has none.
    """
    none, anchors = shared.shape
    rows = torch.arange(none, device=shared.device)
    whose = pictures[:, None].expand(-1, anchors)
    most = shared.new_zeros(count, anchors).scatter_reduce_(0, whose, shared, "amax")
    taken = torch.where((shared >= enough) & (shared >= most[pictures]), rows[:, None], none)
    owners = rows.new_full((count, anchors), none).scatter_reduce_(0, whose, taken, "amin")
    value, best = shared.max(dim=1)
    forced = rows.new_full((count * anchors,), none)
    forced.scatter_reduce_(0, pictures * anchors + best, torch.where(value > 0, rows, none), "amin")
    return torch.where(forced.view_as(owners) < none, forced.view_as(owners), owners)
