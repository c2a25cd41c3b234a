"""What is inspected: a file that can teach, and what neither it nor the recipe says of its input."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, cast, get_args

import numpy as np

from distill.answers.kind import Kind
from distill.answers.logits import Gives
from distill.errors import DistillError
from distill.inspection.decodings import Decoding
from distill.inspection.facts import Facts
from distill.inspection.hypotheses import Normalization, Size
from distill.inspection.outputs import class_keys
from distill.preprocess.preprocess import Channels, Fit, Interpolation, Preprocess
from teachers.teacher import Teacher, TeacherConfig

Keys = Mapping[str, Any]
"""Of a recipe's `teacher` section."""


class Subject(ABC):
    """A file as the teacher of a recipe. What a teacher of its format may be asked in several ways, a subclass knows.

    Args:
        config: the recipe's teacher section; what it says is not doubted.
        facts: of the file.

    Attributes:
        known: the keys of such a section.
        fits: that are to be tried.

    Raises:
        DistillError: such a teacher is asked in one way alone.
    """

    fits: ClassVar[tuple[Fit, ...]] = ("crop", "stretch", "pad")  # a corner is where some detectors want it

    def __init__(self, config: TeacherConfig, facts: Facts) -> None:
        self.config: Any = config
        self.facts = facts
        self.known = frozenset(one.name for one in fields(cast(Any, config)))
        if "channels" not in self.known:
            raise DistillError(
                f"inspect: teacher.name is {config.name}, which has one way of being asked. Expected one whose section "
                "has the key channels, such as onnx, onnx_detector, litert, openvino, timm, mobilefacenet or iresnet50."
            )

    @property
    @abstractmethod
    def outputs(self) -> tuple[str | None, ...]:
        """Names of those that may be learnt from; None where there is one."""

    @abstractmethod
    def numbers(self, output: str | None) -> int | None:
        """How many numbers that output has for a picture; None where the file does not say.

        Raises:
            DistillError: it is no row of numbers, or the file cannot be asked.
        """

    def class_keys(self, output: str | None, classes: tuple[str, ...]) -> tuple[dict[str, Any], str]:
        """Keys of the section that say which numbers of an output are the data's classes, and in words how that is
        known.

        Raises:
            DistillError: nothing tells.
        """
        if self.given("classes") or self.given("class_map"):
            return {}, "outputs as the recipe says"
        outputs = self.numbers(output)
        return class_keys(len(classes) if outputs is None else outputs, classes, self.facts.metadata)

    def decodings(self, keys: Keys, pictures: np.ndarray) -> tuple[Decoding | None, ...]:
        """Ways to read its outputs that are to be tried; None of rows of numbers, which are read in one.

        Args:
            keys: that say the names of its classes.
            pictures: uint8 (N, H, W, 3) to ask it about.

        Raises:
            DistillError: its outputs can be read in none.
        """
        return (None,)

    @property
    @abstractmethod
    def channels(self) -> tuple[Channels | None, ...]:
        """Orders of its channels that are to be tried; None of a file that has no order."""

    @property
    @abstractmethod
    def normalizations(self) -> tuple[Normalization, ...]:
        """Ways to bring pixels to its numbers that are to be tried."""

    @cached_property
    def sizes(self) -> tuple[Size | None, ...]:
        """Heights and widths that are to be tried; None where nothing is to be said."""
        return (None,)

    @property
    def size(self) -> Size | None:
        """Height and width as the file or the recipe says them; None where they are open, or only its network knows."""
        return None

    @property
    def has_layout(self) -> bool:
        """Whether the order of its axes is known."""
        return True

    @property
    def kernels(self) -> tuple[Interpolation, ...]:
        """Kernels that are to be tried."""
        given = self.given("interpolation")
        if given or "interpolation" not in self.known:
            return (given or "bilinear",)
        return get_args(Interpolation)

    @abstractmethod
    def contract(self, keys: Keys, kind: Kind) -> Preprocess:
        """How it sees pictures under these keys.

        Raises:
            DistillError: it cannot be asked so.
        """

    def meaning(self, ways: Sequence[Keys], pictures: np.ndarray) -> Gives | None:
        """What its numbers are by their values; None where there is no question of that.

        Args:
            ways: in which it is asked.
            pictures: uint8 (N, H, W, 3) to ask it about.
        """
        return None

    def teacher(self, keys: Keys, kind: Kind) -> Teacher:
        """The teacher under these keys.

        Raises:
            DistillError: it cannot be asked so.
        """
        return cast(TeacherConfig, replace(self.config, **keys)).teacher(kind)

    def given(self, key: str) -> Any:
        """What the recipe says; None where it says nothing, or such a teacher has no such key."""
        return getattr(self.config, key, None)

    def said(self) -> dict[str, Any]:
        """What the recipe says beyond defaults, but for the name and the file."""
        return {
            one.name: getattr(self.config, one.name)
            for one in fields(self.config)
            if one.name not in ("name", "file") and _said(self.config, one)
        }


def _said(config: Any, one: Field[Any]) -> bool:
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return bool(getattr(config, one.name) != default)
