"""Face recognisers as teachers of embeddings: the public networks of FaceNet's and ArcFace's kind, from their files."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from torch import nn

from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.files.checkpoint import fitting_names, read_weights
from distill.files.weights import load_weights
from distill.preprocess.preprocess import WHOLE, Channels, Preprocess
from teachers.networks import inception_resnet_v1, iresnet
from teachers.teacher import TeacherConfig, check_weights_of
from teachers.torch_teacher import TorchTeacher


@dataclass(frozen=True)
class Recognizer(TeacherConfig):
    """What the recognisers have in common.

    Args:
        weights: a safetensors or torch file of the network's public layout.
        weights_of: the entry of that file to take, where it holds several sets of weights; None: averaged ones before
            the others.
        crop: top, left, height, width of the part of a picture it sees, as shares of it; None for the whole.
        channels: in which order it eats the three, rgb or bgr.
    """

    name: str = ""
    weights: Path | None = None
    weights_of: str | None = None
    crop: tuple[float, float, float, float] | None = None
    channels: Channels = "rgb"

    embeds: ClassVar[bool] = True
    dimensions: ClassVar[int]
    """D."""
    unused: ClassVar[tuple[str, ...]] = ()
    """Tensors a public file may hold beside the network's: its classifier of the people it was trained on."""

    def __post_init__(self) -> None:
        check_weights_of(self.weights_of, self.weights)

    @abstractmethod
    def build(self) -> tuple[nn.Module, Preprocess]:
        """The network at random, and its input contract."""

    def contract(self, size: int, unit: float) -> Preprocess:
        """Of size x size pixels as (x - 127.5) / unit."""
        mean, std = (127.5 / 255,) * 3, (unit / 255,) * 3
        return Preprocess(size, size, "bilinear", mean, std, self.crop or WHOLE, self.channels)

    def teacher(self, kind: Kind) -> TorchTeacher:
        """A frozen teacher of raw embeddings (N, D), not of unit length.

        Raises:
            DistillError: classes are wanted, or the weights are missing or of another network.
        """
        network, preprocess = self.trainable(kind)
        return TorchTeacher(network, preprocess, {"embedding": (self.dimensions,)}, None, self.name)

    def trainable(
        self, kind: Kind, drop_rate: float = 0.0, drop_path_rate: float = 0.0
    ) -> tuple[nn.Module, Preprocess]:
        """The bare network with its weights, from normalised float (N, 3, h, w) to (N, D), and its input contract.

        Raises:
            DistillError: as `teacher`.
        """
        if kind.class_names is not None:
            raise DistillError(
                f"teacher.name is {self.name}: it gives embeddings of faces, and this recipe needs "
                f"{len(kind.class_names)} classes. Take another teacher, or a recipe for embeddings."
            )
        if self.weights is None:
            raise DistillError(
                f"teacher.weights: none given, and {self.name} has none that can be fetched here. Give its file."
            )
        network, preprocess = self.build()
        tensors = read_weights(self.weights, self.weights_of)
        tensors = fitting_names(tensors, network.state_dict(), self.weights)
        tensors = {name: tensor for name, tensor in tensors.items() if name not in self.unused}
        load_weights(network, tensors, self.weights)
        return network, preprocess


@dataclass(frozen=True)
class InceptionResnetV1(Recognizer):
    """The FaceNet network, 512 numbers of a face at 160 x 160.

    Args:
        weights: a file in the layout of the public VGGFace2 and CASIA-WebFace checkpoints; a classifier in it is left.
        weights_of: the entry of that file to take, where it holds several.
        crop: top, left, height, width of the part of a picture it sees, as shares of it; None for the whole. The public
            checkpoints were trained on a detector's boxes.
        channels: in which order it eats the three, rgb or bgr.
    """

    name: Literal["inception_resnet_v1"] = "inception_resnet_v1"
    dimensions: ClassVar[int] = inception_resnet_v1.EMBEDDING
    unused: ClassVar[tuple[str, ...]] = ("logits.weight", "logits.bias")

    def build(self) -> tuple[nn.Module, Preprocess]:
        return inception_resnet_v1.InceptionResNetV1(), self.contract(inception_resnet_v1.SIZE, 128)


@dataclass(frozen=True)
class Iresnet(Recognizer):
    """An ArcFace network of 18, 50 or 100 layers, 512 numbers of a face at 112 x 112 aligned to ArcFace's template.

    Args:
        weights: a file in the layout of the public `backbone.pth` files.
        weights_of: the entry of that file to take, where it holds several.
        crop: top, left, height, width of the part of a picture it sees, as shares of it; None for the whole.
        channels: in which order it eats the three, rgb or bgr.
    """

    name: Literal["iresnet18", "iresnet50", "iresnet100"] = "iresnet50"
    dimensions: ClassVar[int] = iresnet.EMBEDDING

    def build(self) -> tuple[nn.Module, Preprocess]:
        depth = int(self.name.removeprefix("iresnet"))
        return iresnet.IResNet(depth), self.contract(iresnet.SIZE, 127.5)
