"""What a student is, and how it starts.

A family of students is a frozen dataclass whose fields are the keys of a recipe's `student` section. It builds a body;
a task says what head is put on it.
"""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.checkpoint import fitting_names, read_weights
from distill.files.weights import load_weights
from distill.preprocess.preprocess import Preprocess
from students.body import Body
from students.head import Boxed, Head, HeadedBody, Linear

log = logging.getLogger(__name__)

WEIGHTS_FILE = "student.safetensors"
"""In a student's folder."""
SMALLEST_RESOLUTION = 32  # pixels; below, the last maps of these networks are empty or a single point


class Student(ABC):
    """A family of students, and the one of it that a recipe describes."""

    name: str
    """Of the family, or of the network where a family has several."""
    resolution: int
    """Pixels of a side of the picture it sees."""
    weights: str | Path | None = None
    """What it starts from: a safetensors or torch file, another student's folder, `timm` where timm has some, or None
    for random ones."""
    heads: ClassVar[tuple[str, ...]] = ("pooled", "maps")
    """What a head may take from it, see `students.head`: one for a whole picture, or `pyramid`, for boxes."""
    counted_outputs: ClassVar[int] = 1000
    """Outputs that its cost is counted with, as in the paper."""
    formats: ClassVar[tuple[str, ...]] = ()
    """Names of the formats that can take it, where not every one can."""

    @abstractmethod
    def body(self) -> Body:
        """The body at random, drawn from torch's global generator: seed it first."""

    def head_for(self, outputs: int) -> Head | Boxed:
        """The simplest head of so many outputs, or classes."""
        return Linear(outputs)

    def build(self, head: Head | Boxed) -> nn.Module:
        """The network at random, whatever `weights` says: normalised float (N, 3, H, W) to what the head answers."""
        assert not isinstance(head, Boxed)  # `check_head`
        return HeadedBody(self.body(), head)

    def pretrained(self, head: Head | Boxed) -> tuple[nn.Module, tuple[str, ...]]:
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


def check_head(student: Student, head: Head | Boxed | int) -> None:
    """Refuse a student that cannot answer what is asked.

    Args:
        head: a number stands for one linear layer of so many outputs, or of as many as a teacher will have.

    Raises:
        DistillError: boxes are asked of one that has a single map of features, or an answer to the whole picture of one
            that finds boxes.
    """
    if ("pooled" if isinstance(head, int) else head.takes) in student.heads:
        return
    if isinstance(head, Boxed):
        raise DistillError(
            f"student.name: {student.name} answers to whole pictures, and boxes are asked for, which are found on "
            "several maps of features. Take ssd_mobilenet_v1, or ssdlite_ with a MobileNet of timm's, such as "
            "ssdlite_mobilenetv3_small_100."
        )
    raise DistillError(
        f"student.name: {student.name} finds boxes, and one answer to the whole picture is asked for. Take "
        "mobilenet_v1, or a MobileNet of timm's, such as mobilenetv3_small_100."
    )


def build_student(student: Student, head: Head | Boxed | int) -> nn.Module:
    """The student's network at random: normalised float (N, 3, H, W) to what the head answers.

    Args:
        head: a number stands for one linear layer of so many outputs.

    Raises:
        DistillError: it cannot have such a head.
    """
    head = Linear(head) if isinstance(head, int) else head
    check_head(student, head)
    return student.build(head)


def create_student(student: Student, head: Head | Boxed | int) -> nn.Module:
    """The student's network, from its `weights` where they are given.

    A head of another shape is left at random, and logged as a warning; nothing else may be left out.

    Args:
        head: a number stands for one linear layer of so many outputs.

    Raises:
        DistillError: it cannot have such a head; or the weights are those of another network, cannot be read, or cannot
            be fetched.
    """
    head = Linear(head) if isinstance(head, int) else head
    if student.weights is None:
        return build_student(student, head)
    check_head(student, head)
    if str(student.weights) == "timm":
        network, left = student.pretrained(head)
        _say_left(student, "timm", left, network, head)
        return network
    path = Path(os.path.expanduser(student.weights))  # a recipe expands paths, and this may be a name
    path = path / WEIGHTS_FILE if path.is_dir() else path
    tensors = read_weights(path)
    network = build_student(student, head)
    tensors = dict(student.renamed(fitting_names(tensors, network.state_dict(), path), network))
    _say_left(student, path, load_weights(network, tensors, path, allow_new_head=True), network, head)
    return network


def _say_left(
    student: Student, source: Path | str, left: tuple[str, ...], network: nn.Module, head: Head | Boxed
) -> None:
    if isinstance(head, Boxed):
        taken = len(network.state_dict()) - len(left)
        log.warning(
            "%s: %d tensors of %s are taken from it, %d are random.", source, taken, student.full_name, len(left)
        )
    elif left:
        wanted = f"the {head.outputs} outputs" if isinstance(head, Linear) else "the head"
        log.warning(
            "%s: its classifier does not fit %s of %s; left at random: %s.",
            source,
            wanted,
            student.full_name,
            ", ".join(left),
        )
