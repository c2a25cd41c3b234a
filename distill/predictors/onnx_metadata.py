"""What an exported ONNX file says of itself in its `metadata_props`: one JSON value a key, prefixed `distill.`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from distill.errors import DistillError
from distill.preprocess import WHOLE, Crop, Interpolation, Preprocess, is_crop

PREFIX = "distill."

Probabilities = Literal["probabilities", "softmax"]
"""`probabilities`: one of 0..1 for each class by itself (sigmoid); `softmax`: they sum to one."""


@dataclass(frozen=True)
class OnnxMetadata:
    """The contract of an exported student: uint8 (N, height, width, 3) in, probabilities (N, C) out.

    Args:
        classes: the name of each output, in order.
        thresholds: per class, the probability from which it counts as present, or None.
        height, width: pixels of the graph's input.
        interpolation: the antialiased kernel that brings a picture to that size.
        picture_height, picture_width: pixels of the prepared picture before that resize.
        crop: top, left, height, width of the part of the prepared picture that is brought to that size, as shares.
        fit: how any other picture becomes a prepared one: the largest centred box of its shape, resized.
    """

    classes: tuple[str, ...]
    thresholds: tuple[float, ...] | None
    height: int
    width: int
    interpolation: Interpolation
    picture_height: int
    picture_width: int
    fit: Literal["cover_center_crop"] = "cover_center_crop"
    gives: Probabilities = "probabilities"
    crop: Crop = WHOLE

    def __post_init__(self) -> None:
        count = len(self.classes)
        sizes = (self.height, self.width, self.picture_height, self.picture_width)
        checks: dict[str, bool] = {
            "classes": count > 0 and all(isinstance(name, str) for name in self.classes),
            "thresholds": self.thresholds is None
            or (len(self.thresholds) == count and all(isinstance(value, float | int) for value in self.thresholds)),
            "height, width, picture_height, picture_width": all(isinstance(size, int) and size > 0 for size in sizes),
            "interpolation": self.interpolation in get_args(Interpolation),
            "fit": self.fit == "cover_center_crop",
            "gives": self.gives in get_args(Probabilities),
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
    ) -> Self:
        """The metadata of a network with this input contract, for prepared pictures of (height, width) pixels."""
        height, width, interpolation = preprocess.height, preprocess.width, preprocess.interpolation
        return cls(classes, thresholds, height, width, interpolation, *picture, crop=preprocess.crop)

    def to_props(self) -> dict[str, str]:
        """The entries to store in `metadata_props`."""
        return {PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in asdict(self).items()}

    @classmethod
    def from_props(cls, properties: Mapping[str, str]) -> Self | None:
        """Read the entries back; None where there are none, as in a file from elsewhere.

        Raises:
            DistillError: an entry is missing, unknown, or not valid.
        """
        found = {key.removeprefix(PREFIX): value for key, value in properties.items() if key.startswith(PREFIX)}
        if not found:
            return None
        expected = {field.name for field in fields(cls)}
        if found.keys() != expected:
            wrong = ", ".join(sorted(PREFIX + key for key in found.keys() ^ expected))
            raise DistillError(f"metadata entries missing or unknown: {wrong}. Export the student again.")
        try:
            values: dict[str, Any] = {key: json.loads(text) for key, text in found.items()}
            values["classes"] = tuple(values["classes"])
            values["thresholds"] = None if values["thresholds"] is None else tuple(values["thresholds"])
            values["crop"] = tuple(values["crop"])
            return cls(**values)
        except (json.JSONDecodeError, TypeError) as error:
            raise DistillError(f"metadata entries that cannot be read ({error}). Export the student again.") from error
