"""What a teacher is: a frozen function from pictures to logits, or to embeddings.

Shapes: N batch, C classes or attributes, or embedding dimensions; h w the teacher's own size.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.atomic import read_json
from distill.preprocess.preprocess import Preprocess


class TeacherConfig(Protocol):
    """What a recipe says of its teacher: a frozen dataclass whose fields are the keys of the `teacher` section.

    `ready_made` says that the teacher answers as it is, and no stage can make it.
    """

    ready_made: ClassVar[bool]

    @property
    def name(self) -> str: ...

    def load(self, outputs: int) -> Any:
        """The teacher of so many classes or attributes.

        Raises:
            DistillError: it cannot be had, or has no such outputs.
        """
        ...

    def embedder(self) -> Any:
        """The teacher of embeddings, where it gives some."""
        ...

    def trainable_embedder(self) -> tuple[nn.Module, Preprocess]:
        """The bare network of such a teacher and its input contract, where a stage can make it."""
        ...


class Teacher(nn.Module, ABC):
    """A frozen network: always in eval mode, no parameter wants a gradient.

    Args:
        name: how reports call it.
        preprocess: the size, kernel and normalisation of its own input.
        outputs: C, the number of its outputs.
        classes: their names in order; None where nobody knows them, and for embeddings, which have none.
    """

    def __init__(self, name: str, preprocess: Preprocess, outputs: int, classes: tuple[str, ...] | None) -> None:
        super().__init__()
        if classes is not None and len(classes) != outputs:
            raise DistillError(f"teacher.classes: {len(classes)} names for the {outputs} outputs of {name}.")
        self.name, self.preprocess, self.outputs, self.classes = name, preprocess, outputs, classes

    @abstractmethod
    def forward(self, pictures: Tensor) -> Tensor:
        """Float (N, 3, h, w) on the 0..255 scale, at this teacher's size, not normalised, to float32 (N, C)."""

    @abstractmethod
    def fingerprint(self) -> str:
        """sha256 over all that its answers depend on: weights and preprocessing."""

    @property
    def innermost(self) -> "Teacher":
        """The network itself, where this only selects or joins answers of another teacher."""
        return self

    @property
    def passes(self) -> int:
        """How often the network runs for one answer."""
        return 1

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever a training loop asks of the modules it holds."""
        return super().train(False)


def read_classes(given: tuple[str, ...] | Path | None) -> tuple[str, ...] | None:
    """Class names as given, or from a file: a JSON list, or text with one name a line.

    Raises:
        DistillError: the file is missing or holds no such list.
    """
    if not isinstance(given, Path):
        return given
    if given.suffix == ".json":
        names = read_json(given)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DistillError(f"{given}: expected a JSON list of class names.")
        return tuple(names)
    try:
        return tuple(line.strip() for line in given.read_text(encoding="utf-8-sig").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise DistillError(f"{given}: cannot be read as class names, one a line ({error}).") from error


def fingerprint_of(*facts: object) -> str:
    """sha256 over facts that JSON can hold, in their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
