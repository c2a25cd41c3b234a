"""A linear classifier of attributes on what frozen networks know of a face, and of the picture around it.

Shapes: N batch, C attributes, H W pixels of the whole picture.
"""

from typing import Self

import torch
from torch import Tensor, nn

from distill.preprocess.preprocess import Preprocess
from teachers.networks.glimpse import Glimpse
from teachers.networks.mobilefacenet import FEATURES, MobileFaceNet

PICTURE = Preprocess(218, 178, mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))
"""What a probe with a context eats: the whole picture, at CelebA's size, on 0..255."""


class Context(nn.Module):
    """A second network and how the two see one picture.

    Args:
        network: normalised float (N, 3, h, w) to features (N, F).
        face, whole: the input contracts of the recogniser and of this network.
        features: F.
    """

    def __init__(self, network: nn.Module, face: Preprocess, whole: Preprocess, features: int) -> None:
        super().__init__()
        self.network, self.features = network, features
        self.face = Glimpse(face, PICTURE.height, PICTURE.width)
        self.whole = Glimpse(whole, PICTURE.height, PICTURE.width)


class AttributeProbe(nn.Module):
    """A linear classifier of attributes on the features of a frozen MobileFaceNet and, if wanted, of a second network.

    Only the head learns: the other networks stay in eval mode, take no gradient and keep their statistics, whatever a
    training loop asks.

    Args:
        outputs: C.
        drop_rate: dropout of features before the classifier.
        context: sees what an aligned face does not show, such as hair and clothes.
    """

    def __init__(
        self, backbone: MobileFaceNet, outputs: int, drop_rate: float = 0.0, context: Context | None = None
    ) -> None:
        super().__init__()
        self.backbone = backbone.requires_grad_(False)
        self.context = None if context is None else context.requires_grad_(False)
        features = FEATURES + (0 if context is None else context.features)
        self.normalization = nn.BatchNorm1d(features, affine=False)
        self.dropout = nn.Dropout(drop_rate)
        self.classifier = nn.Linear(features, outputs)
        self.train()

    def forward(self, pixels: Tensor) -> Tensor:
        """To logits (N, C), from float (N, 3, 112, 96) scaled by (x - 127.5) / 128; with a context, `PICTURE`'s."""
        with torch.no_grad():
            if self.context is None:
                features = self.backbone.features(pixels)
            else:
                face = self.backbone.features(self.context.face(pixels))
                features = torch.cat([face, self.context.network(self.context.whole(pixels))], dim=1)
        return self.classifier(self.dropout(self.normalization(features)))

    def get_classifier(self) -> nn.Linear:
        """The layer that depends on the attributes; named as timm does, for `distill.files.weights.load_weights`."""
        return self.classifier

    def train(self, mode: bool = True) -> Self:
        """Set the head's mode."""
        super().train(mode)
        self.backbone.eval()
        if self.context is not None:
            self.context.eval()
        return self
