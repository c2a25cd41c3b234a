"""The faces of one photograph as a network is shown them.

Shapes: H W pixels of the photograph.
"""

from typing import NamedTuple

import numpy as np

from distill.data.prepared.alignment import warp
from distill.data.prepared.decode import BadPicture
from distill.faces.choice import choose
from distill.faces.detector import Detector
from distill.faces.settings import Detect
from distill.preprocess.landmarks import TEMPLATES, similarity


class Crop(NamedTuple):
    """A face of a photograph, brought to its place.

    Attributes:
        number: of the face, from 1, as the settings order them.
        score: the detector's.
        box: left, top, right, bottom in pixels of the upright photograph; it may reach beyond.
        pixels: uint8 (height, width, 3).
    """

    number: int
    score: float
    box: tuple[float, float, float, float]
    pixels: np.ndarray


def crops_of(
    picture: np.ndarray, name: str, detector: Detector, settings: Detect, size: tuple[int, int]
) -> tuple[list[Crop], list[str]]:
    """The faces of a photograph, uint8 (H, W, 3), that can be used, and why others cannot.

    Args:
        name: what reasons call it.
        size: height and width of the pictures of faces.

    Raises:
        DistillError: the detector's file cannot be used.
    """
    faces = detector(picture)
    crops, reasons = [], []
    for number, choice in enumerate(choose(faces, settings, settings.face == "every"), start=1):
        if choice.number is None or choice.reason:
            reasons.append(str(BadPicture(name, choice.reason)))
            continue
        try:
            matrix = similarity(faces.points(choice.number), TEMPLATES[settings.to].cut(*size))
            pixels = warp(picture, matrix, *size)
        except ValueError as error:
            reasons.append(str(BadPicture(name, str(error))))
            continue
        left, top, right, bottom = faces.boxes[choice.number].tolist()
        crops.append(Crop(number, float(faces.scores[choice.number]), (left, top, right, bottom), pixels))
    return crops, reasons
