"""What an exported file says of itself: one JSON value a key, prefixed `distill.`.

An ONNX file keeps them in its `metadata_props`; the other formats wherever they have room for texts.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from distill.errors import DistillError
from distill.predictors.torch_predictor import Activation
from distill.preprocess.preprocess import WHOLE, Crop, Fit, Interpolation, Preprocess, is_crop

PREFIX = "distill."

Given = Literal["probabilities", "softmax", "embedding"]
"""`probabilities`: one of 0..1 for each class by itself (sigmoid); `softmax`: they sum to one; `embedding`: a vector of
length 1."""

ACTIVATIONS: dict[Given, Activation] = {"probabilities": "sigmoid", "softmax": "softmax", "embedding": "unit"}

# Keys of files of one kind of output alone.
_OF_CLASSES, _OF_EMBEDDINGS = {"classes", "thresholds"}, {"dimensions", "far_thresholds"}
# Keys that files of an earlier version lack.
_LATER = {"teacher", "teacher_fingerprint", "data_fingerprint", "fit"}
_FORMER_CROP = "cover_center_crop"  # what files said of their fit when there was no other


@dataclass(frozen=True)
class OnnxMetadata:
    """The contract of an exported student: uint8 (N, height, width, 3) in, probabilities or embeddings (N, C) out.

    Args:
        classes: the name of each output, in order; None of an embedding.
        thresholds: per class, the probability from which it counts as present, or None.
        height, width: pixels of the graph's input.
        interpolation: the antialiased kernel that brings a picture to that size.
        picture_height, picture_width: pixels of the prepared picture before that resize.
        crop: top, left, height, width of the part of the prepared picture that is brought to that size, as shares.
        fit: how a picture of another shape becomes a prepared one.
        dimensions: of an embedding.
        far_thresholds: of an embedding: the cosine from which two pictures count as one person, by the FAR that was
            asked for and is not exceeded there, such as "0.01"; None where none was measured.
        teacher, teacher_fingerprint: whom a student learnt from: its name, and a checksum of what it answers with.
        data_fingerprint: a checksum of the pictures a student learnt from, their labels and splits.
    """

    classes: tuple[str, ...] | None
    thresholds: tuple[float, ...] | None
    height: int
    width: int
    interpolation: Interpolation
    picture_height: int
    picture_width: int
    fit: Fit = "crop"
    gives: Given = "probabilities"
    crop: Crop = WHOLE
    dimensions: int | None = None
    far_thresholds: dict[str, float] | None = None
    teacher: str | None = None
    teacher_fingerprint: str | None = None
    data_fingerprint: str | None = None

    def __post_init__(self) -> None:
        embeds, count = self.gives == "embedding", len(self.classes or ())
        sizes = (self.height, self.width, self.picture_height, self.picture_width)
        checks: dict[str, bool] = {
            "classes": embeds == (count == 0) and all(isinstance(name, str) for name in self.classes or ()),
            "thresholds": self.thresholds is None
            or (len(self.thresholds) == count and all(isinstance(value, float | int) for value in self.thresholds)),
            "height, width, picture_height, picture_width": all(isinstance(size, int) and size > 0 for size in sizes),
            "interpolation": self.interpolation in get_args(Interpolation),
            "fit": self.fit in get_args(Fit),
            "gives": self.gives in get_args(Given),
            "dimensions": isinstance(self.dimensions, int) and self.dimensions > 0
            if embeds
            else self.dimensions is None,
            "far_thresholds": self.far_thresholds is None
            or (embeds and all(isinstance(value, float | int) for value in self.far_thresholds.values())),
            "teacher, teacher_fingerprint, data_fingerprint": all(
                one is None or isinstance(one, str)
                for one in (self.teacher, self.teacher_fingerprint, self.data_fingerprint)
            ),
            "crop": len(self.crop) == 4
            and all(isinstance(share, float | int) for share in self.crop)
            and is_crop(self.crop),
        }
        for key, holds in checks.items():
            if not holds:
                values = [getattr(self, name) for name in key.split(", ")]
                raise DistillError(f"{PREFIX}{key}: {', '.join(map(repr, values))} is not valid in an exported file.")

    @classmethod
    def of(
        cls,
        classes: tuple[str, ...],
        thresholds: tuple[float, ...] | None,
        preprocess: Preprocess,
        picture: tuple[int, int],
        gives: Given = "probabilities",
    ) -> Self:
        """The metadata of a network with this input contract, for prepared pictures of (height, width) pixels."""
        height, width, interpolation = preprocess.height, preprocess.width, preprocess.interpolation
        return cls(classes, thresholds, height, width, interpolation, *picture, gives=gives, crop=preprocess.crop)

    @classmethod
    def of_embedding(
        cls,
        dimensions: int,
        far_thresholds: dict[str, float] | None,
        preprocess: Preprocess,
        picture: tuple[int, int],
    ) -> Self:
        """The same of a network whose output is an embedding."""
        height, width, interpolation = preprocess.height, preprocess.width, preprocess.interpolation
        return cls(
            None, None, height, width, interpolation, *picture,
            gives="embedding", crop=preprocess.crop, dimensions=dimensions, far_thresholds=far_thresholds,
        )  # fmt: skip

    def to_props(self) -> dict[str, str]:
        """The entries to store in `metadata_props`."""
        absent = _OF_CLASSES if self.gives == "embedding" else _OF_EMBEDDINGS
        values = {key: value for key, value in asdict(self).items() if key not in absent}
        return {PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in values.items()}

    @classmethod
    def from_props(cls, properties: Mapping[str, str]) -> Self | None:
        """Read the entries back; None where there are none, as in a file from elsewhere.

        Raises:
            DistillError: an entry is missing, unknown, or not valid.
        """
        found = {key.removeprefix(PREFIX): value for key, value in properties.items() if key.startswith(PREFIX)}
        if not found:
            return None
        embeds = found.get("gives") == '"embedding"'
        expected = {field.name for field in fields(cls)} - (_OF_CLASSES if embeds else _OF_EMBEDDINGS)
        if wrong_keys := (found.keys() ^ expected) - (_LATER - found.keys()):
            wrong = ", ".join(sorted(PREFIX + key for key in wrong_keys))
            raise DistillError(f"metadata entries missing or unknown: {wrong}. Export the student again.")
        try:
            values: dict[str, Any] = {key: json.loads(text) for key, text in found.items()}
            values["classes"] = None if embeds else tuple(values["classes"])
            thresholds = values.get("thresholds")
            values["thresholds"] = None if thresholds is None else tuple(thresholds)
            values["crop"] = tuple(values["crop"])
            if values.get("fit") == _FORMER_CROP:
                values["fit"] = "crop"
            return cls(**values)
        except (AttributeError, json.JSONDecodeError, TypeError) as error:
            raise DistillError(f"metadata entries that cannot be read ({error}). Export the student again.") from error
