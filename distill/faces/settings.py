"""What a recipe may say of finding faces: `align: {name: detect, file: DETECTOR}`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from distill.errors import DistillError
from distill.preprocess.landmarks import AlignedTo

Which = Literal["central", "largest", "every"]


@dataclass(frozen=True)
class Detect:
    """Faces are found, and brought to their place by the landmarks found.

    Attributes:
        file: a detector's ONNX file that answers five landmarks a face: YuNet, SCRFD or RetinaFace.
        face: of several in a photograph: central, whose middle is nearest to that of the photograph, among those at
            least half as large as the largest; largest; or every one of a photograph of which nothing is said, and
            the central one of those with labels or a person.
        least_score: the detector's confidence below which a face is doubtful.
        least_size: the shorter side of a face's box in pixels of the photograph, below which it is small.
        largest_turn: degrees, estimated from the landmarks, past which a face is turned away.
        to: where they are brought: to the place they have in ArcFace's 112 x 112 template, or in CelebA's pictures.
        side: pixels; a photograph whose longer side is longer is shown to the detector reduced to that.
    """

    name: Literal["detect"] = "detect"
    file: Path | None = None
    face: Which = "central"
    least_score: float = 0.6
    least_size: float = 20.0
    largest_turn: float = 80.0
    to: AlignedTo = "arcface112"
    side: int = 640

    def check(self, key: str) -> None:
        """Refuse what nothing could be found with. Not when it is made: a parser takes that for another type's value.

        Args:
            key: that these are the keys of: prepare.align.

        Raises:
            DistillError: naming the key.
        """
        if self.file is None:
            raise DistillError(
                f"{key}.file: not set, and {key}.name is detect; expected a face detector's ONNX file with five "
                "landmarks: YuNet, SCRFD or RetinaFace."
            )
        if self.face not in get_args(Which):
            raise DistillError(f"{key}.face is {self.face!r}, expected one of {', '.join(get_args(Which))}.")
        if self.to not in get_args(AlignedTo):
            raise DistillError(f"{key}.to is {self.to!r}, expected one of {', '.join(get_args(AlignedTo))}.")
        if not 0 < self.least_score < 1:
            raise DistillError(f"{key}.least_score is {self.least_score}, expected a score between 0 and 1.")
        if not self.least_size >= 0:
            raise DistillError(f"{key}.least_size is {self.least_size}, expected 0 or more pixels.")
        if not 0 < self.largest_turn <= 90:
            raise DistillError(f"{key}.largest_turn is {self.largest_turn}, expected degrees up to 90.")
        if self.side < 32:
            raise DistillError(f"{key}.side is {self.side}, expected at least 32 pixels.")
