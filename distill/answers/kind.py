"""What a network's outputs mean: the names and shapes of its tensors, what is made of them, and what is said of them.

A network gives raw tensors, such as logits; `activate` makes answers of them, such as probabilities: what is scored,
what a file gives, and what a person is shown. Both are named, for a kind may have several.

Shapes: N pictures, M numbers of all of a picture's tensors together.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from torch import Tensor

from distill.answers.logits import Gives
from distill.errors import DistillError

Tensors = Mapping[str, Tensor]
"""Named tensors (N, ...)."""
Arrays = Mapping[str, np.ndarray]
"""The same as numpy arrays."""


class Shares(NamedTuple):
    """How probabilities of other classes are shared out among a kind's own.

    Attributes:
        theirs, ours: int64 (M,), pairs of classes by number.
        parts: float64 (M,), which part of theirs goes to ours.
    """

    theirs: np.ndarray
    ours: np.ndarray
    parts: np.ndarray


def named(outputs: Tensor | Tensors, name: str) -> dict[str, Tensor]:
    """What a network gives as named tensors: one that is alone takes ``name``."""
    return {name: outputs} if isinstance(outputs, Tensor) else dict(outputs)


@dataclass(frozen=True)
class Kind(ABC):
    """One kind of answers; its fields are facts of one network that its files carry, such as the names of its classes.

    Attributes:
        name: as an exported file (`gives`) and a student's config.json (`answers`) have it.
        raw: the tensors that a network gives, in their order.
        tensors: those that `activate` makes of them, which are a file's outputs, in their order.
        words: what it is, for messages.
        hub_task: of the Hugging Face hub's model pages: its tag and its name.
        reading: code of a model card: what the answers to one picture say. One tensor (1, ...) is called `answers`
            there, several by their names; None prints them.
        page: a script for the page of the web format, which lies beside the kind; None where that page cannot show it.
        template: of the model card's passages about this kind, a Jinja file that lies beside the kind.
        gives: of a file that was exported with this kind, what it gives where it teaches as a black box; None where
            that is no probability of a class.
        shares: whether probabilities of other classes can be shared out among these, as `shares_of` does.
        once: the kind of files that give each thing once, with non-maximum suppression inside; None where answers are
            of nothing that is found several times.
        largest: whether only the largest outputs of a picture may be kept, as of classes that exclude each other.
        vectors: of `tensors`, the one (N, D) of unit length by whose cosines pictures are looked up in a gallery; None
            where none is.
    """

    name: ClassVar[str]
    raw: ClassVar[tuple[str, ...]]
    tensors: ClassVar[tuple[str, ...]]
    words: ClassVar[str]
    hub_task: ClassVar[tuple[str, str]] = ("image-feature-extraction", "image feature extraction")
    reading: ClassVar[str | None] = None
    page: ClassVar[Path | None] = None
    template: ClassVar[Path] = Path(__file__).with_name("plain.md")
    gives: ClassVar[Gives | None] = None
    shares: ClassVar[bool] = False
    once: ClassVar["type[Kind] | None"] = None
    largest: ClassVar[bool] = False
    vectors: ClassVar[str | None] = None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The name of each output; None where outputs have none, or nobody knows them."""
        return None

    @property
    def same_from(self) -> dict[str, float]:
        """The cosine of `vectors` from which two pictures show the same, by the FAR that was asked for; empty where
        none was measured."""
        return {}

    def called(self, classes: tuple[str, ...] | None) -> Self:
        """The same of a network that calls its outputs so; None where it does not say."""
        return self

    def shares_of(self, names: tuple[str, ...]) -> Shares:
        """How a network's probabilities of classes of these names are shared out among this kind's own.

        Raises:
            DistillError: a name says nothing of that.
            NotImplementedError: a kind says that it shares (`shares`) and does not say how.
        """
        raise NotImplementedError(f"{self.name}: classes of one network are not those of another")

    def of_outputs(self, outputs: Tensors) -> Self:
        """The same with what a network's raw tensors (N, ...) show of it, such as their dimensions."""
        return self

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each raw tensor for one picture."""

    @property
    def outputs(self) -> int:
        """The numbers of all raw tensors of one picture together."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def head(self) -> Any:
        """What is put on a student's body: a number stands for one linear layer of so many outputs; else a
        `students.head.Head`."""
        return self.outputs

    def activate(self, outputs: Tensors) -> dict[str, Tensor]:
        """Raw tensors (N, ...) to answers (N, ...); by default they are the answers."""
        return {answer: outputs[name] for answer, name in zip(self.tensors, self.raw, strict=True)}

    def before_activation(self, answers: Arrays) -> np.ndarray:
        """Answers as a network gave them, (N, M): an activation hides what differs near its ends."""
        return np.concatenate([answers[name].reshape(len(answers[name]), -1) for name in self.tensors], axis=1)

    def apart(self, answers: Arrays, expected: Arrays) -> float:
        """The largest difference between two networks' answers (N, ...) to the same pictures."""
        return max(float(np.abs(answers[name] - expected[name]).max()) for name in self.tensors)

    def check(self) -> None:  # noqa: B027  # a kind without facts has none that could be wrong
        """Refuse facts that no file may carry.

        Raises:
            DistillError: naming the key.
        """

    def sureness(self, answers: Arrays) -> np.ndarray | None:
        """How sure each of these answers (N, ...) is, float (N,) from 0 to 1; None where answers do not tell."""
        return None

    @classmethod
    def useless(cls, outputs: Tensors) -> str | None:
        """What makes a teacher's raw tensors (N, ...) say nothing, in words; None where they say something."""
        return None if all(bool(tensor.isfinite().all()) for tensor in outputs.values()) else "NaN or infinity"

    def heading(self) -> list[str]:
        """The columns of a table of answers; by default one for each number.

        Raises:
            DistillError: such a table would say nothing.
        """
        return [
            name if size == 1 else f"{name}_{number}"
            for name, size in zip(self.tensors, map(math.prod, self.shapes.values()), strict=True)
            for number in range(size)
        ]

    def heading_of_faces(self) -> list[str]:
        """The same of a table that has each face of photographs, with its box: there what is compared can be written
        too.

        Raises:
            DistillError: as `heading`.
        """
        return self.heading()

    def row(self, answers: Arrays) -> list[str]:
        """The answers to one picture, (...) each, under that heading."""
        return [f"{number:.6g}" for name in self.tensors for number in answers[name].ravel()]

    def rows(self, answers: Arrays) -> list[list[str]]:
        """All rows of one picture, as of each thing that was found in it; by default one."""
        return [self.row(answers)]

    def moved(self, answers: Arrays, scale: tuple[float, float], shift: tuple[float, float]) -> Arrays:
        """The answers to one picture where that is a part of another: what lies in it, x and y as shares, times `scale`
        plus `shift`; by default nothing does."""
        return answers

    def drawn(self, picture: np.ndarray, answers: Arrays) -> np.ndarray:
        """uint8 (H, W, 3) with the answers to it drawn over it.

        Raises:
            DistillError: nothing of them lies in the picture, as by default.
        """
        raise DistillError(f"gives {self.words}, of which nothing lies in a picture that could be drawn.")

    def limits(self) -> list[str]:
        """What scores of this kind do not say, for the model card."""
        return []

    def facts(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Read the fields back from JSON: lists become tuples.

        Raises:
            DistillError: one is missing, unknown, or of another type.
        """
        known = {field.name for field in fields(cls)}
        if wrong := sorted(known ^ facts.keys()):
            expected = ", ".join(sorted(known))
            raise DistillError(f"{', '.join(wrong)}: missing or unknown of {cls.name}; expected {expected}.")
        kind = cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()})
        kind.check()
        return kind
