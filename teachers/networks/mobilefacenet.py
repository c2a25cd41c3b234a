"""MobileFaceNet (arXiv 1804.07573), trained to recognise people.

The modules are named so that the state dict is that of the public checkpoints for 112 x 96 pictures.

Shapes: N batch.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

HEIGHT, WIDTH = 112, 96
EMBEDDING = 128
FEATURES = 4864
"""Of `MobileFaceNet.features`: 64 + 64, 128 + 128, 2 x (128 + 12 x 128), 512, 512 and 128."""

_STEM, _TOP = 64, 512
_STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Table 1 of the paper: expansion, channels, blocks, stride of the first block."""

_FINE, _COARSE = (4, 8), (11, 14)
"""Blocks whose outputs are features: of 28 x 24 and 14 x 12 cells; of 14 x 12 and 7 x 6."""

_GRID = (4, 3)  # cells that say where in a face: brow, eyes, nose, mouth by left, middle, right


class MobileFaceNet(nn.Module):
    """Table 1 of the paper at 112 x 96: inverted residuals with PReLU and a global depthwise convolution.

    Its input is RGB, float (N, 3, 112, 96), scaled by (x - 127.5) / 128.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Convolution(3, _STEM, 3, stride=2, padding=1)
        self.dw_conv1 = _Convolution(_STEM, _STEM, 3, padding=1, groups=_STEM)
        blocks, channels = [], _STEM
        for expansion, out, repeats, stride in _STAGES:
            for i in range(repeats):
                blocks.append(_Bottleneck(channels, out, stride if i == 0 else 1, expansion))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = _Convolution(channels, _TOP, 1)
        self.linear7 = _Convolution(_TOP, _TOP, (HEIGHT // 16, WIDTH // 16), groups=_TOP, linear=True)
        self.linear1 = _Convolution(_TOP, EMBEDDING, 1, linear=True)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings (N, 128), not scaled to unit length."""
        x = self.conv2(self.blocks(self.dw_conv1(self.conv1(pixels))))
        return self.linear1(self.linear7(x)).flatten(1)

    def features(self, pixels: Tensor) -> Tensor:
        """What the network knows at several depths, (N, 4864).

        An embedding forgets what changes on one face, such as a smile; earlier layers still hold it. Each is pooled to
        its mean and, at first, its maximum; later, to the means of a 4 x 3 grid, which keeps where something was.
        """
        x = self.dw_conv1(self.conv1(pixels))
        found = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in _FINE:
                found += [x.mean(dim=(2, 3)), x.amax(dim=(2, 3))]
            elif i in _COARSE:
                found += [x.mean(dim=(2, 3)), adaptive_avg_pool2d(x, _GRID).flatten(1)]
        x = self.conv2(x)
        summary = self.linear7(x)
        return torch.cat([*found, x.mean(dim=(2, 3)), summary.flatten(1), self.linear1(summary).flatten(1)], dim=1)


class _Convolution(nn.Module):
    """Convolution, normalisation and, unless linear, PReLU."""

    def __init__(
        self,
        channels: int,
        out: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out)
        if not linear:
            self.prelu = nn.PReLU(out)
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return x if self.linear else self.prelu(x)


class _Bottleneck(nn.Module):
    """An inverted residual block; the sum is taken where input and output have one shape."""

    def __init__(self, channels: int, out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.conv = nn.Sequential(
            nn.Conv2d(channels, wide, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide),
            nn.PReLU(wide),
            nn.Conv2d(wide, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)
