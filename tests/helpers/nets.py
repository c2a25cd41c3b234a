"""Tiny networks, a tiny teacher, and a Trainer that leaves nothing behind."""

from collections.abc import Iterable
from typing import Any

import lightning as L
import torch
from torch import Tensor, nn

from distill.preprocess.preprocess import Preprocess
from teachers.teacher import Teacher

CLASSES = ("Bald", "Male", "Smiling")
SMALL = Preprocess.imagenet(8, 8)


def linear_student(seed: int = 0) -> nn.Module:
    """One linear layer on 8 x 8 pixels: no BatchNorm, no dropout."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3))


def conv_student(seed: int = 0, dropout: float = 0.0) -> nn.Module:
    """Convolution, BatchNorm, dropout, classifier."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(6, 3),
    )


class ConvTeacher(Teacher):
    """With everything in it that a training loop could disturb; it notes under which modes it was asked."""

    def __init__(self, size: int = 12) -> None:
        super().__init__("conv", Preprocess.imagenet(size, size, "bicubic"), len(CLASSES), CLASSES)
        self.network = conv_student(seed=7, dropout=0.5)
        self.asked: list[tuple[bool, bool]] = []

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        assert pictures.shape[1:] == (3, self.preprocess.height, self.preprocess.width)
        training = any(module.training for module in self.modules())
        self.asked.append((training, torch.is_grad_enabled()))
        return {"logits": self.network(self.preprocess.normalize(pictures))}

    def fingerprint(self) -> str:
        return "conv"


class ConvEmbedder(ConvTeacher):
    """The same numbers as an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes, self.classes = {"embedding": (len(CLASSES),)}, None

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        return {"embedding": super().forward(pictures)["logits"]}


def trainer(**options: Any) -> L.Trainer:
    return L.Trainer(
        **{
            "accelerator": "cpu",
            "max_epochs": 1,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            **options,
        }
    )


def clone(tensors: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors}


def same(one: dict[str, Tensor], two: dict[str, Tensor]) -> bool:
    """Equal to the last bit."""
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
