"""What an exported file says of itself: one JSON value a key, prefixed `distill.`.

An ONNX file keeps them in its `metadata_props`; the other formats wherever they have room for texts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, get_args

from distill.answers.kind import Kind
from distill.errors import DistillError, few
from distill.preprocess.preprocess import WHOLE, Crop, Fit, Interpolation, Preprocess, is_crop
from distill.registries import ANSWERS

PREFIX = "distill."

# Keys that files of an earlier version lack.
_LATER = {"teacher", "teacher_fingerprint", "data_fingerprint", "fit"}
_FORMER_CROP = "cover_center_crop"  # what files said of their fit when there was no other


@dataclass(frozen=True)
class OnnxMetadata:
    """The contract of an exported student: uint8 (N, height, width, 3) in, the tensors of a kind of answers out.

    Args:
        answers: what they mean; in the file, `gives` has the kind's name, and each of its facts a key of its own.
        height, width: pixels of the graph's input.
        interpolation: the antialiased kernel that brings a picture to that size.
        picture_height, picture_width: pixels of the prepared picture before that resize.
        crop: top, left, height, width of the part of the prepared picture that is brought to that size, as shares.
        fit: how a picture of another shape becomes a prepared one.
        teacher, teacher_fingerprint: whom a student learnt from: its name, and a checksum of what it answers with.
        data_fingerprint: a checksum of the pictures a student learnt from, their labels and splits.
    """

    answers: Kind
    height: int
    width: int
    interpolation: Interpolation
    picture_height: int
    picture_width: int
    fit: Fit = "crop"
    crop: Crop = WHOLE
    teacher: str | None = None
    teacher_fingerprint: str | None = None
    data_fingerprint: str | None = None

    def __post_init__(self) -> None:
        try:
            self.answers.check()
        except DistillError as error:
            raise DistillError(f"{PREFIX}{error} It is not valid in an exported file.") from error
        sizes = (self.height, self.width, self.picture_height, self.picture_width)
        checks: dict[str, bool] = {
            "height, width, picture_height, picture_width": all(isinstance(size, int) and size > 0 for size in sizes),
            "interpolation": self.interpolation in get_args(Interpolation),
            "fit": self.fit in get_args(Fit),
            "teacher, teacher_fingerprint, data_fingerprint": all(
                text is None or isinstance(text, str)
                for text in (self.teacher, self.teacher_fingerprint, self.data_fingerprint)
            ),
            "crop": len(self.crop) == 4
            and all(isinstance(share, float | int) for share in self.crop)
            and is_crop(self.crop),
        }
        for key, holds in checks.items():
            if not holds:
                values = [getattr(self, name) for name in key.split(", ")]
                raise DistillError(f"{PREFIX}{key}: {few(map(repr, values))} is not valid in an exported file.")

    @classmethod
    def of(cls, answers: Kind, preprocess: Preprocess, picture: tuple[int, int]) -> Self:
        """The metadata of a network with this input contract, for prepared pictures of (height, width) pixels."""
        height, width, interpolation = preprocess.height, preprocess.width, preprocess.interpolation
        return cls(answers, height, width, interpolation, *picture, crop=preprocess.crop)

    def to_dict(self) -> dict[str, Any]:
        """The entries by key: the kind's name, its facts, and the rest."""
        rest = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "answers"}
        return {"gives": self.answers.name, **self.answers.facts(), **rest}

    def to_props(self) -> dict[str, str]:
        """The entries to store in `metadata_props`."""
        return {PREFIX + key: json.dumps(value, ensure_ascii=False) for key, value in self.to_dict().items()}

    @classmethod
    def from_props(cls, properties: Mapping[str, str]) -> Self | None:
        """Read the entries back; None where there are none, as in a file from elsewhere.

        Raises:
            DistillError: an entry is missing, unknown, or not valid.
        """
        texts = {key.removeprefix(PREFIX): text for key, text in properties.items() if key.startswith(PREFIX)}
        if not texts:
            return None
        try:
            entries: dict[str, Any] = {key: json.loads(text) for key, text in texts.items()}
        except (RecursionError, ValueError) as error:
            raise DistillError(f"metadata entries that cannot be read ({error}). Export the student again.") from error
        try:
            kind: type[Kind] = ANSWERS.get(str(entries.get("gives")))
        except DistillError as error:
            raise DistillError(f"{PREFIX}gives: {error}") from error
        of_kind = {field.name for field in fields(kind)}
        own = {field.name for field in fields(cls)} - {"answers"}
        if wrong_keys := (entries.keys() ^ (own | of_kind | {"gives"})) - (_LATER - entries.keys()):
            wrong = ", ".join(sorted(PREFIX + key for key in wrong_keys))
            raise DistillError(f"metadata entries missing or unknown: {wrong}. Export the student again.")
        try:
            answers = kind.of_facts({key: entries[key] for key in of_kind})
        except DistillError as error:
            raise DistillError(f"{PREFIX}{error} It is not valid in an exported file.") from error
        try:
            values = {key: value for key, value in entries.items() if key in own}
            if values.get("fit") == _FORMER_CROP:
                values["fit"] = "crop"
            return cls(answers, **values | {"crop": tuple(values["crop"])})
        except (OverflowError, TypeError) as error:
            raise DistillError(f"metadata entries that cannot be read ({error}). Export the student again.") from error
