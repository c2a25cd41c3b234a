"""What a teacher is: a frozen function from pictures to named tensors, such as logits or an embedding.

Shapes: N batch, C classes or attributes, or embedding dimensions; h w the teacher's own size.
"""

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self, cast

import torch
from rich.console import Console
from torch import Tensor, nn

from distill.answers.kind import Kind
from distill.cost import Cost
from distill.data.prepared.pictures import Pictures
from distill.data.views.loader import AnswersOf
from distill.data.views.views import Views
from distill.errors import DistillError, echo
from distill.files.atomic import read_json
from distill.files.text import read_text
from distill.predictors.predictor import Predictor
from distill.predictors.torch_predictor import TorchPredictor
from distill.preprocess.preprocess import Preprocess

console = Console(stderr=True, markup=False, emoji=False)

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each of a teacher's tensors for one picture, by its name."""
Size = dict[str, int | None]
"""`parameters` and `mult_adds` of a network, None where a black box hides them."""


class Seeds(NamedTuple):
    """The seed of a student, `own`, and that of the first of several students."""

    own: int
    first: int


class ShownViews(NamedTuple):
    """What a stage shows: views, under a seed, and the answers to them where they are stored."""

    views: Views
    seed: int
    answers: AnswersOf | None


class Teacher(nn.Module, ABC):
    """A frozen network: always in eval mode, no parameter wants a gradient.

    Args:
        name: how reports call it.
        preprocess: the size, kernel and normalisation of its own input.
        outputs: C, the number of its logits; or the shapes of its tensors, by name, such as `{"embedding": (128,)}`.
        classes: names of the logits, or of whatever the last axis of its last tensor has one of a class, in order; None
            where nobody knows them, and of tensors without classes.
    """

    def __init__(
        self, name: str, preprocess: Preprocess, outputs: int | Shapes, classes: tuple[str, ...] | None
    ) -> None:
        super().__init__()
        self.shapes: dict[str, tuple[int, ...]] = {"logits": (outputs,)} if isinstance(outputs, int) else dict(outputs)
        self.name, self.preprocess, self.classes = name, preprocess, classes
        told_apart = tuple(self.shapes.values())[-1][-1]
        if classes is not None and len(classes) != told_apart:
            raise DistillError(f"teacher.classes: {len(classes)} names for the {told_apart} outputs of {name}.")

    @property
    def outputs(self) -> int:
        """The numbers of one answer: C, or the dimensions of an embedding."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @abstractmethod
    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Float (N, 3, h, w) on the 0..255 scale, at this teacher's size, not normalised, to float32 tensors (N, ...)
        of its `shapes`."""

    def answer_whole(self, pictures: Tensor, sizes: Tensor | None) -> dict[str, Tensor]:
        """What it says of whole pictures.

        Args:
            pictures: uint8 (N, H, W, 3).
            sizes: int32 (N, 2), height and width of the pictures that these were made of, where they are known.
        """
        return self(self.preprocess.resize(pictures).permute(0, 3, 1, 2).float())  # type: ignore[no-any-return]

    @abstractmethod
    def fingerprint(self) -> str:
        """sha256 over all that its answers depend on: weights and preprocessing."""

    @property
    def gives(self) -> str | None:
        """What a black box was said to give; None where it gives what it is asked for."""
        return None

    @property
    def contract(self) -> str:
        """What it is shown and, of a black box, what it answers and what of both nothing says, in words."""
        return self.preprocess.words

    @property
    def online(self) -> "Teacher | None":
        """What is asked while a student trains; None of a teacher whose answers are stored."""
        return self

    @property
    def inside(self) -> nn.Module | None:
        """The same network, asked about a view for what it makes its answers of, as `teachers.inside.Inside`; None
        where that cannot be had, as of a black box or of stored answers."""
        return None

    def size(self) -> Size:
        """Its parameters, and the mult-adds of one answer."""
        return {"parameters": None, "mult_adds": None}

    def fingerprint_of(self, views: Views) -> str:
        """sha256 over all that its answers to such views depend on."""
        return self.fingerprint()

    def shown_views(self, pictures: Pictures, views: Views, seeds: Seeds) -> ShownViews:
        """What a stage shows of its pictures, and the answers to it that are known already.

        Raises:
            DistillError: other views, another seed or other pictures were answered.
        """
        return ShownViews(views, seeds.own, None)

    def predictor(self, kind: Kind) -> Predictor:
        """This teacher as a predictor of answers of a kind, on the GPU where there is one."""
        if torch.cuda.is_available():
            self.to(torch.device("cuda"))
        return TorchPredictor(self, self.preprocess, kind.called(self.classes), normalize=False, name=self.name)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever a training loop asks of the modules it holds."""
        return super().train(False)


class TeacherConfig(ABC):
    """What a recipe says of its teacher: a frozen dataclass whose fields are the keys of the `teacher` section."""

    ready_made: ClassVar[bool] = False
    """Whether it answers as it is: no stage can make it."""
    embeds: ClassVar[bool] = False
    """Whether it gives embeddings alone and has no classifier."""
    name: str

    @abstractmethod
    def teacher(self, kind: Kind) -> Teacher:
        """The teacher with every weight trained, of answers of this kind: of its classes where it names some.

        Raises:
            DistillError: it gives something else, or cannot be loaded.
        """

    def trainable(
        self, kind: Kind, drop_rate: float = 0.0, drop_path_rate: float = 0.0
    ) -> tuple[nn.Module, Preprocess]:
        """The bare network before a stage makes it a teacher of this kind, and its input contract.

        Args:
            drop_rate: dropout before the classifier.
            drop_path_rate: the share of residual branches dropped, where the network has them.

        Raises:
            DistillError: it cannot be trained to give such answers, or its weights cannot be had.
        """
        raise DistillError(f"teacher {type(self).__name__} cannot be trained; take another, or leave that stage out.")

    def with_weights(self, kind: Kind, weights: Path) -> Teacher:
        """The same teacher after a stage wrote its weights."""
        changed: dict[str, Any] = {"weights": weights}
        if kind.class_names is not None:
            changed["classes"] = kind.class_names
        if getattr(self, "weights_of", None) is not None:  # an entry of the file it began with
            changed["weights_of"] = None
        return replace(cast(Any, self), **changed).teacher(kind)  # type: ignore[no-any-return]


def check_weights_of(weights_of: str | None, weights: object) -> None:
    """Refuse the entry of a file where no file is given.

    Raises:
        DistillError: there is none.
    """
    if weights_of is not None and not isinstance(weights, Path):
        raise DistillError(
            f"teacher.weights_of is {echo(weights_of)}, an entry of a file; give that as teacher.weights."
        )


def counted(name: str, count: Callable[[], Cost]) -> Size:
    """The size of a teacher's network; nothing of one that cannot be counted, which is said."""
    try:
        cost = count()
    except DistillError as error:
        console.print(f"teacher {name}: its cost is unknown: {error}", soft_wrap=True)
        return {"parameters": None, "mult_adds": None}
    return {"parameters": cost.parameters, "mult_adds": cost.mult_adds}


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
    text = read_text(given, "class names, one a line")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def fingerprint_of(*facts: object) -> str:
    """sha256 over facts that JSON can hold, in their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
