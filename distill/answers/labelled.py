"""What kinds with an output for each of some named classes share.

Shapes: N pictures, C classes or attributes.
"""

from abc import ABC
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from distill.answers.kind import Kind
from distill.errors import DistillError, echo
from distill.files.text import no_text

NO_LOGIT = 1e-7
"""Of a probability closer to 0 or 1 nothing is known in float32."""


@dataclass(frozen=True)
class LabelledKind(Kind, ABC):
    """Probabilities of named classes.

    Args:
        classes: the name of each output, in order; None while nobody knows them, as of a teacher's.
        thresholds: per class, the probability from which it counts as present; None where none was chosen.
    """

    classes: tuple[str, ...] | None = None
    thresholds: tuple[float, ...] | None = None

    raw: ClassVar[tuple[str, ...]] = ("logits",)
    tensors: ClassVar[tuple[str, ...]] = ("probabilities",)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        return self.classes

    def called(self, classes: tuple[str, ...] | None) -> Self:
        return replace(self, classes=classes, thresholds=None)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"logits": (len(self.classes or ()),)}

    def threshold_of(self, name: str) -> float | None:
        """The threshold of a class; None where it has none."""
        return dict(zip(self.classes or (), self.thresholds or (), strict=False)).get(name)

    def check(self) -> None:
        names, thresholds = self.classes, self.thresholds
        check_names(names)
        assert names is not None
        if thresholds is None:
            return
        if not isinstance(thresholds, tuple) or not all(isinstance(one, float | int) for one in thresholds):
            raise DistillError(f"thresholds: {thresholds!r}, expected a list of numbers, or null.")
        if len(thresholds) != len(names):
            raise DistillError(f"thresholds: {len(thresholds)} for {len(names)} classes, expected one each.")

    def probabilities_before(self, probabilities: np.ndarray) -> np.ndarray:
        """float64 (N, C) inside of 0 and 1, where their logarithms are known."""
        return np.clip(probabilities.astype(np.float64), NO_LOGIT, 1 - NO_LOGIT)


def check_names(names: object) -> None:
    """Refuse what are no names of classes.

    Raises:
        DistillError: it is no tuple of texts, has none, or one twice.
    """
    if not isinstance(names, tuple) or not names or not all(isinstance(name, str) for name in names):
        raise DistillError(f"classes: {names!r}, expected a list of names, at least one.")
    if (wrong := next(filter(no_text, names), None)) is not None:
        raise DistillError(f"classes: {echo(wrong)}: {no_text(wrong)} in it is no character of text. Rename it.")
    if len(set(names)) != len(names):
        raise DistillError("classes: a name stands there twice; expected each of them once.")
