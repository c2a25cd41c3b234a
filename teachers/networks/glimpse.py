"""A fixed crop, resize and normalisation inside a network, for one made of several that see a picture differently.

Shapes: N batch, H W pixels of the picture, h w of what is seen.
"""

import torch
from torch import Tensor, nn

from distill.preprocess.preprocess import Preprocess
from distill.preprocess.resampling import resampling_matrix


class Glimpse(nn.Module):
    """What one network sees of a picture of H x W pixels, as two matrices, so that it exports as two products.

    Args:
        preprocess: of that network.
        height, width: H, W.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, preprocess: Preprocess, height: int, width: int) -> None:
        super().__init__()
        self.preprocess = preprocess
        vertical, horizontal = preprocess.intervals(
            torch.tensor([[0.0, 0.0, height, width]]), torch.zeros(1, dtype=torch.bool)
        )
        kernel = preprocess.interpolation
        rows = resampling_matrix(vertical, height, preprocess.height, kernel)
        columns = resampling_matrix(horizontal, width, preprocess.width, kernel)
        self.register_buffer("rows", rows[0], persistent=False)
        self.register_buffer("columns", columns[0].T.contiguous(), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """float (N, 3, H, W) on 0..255 to normalised float (N, 3, h, w)."""
        seen = self.preprocess.normalize(self.rows @ pixels @ self.columns)
        return seen.contiguous(memory_format=torch.channels_last)

    def extra_repr(self) -> str:
        """What its buffers are made of, which no file of weights holds."""
        return repr(self.preprocess)
