"""Inception-ResNet-v1 (arXiv 1602.07261) as FaceNet's open reimplementations train it: faces to 512 numbers.

The modules are named so that the state dict is that of the public VGGFace2 and CASIA-WebFace checkpoints. Beside the
paper's classifier of 299 x 299, these networks see 160 x 160 and end in a linear layer and a normalisation.

Shapes: N batch, D embedding dimensions.
"""

import torch
from torch import Tensor, nn

SIZE = 160
EMBEDDING = 512

Kernel = int | tuple[int, int]


class InceptionResNetV1(nn.Module):
    """Figures 9 to 14 of the paper. Its input is RGB, float (N, 3, 160, 160), scaled by (x - 127.5) / 128."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = _Convolution(3, 32, 3, stride=2)
        self.conv2d_2a = _Convolution(32, 32, 3)
        self.conv2d_2b = _Convolution(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = _Convolution(64, 80, 1)
        self.conv2d_4a = _Convolution(80, 192, 3)
        self.conv2d_4b = _Convolution(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*(_block_a() for _ in range(5)))
        self.mixed_6a = _Branches(
            _Convolution(256, 384, 3, stride=2),
            nn.Sequential(
                _Convolution(256, 192, 1), _Convolution(192, 192, 3, padding=1), _Convolution(192, 256, 3, stride=2)
            ),
            nn.MaxPool2d(3, stride=2),
        )
        self.repeat_2 = nn.Sequential(*(_block_b() for _ in range(10)))
        self.mixed_7a = _Branches(
            nn.Sequential(_Convolution(896, 256, 1), _Convolution(256, 384, 3, stride=2)),
            nn.Sequential(_Convolution(896, 256, 1), _Convolution(256, 256, 3, stride=2)),
            nn.Sequential(
                _Convolution(896, 256, 1), _Convolution(256, 256, 3, padding=1), _Convolution(256, 256, 3, stride=2)
            ),
            nn.MaxPool2d(3, stride=2),
        )
        self.repeat_3 = nn.Sequential(*(_block_c(scale=0.2) for _ in range(5)))
        self.block8 = _block_c(scale=1.0, linear=True)
        self.last_linear = nn.Linear(1792, EMBEDDING, bias=False)
        self.last_bn = nn.BatchNorm1d(EMBEDDING, eps=1e-3)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings (N, 512), not scaled to unit length."""
        x = self.maxpool_3a(self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(pixels))))
        x = self.repeat_1(self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(x))))
        x = self.block8(self.repeat_3(self.mixed_7a(self.repeat_2(self.mixed_6a(x)))))
        return self.last_bn(self.last_linear(x.mean(dim=(2, 3))))


class _Convolution(nn.Module):
    """Convolution, normalisation, ReLU."""

    def __init__(
        self, channels: int, out: int, kernel: Kernel, stride: int = 1, padding: int | tuple[int, int] = 0
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class _Branches(nn.Module):
    """Several ways through, side by side, their channels put together."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for number, branch in enumerate(branches):
            self.add_module(f"branch{number}", branch)
        self._names = tuple(f"branch{number}" for number in range(len(branches)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([getattr(self, name)(x) for name in self._names], dim=1)


class _Residual(_Branches):
    """Branches that are projected back to the input's channels, scaled, and added to it.

    Args:
        inner: channels of all the branches.
        scale: section 3.3 of the paper: residuals are scaled down, or training dies.
        linear: no ReLU after the sum.
    """

    def __init__(self, *branches: nn.Module, channels: int, inner: int, scale: float, linear: bool = False) -> None:
        super().__init__(*branches)
        self.conv2d = nn.Conv2d(inner, channels, 1)
        self.scale, self.linear = scale, linear

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.scale * self.conv2d(super().forward(x))
        return x if self.linear else x.relu()


def _block_a() -> _Residual:
    """Figure 10, of 17 x 17 cells."""
    return _Residual(
        _Convolution(256, 32, 1),
        nn.Sequential(_Convolution(256, 32, 1), _Convolution(32, 32, 3, padding=1)),
        nn.Sequential(_Convolution(256, 32, 1), *(_Convolution(32, 32, 3, padding=1) for _ in range(2))),
        channels=256,
        inner=96,
        scale=0.17,
    )


def _block_b() -> _Residual:
    """Figure 11, of 8 x 8 cells."""
    return _Residual(
        _Convolution(896, 128, 1),
        nn.Sequential(
            _Convolution(896, 128, 1),
            _Convolution(128, 128, (1, 7), padding=(0, 3)),
            _Convolution(128, 128, (7, 1), padding=(3, 0)),
        ),
        channels=896,
        inner=256,
        scale=0.10,
    )


def _block_c(scale: float, linear: bool = False) -> _Residual:
    """Figure 13, of 3 x 3 cells."""
    return _Residual(
        _Convolution(1792, 192, 1),
        nn.Sequential(
            _Convolution(1792, 192, 1),
            _Convolution(192, 192, (1, 3), padding=(0, 1)),
            _Convolution(192, 192, (3, 1), padding=(1, 0)),
        ),
        channels=1792,
        inner=384,
        scale=scale,
        linear=linear,
    )
