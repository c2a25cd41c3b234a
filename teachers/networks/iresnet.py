"""IResNet, the residual networks of ArcFace (arXiv 1801.07698, section 3.1): faces to 512 numbers.

The modules are named so that the state dict is that of the public `backbone.pth` files. Beside a plain ResNet they keep
112 x 112 undivided at first, normalise before the first convolution of a block, and end in a fully connected layer.

Shapes: N batch, D embedding dimensions.
"""

from torch import Tensor, nn

SIZE = 112
EMBEDDING = 512
BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}
"""Blocks in each stage, by depth."""

_CHANNELS = (64, 128, 256, 512)
_CELLS = (SIZE // 16) ** 2


class IResNet(nn.Module):
    """Its input is RGB, float (N, 3, 112, 112), scaled by (x - 127.5) / 127.5.

    Args:
        depth: one of `BLOCKS`.
    """

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            nn.Sequential(
                _Block(before, channels, stride=2), *(_Block(channels, channels, stride=1) for _ in range(count - 1))
            )
            for before, channels, count in zip((64, *_CHANNELS), _CHANNELS, BLOCKS[depth], strict=False)
        )
        self.bn2 = nn.BatchNorm2d(_CHANNELS[-1])
        self.fc = nn.Linear(_CHANNELS[-1] * _CELLS, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)
        # Scale belongs to the loss, which sees unit vectors: a free one would only stretch some dimensions.
        self.features.weight.requires_grad_(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Embeddings (N, 512), not scaled to unit length."""
        x = self.prelu(self.bn1(self.conv1(pixels)))
        x = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        return self.features(self.fc(x.flatten(1)))


class _Block(nn.Module):
    """Normalise, convolve, normalise, PReLU, convolve, normalise, and add what came in; stride at the second."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.prelu = nn.PReLU(out)
        self.conv2 = nn.Conv2d(out, out, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.downsample = (
            None
            if stride == 1 and channels == out
            else nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return y + (x if self.downsample is None else self.downsample(x))
