"""What a student is, and how it starts.

A family of students is a frozen dataclass whose fields are the keys of a recipe's `student` section. It builds a body;
a task says what head is put on it.
"""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.checkpoint import fitting_names, read_weights
from distill.files.weights import load_weights
from distill.preprocess.preprocess import Preprocess
from students.body import Body
from students.head import Head, HeadedBody, Linear

log = logging.getLogger(__name__)

SMALLEST_RESOLUTION = 32  # pixels; below, the last maps of these networks are empty or a single point


class Student(ABC):
    """A family of students, and the one of it that a recipe describes."""

    name: str
    """Of the family, or of the network where a family has several."""
    resolution: int
    """Pixels of a side of the picture it sees."""
    weights: str | Path | None = None
    """What it starts from: a safetensors or torch file, `timm` where timm has some, or None for random ones."""

    @abstractmethod
    def body(self) -> Body:
        """The body at random, drawn from torch's global generator: seed it first."""

    def build(self, head: Head) -> nn.Module:
        """The network at random, whatever `weights` says: normalised float (N, 3, H, W) to what the head answers."""
        return HeadedBody(self.body(), head)

    def pretrained(self, head: Head) -> tuple[nn.Module, tuple[str, ...]]:
        """The network with the weights that timm has of it, and the names of the tensors left at random.

        Raises:
            DistillError: there are none, or they cannot be fetched.
        """
        raise DistillError(f"student.weights: timm has no weights of {self.name}. Give a file, or leave the key out.")

    def renamed(self, tensors: Mapping[str, Tensor], network: nn.Module) -> Mapping[str, Tensor]:
        """The tensors of a file as they are called in `build`'s network.

        Raises:
            DistillError: they are known to be of another network.
        """
        return tensors

    @property
    def full_name(self) -> str:
        """The name with its parts; `from_full_name` reads it."""
        return f"{self.name}_{self.resolution}"

    @classmethod
    def from_full_name(cls, name: str) -> Self | None:
        """The student of a full name, or of a name alone; None where it is no student of this family."""
        if name == cls.name:
            return cls()
        head, _, tail = name.rpartition("_")
        if head != cls.name or not tail.isdecimal():
            return None
        return cls(resolution=int(tail))  # type: ignore[call-arg]  # a field of the dataclass

    @property
    def preprocess(self) -> Preprocess:
        """What it eats: ImageNet's mean and deviation, where nothing else is known."""
        return Preprocess.imagenet(self.resolution, self.resolution)


def check_resolution(resolution: int) -> None:
    """Refuse what is no size.

    Raises:
        DistillError: it is below a pixel.
    """
    if resolution < 1:
        raise DistillError(f"student.resolution: {resolution}, expected pixels, for example 128.")


def build_student(student: Student, head: Head | int) -> nn.Module:
    """The student's network at random: normalised float (N, 3, H, W) to what the head answers.

    Args:
        head: a number stands for one linear layer of so many outputs.
    """
    return student.build(Linear(head) if isinstance(head, int) else head)


def create_student(student: Student, head: Head | int) -> nn.Module:
    """The student's network, from its `weights` where they are given.

    A head of another shape is left at random, and logged as a warning; nothing else may be left out.

    Args:
        head: a number stands for one linear layer of so many outputs.

    Raises:
        DistillError: the weights are those of another network, cannot be read, or cannot be fetched.
    """
    if student.weights is None:
        return build_student(student, head)
    if str(student.weights) == "timm":
        network, left = student.pretrained(Linear(head) if isinstance(head, int) else head)
        _say_left(student, "timm", left, head)
        return network
    path = Path(os.path.expanduser(student.weights))  # a recipe expands paths, and this may be a name
    tensors = read_weights(path)
    network = build_student(student, head)
    tensors = dict(student.renamed(fitting_names(tensors, network.state_dict(), path), network))
    _say_left(student, path, load_weights(network, tensors, path, allow_new_head=True), head)
    return network


def _say_left(student: Student, source: Path | str, left: tuple[str, ...], head: Head | int) -> None:
    outputs = head.outputs if isinstance(head, Linear) else head
    wanted = f"the {outputs} outputs" if isinstance(outputs, int) else "the head"
    if left:
        log.warning(
            "%s: its classifier does not fit %s of %s; left at random: %s.",
            source,
            wanted,
            student.full_name,
            ", ".join(left),
        )
