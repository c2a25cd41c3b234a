"""What a black box may want of a picture, and how it may write what it sees, as keys of a recipe's `teacher` section.

Where a picture is cut or padded before the network sees it, `prepare.fit` says; which part of that the network sees,
`teacher.crop`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from distill.inspection.decodings import Decoding
from distill.preprocess.preprocess import IMAGENET_MEAN, IMAGENET_STD, WHOLE, Channels, Crop, Fit, Interpolation

Triple = tuple[float, float, float]


class Size(NamedTuple):
    """Pixels of a picture."""

    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width}"


@dataclass(frozen=True)
class Normalization:
    """How pixels are brought to numbers, as people name it.

    Attributes:
        mean, std: of values in 0..1; None of a graph that eats uint8.
        scale: the same in a word that a graph's teacher has for it.
    """

    words: str
    mean: Triple | None = None
    std: Triple | None = None
    scale: str | None = None

    def keys(self, known: Collection[str]) -> dict[str, Any]:
        """Of a teacher's section that knows these keys."""
        if self.scale is not None and "scale" in known:
            return {"scale": self.scale}
        return {"mean": self.mean, "std": self.std} if self.mean and "mean" in known else {}

    @property
    def same(self) -> bool:
        """Whether all three channels have the same mean and deviation."""
        return all(len(set(values)) == 1 for values in (self.mean or (0,), self.std or (0,)))

    def __str__(self) -> str:
        return self.words


def _same(value: float) -> Triple:
    return (value, value, value)


NORMALIZATIONS = (
    Normalization("ImageNet's mean and std", IMAGENET_MEAN, IMAGENET_STD),
    Normalization("0..1", _same(0.0), _same(1.0), "0..1"),
    Normalization("-1..1", _same(0.5), _same(0.5)),
    Normalization("0..255", _same(0.0), _same(1 / 255), "0..255"),
    Normalization("(x - 127.5) / 128", _same(127.5 / 255), _same(128 / 255)),
    Normalization("(x - 128) / 128", _same(128 / 255), _same(128 / 255)),
    Normalization("0..255 less ImageNet's mean", IMAGENET_MEAN, _same(1 / 255)),
    Normalization("CLIP's mean and std", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
)
"""Those that public networks are trained with, the most frequent first."""
RAW = Normalization("uint8")
GIVEN = Normalization("as given")

CENTRE = 0.875
"""The share of a side that most classifiers of ImageNet are evaluated on."""


@dataclass(frozen=True)
class Part:
    """Which part of a prepared picture the network sees.

    Attributes:
        crop: None for what such a teacher sees where its section does not say.
    """

    words: str
    crop: Crop | None

    def __str__(self) -> str:
        return self.words


AS_IT_IS = Part("its own box", None)


def parts(seen: tuple[int, int], size: tuple[int, int], own: Crop = WHOLE) -> tuple[Part, ...]:
    """The whole picture; of another shape than the network's, its largest centred box of that; and the middle of that.

    Args:
        seen: height and width that the network sees.
        size: those of the prepared pictures.
        own: the box that such a teacher sees where its section does not say; another than the whole comes first.
    """
    (height, width), (rows, columns) = seen, size
    box_rows, box_columns = min(1.0, columns * height / width / rows), min(1.0, rows * width / height / columns)
    whole = None if own == WHOLE else WHOLE
    found = [Part("whole", whole)]
    if min(box_rows, box_columns) < 1 - 1 / max(size):
        found = [Part("its centred box", _centred(box_rows, box_columns)), Part("whole, squeezed", whole)]
    found.append(Part(f"the middle {CENTRE:.1%}", _centred(CENTRE * box_rows, CENTRE * box_columns)))
    if own == WHOLE:
        return tuple(found)
    return (AS_IT_IS, *(one for one in found if one.crop is None or not np.allclose(one.crop, own)))


def _centred(rows: float, columns: float) -> Crop:
    return ((1 - rows) / 2, (1 - columns) / 2, rows, columns)


@dataclass(frozen=True)
class Hypothesis:
    """One way to show pictures to a black box.

    Attributes:
        output: the name of the one to learn from; None where there is one.
        channels: None of a network that has no order of them.
        size: that it sees; None where its file says that.
        decoding: of a detector, how its outputs are read.
    """

    output: str | None
    channels: Channels | None
    normalization: Normalization
    part: Part
    fit: Fit
    interpolation: Interpolation
    size: Size | None = None
    decoding: Decoding | None = None

    def teacher_keys(self, known: Collection[str]) -> dict[str, Any]:
        """Of a teacher's section that knows these keys; one that would say nothing is left out."""
        keys: dict[str, Any] = {} if self.output is None else {"output": self.output}
        if self.size is not None:
            keys |= self.size._asdict()
        if self.channels is not None:
            keys["channels"] = self.channels
        keys |= self.normalization.keys(known)
        if self.part.crop is not None:
            keys["crop"] = self.part.crop
        keys["interpolation"] = self.interpolation
        if self.decoding is not None:
            keys |= self.decoding.keys()
        return {key: value for key, value in keys.items() if key in known}

    def differs_from(self, other: "Hypothesis") -> list[str]:
        """The names of what is not the same."""
        return [one.name for one in fields(self) if getattr(self, one.name) != getattr(other, one.name)]

    def __str__(self) -> str:
        said = (self.output, self.size, self.channels, self.normalization, self.part, self.fit, self.interpolation)
        return ", ".join(str(one) for one in (*said, self.decoding) if one is not None)


@dataclass(frozen=True)
class Choices:
    """What each field of a hypothesis may be, the likeliest first."""

    output: tuple[str | None, ...]
    channels: tuple[Channels | None, ...]
    normalization: tuple[Normalization, ...]
    part: tuple[Part, ...]
    fit: tuple[Fit, ...]
    interpolation: tuple[Interpolation, ...]
    size: tuple[Size | None, ...] = (None,)
    decoding: tuple[Decoding | None, ...] = (None,)

    def grid(self) -> Iterator[Hypothesis]:
        """All outputs, orders of channels, normalisations, parts and decodings together: none can be judged while
        another is wrong. Each at the first size, fit and kernel; all decodings of what is shown stand together."""
        for some in product(self.output, self.channels, self.normalization, self.part):
            first = Hypothesis(*some, self.fit[0], self.interpolation[0], self.size[0])
            yield from (replace(first, decoding=one) for one in self.decoding)

    def sizes(self, centre: Hypothesis) -> Iterator[Hypothesis]:
        """The same at the other sizes."""
        return (replace(centre, size=size) for size in self.size if size != centre.size)

    def fits(self, centre: Hypothesis) -> Iterator[Hypothesis]:
        """The same at the other fits."""
        return (replace(centre, fit=fit) for fit in self.fit if fit != centre.fit)

    def kernels(self, centre: Hypothesis) -> Iterator[Hypothesis]:
        """The same with the other kernels, which change a score least."""
        return (replace(centre, interpolation=one) for one in self.interpolation if one != centre.interpolation)
