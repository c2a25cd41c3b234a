"""A face recogniser as a teacher: MobileFaceNet's embeddings, or attributes it was taught by a linear probe."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, cast

import numpy as np
from torch import nn

from distill.answers import Embedding
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.files.checkpoint import fitting_names, read_weights
from distill.files.weights import load_weights
from distill.preprocess.landmarks import ARCFACE, CELEBA
from distill.preprocess.preprocess import Channels, Crop, Preprocess
from teachers.networks.attribute_probe import PICTURE, AttributeProbe, Context
from teachers.networks.mobilefacenet import EMBEDDING, HEIGHT, WIDTH, MobileFaceNet
from teachers.teacher import TeacherConfig, check_weights_of, read_classes
from teachers.timm_teacher import Timm
from teachers.torch_teacher import TorchTeacher

log = logging.getLogger(__name__)

_TEMPLATE_LEFT = 8
"""The first of the 96 columns of the template that this network sees."""

TEMPLATE_CROP: Crop = (0.0, _TEMPLATE_LEFT / ARCFACE.width, 1.0, WIDTH / ARCFACE.width)
"""Those columns as the part of a picture aligned to the template."""


def aligned_crop() -> Crop:
    """The box of CelebA's aligned 218 x 178 pictures that the template's rows 0..112 and columns 8..104 cover.

    Scale and shift are those of least squares between the two sets of points. The best rotation is a third of a
    degree, and left out. An edge lies half a pixel before the centre of its first pixel.
    """
    picture, template = (np.array([one.points[name] for name in CELEBA.points]) for one in (CELEBA, ARCFACE))
    spread = picture - picture.mean(axis=0)
    scale = float((spread * (template - template.mean(axis=0))).sum() / (spread**2).sum())
    corner = np.array([_TEMPLATE_LEFT, 0]) - 0.5
    left, top = (corner - template.mean(axis=0)) / scale + picture.mean(axis=0) + 0.5
    height, width = CELEBA.height, CELEBA.width
    return float(top / height), float(left / width), HEIGHT / scale / height, WIDTH / scale / width


@dataclass(frozen=True)
class Mobilefacenet(TeacherConfig):
    """MobileFaceNet, a face recogniser, with a classifier of attributes on its features.

    Args:
        weights: a safetensors or torch file: of the recogniser, for a teacher that is taught first, or of one that was
            taught here.
        weights_of: the entry of that file to take, where it holds several sets of weights; None: averaged ones before
            the others.
        crop: top, left, height, width of the part of a picture it sees, as shares of it. None: for attributes, the box
            of CelebA's pictures where the face stands as in those the recogniser was trained on; for embeddings, the
            same box of pictures aligned to ArcFace's 112 x 112 template.
        channels: in which order the recogniser eats the three, rgb or bgr.
        classes: names of its outputs in order: a list, or a file with one a line or a JSON list.
        context: for attributes, a network of timm's whose pooled features stand beside the recogniser's: it sees the
            whole picture, and with it what the aligned face does not show. Its weights are read where a classifier is
            made; those of one that was taught here hold both networks.
    """

    name: Literal["mobilefacenet"] = "mobilefacenet"
    weights: Path | None = None
    weights_of: str | None = None
    crop: tuple[float, float, float, float] | None = None
    channels: Channels = "rgb"
    classes: tuple[str, ...] | Path | None = None
    context: Timm | None = None
    ready_made: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_weights_of(self.weights_of, self.weights)

    def teacher(self, kind: Kind) -> TorchTeacher:
        """A frozen teacher: of attributes under a probe that was taught here; else the recogniser's own embeddings
        (N, 128), not of unit length.

        Raises:
            DistillError: the weights are missing, or those of something else.
        """
        if kind.class_names is not None:
            return self.load(len(kind.class_names))
        network, preprocess = self.trainable(kind)
        return TorchTeacher(network, preprocess, {"embedding": (EMBEDDING,)}, None, self.name)

    def trainable(
        self, kind: Kind, drop_rate: float = 0.0, drop_path_rate: float = 0.0
    ) -> tuple[nn.Module, Preprocess]:
        """Of attributes the frozen networks under a new classifier; else the recogniser with its weights, from
        normalised float (N, 3, 112, 96) to (N, 128).

        Raises:
            DistillError: as `network`.
        """
        if kind.class_names is not None:
            probe = self.network(
                len(kind.class_names), new_head=True, drop_rate=drop_rate, drop_path_rate=drop_path_rate
            )
            return probe, self.preprocess(probe)
        weights, network = self._file(), MobileFaceNet()
        load_weights(network, read_weights(weights, self.weights_of), weights)
        return network, self._contract(TEMPLATE_CROP)

    def load(self, outputs: int) -> TorchTeacher:
        """The teacher, with every weight trained.

        Raises:
            DistillError: the weights are missing, of a recogniser alone, or have other outputs.
        """
        network = self.network(outputs, new_head=False)
        name = self.name if self.context is None else f"{self.name} + {self.context.full_name}"
        return TorchTeacher(network, self.preprocess(network), outputs, read_classes(self.classes), name)

    def network(
        self, outputs: int, new_head: bool, drop_rate: float = 0.0, drop_path_rate: float = 0.0
    ) -> AttributeProbe:
        """The bare network, whose head is trainable: what `preprocess` gives to logits (N, outputs).

        Args:
            new_head: the weights are those of networks without a classifier, and get one at random, which is logged as
                a warning; otherwise they are the whole of a network taught here.
            drop_rate: dropout before the classifier.
            drop_path_rate: must be 0.

        Raises:
            DistillError: the weights are missing or of another network, or a rate has no meaning here.
        """
        if drop_path_rate:
            raise DistillError(
                f"drop_path_rate is {drop_path_rate}, but the residual branches of {self.name} are frozen. Set it to 0."
            )
        weights = self._file()
        network = AttributeProbe(MobileFaceNet(), outputs, drop_rate, self._context(new_head))
        tensors = read_weights(weights, self.weights_of)
        tensors = fitting_names(tensors, (network.backbone if new_head else network).state_dict(), weights)
        if new_head:
            load_weights(network.backbone, tensors, weights)
            log.warning("teacher %s: a new classifier of %d outputs, at random.", self.name, outputs)
        elif "classifier.weight" not in tensors:
            raise DistillError(
                f"{weights}: no classifier in it, so it is no teacher yet. Put `probe` among the stages, or give "
                "the teacher.safetensors of a run that taught one."
            )
        else:
            load_weights(network, tensors, weights)
        return network

    def preprocess(self, network: nn.Module) -> Preprocess:
        """The network's input contract: the size and normalisation it was trained with, or the whole for two."""
        return self._contract(aligned_crop()) if self.context is None else PICTURE

    def _context(self, pretrained: bool) -> Context | None:
        """The second network, with its own weights or still without any."""
        if self.context is None:
            return None
        # The weights of a probe that was taught here hold this network's as well.
        config = self.context if pretrained else replace(self.context, weights="scratch", weights_of=None)
        network, whole = replace(config, embedding=None).trainable(Embedding())
        return Context(network, self._contract(aligned_crop()), whole, cast(int, network.head_hidden_size))

    def _contract(self, default: Crop) -> Preprocess:
        half, unit = 127.5 / 255, 128 / 255
        crop = default if self.crop is None else self.crop
        return Preprocess(HEIGHT, WIDTH, "bilinear", (half,) * 3, (unit,) * 3, crop, self.channels)

    def _file(self) -> Path:
        if self.weights is None:
            raise DistillError(
                f"teacher.weights: none given, and {self.name} has no weights that can be fetched. Give the file of a "
                "MobileFaceNet for 112 x 96 pictures."
            )
        return self.weights
