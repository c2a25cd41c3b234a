"""What a student could learn of somebody's pictures: for each task what a drafted recipe says, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distill.preprocess.preprocess import Fit


@dataclass(frozen=True)
class Aim:
    """A task, and the keys that a drafted recipe has for it.

    Attributes:
        said: of the task, in words.
        counted: what the data names of which a teacher answers: classes, say.
        objective, student, transfer: keys of these sections, beside those that follow from pictures and teacher.
        batch: pictures in one, at most.
        resolution: of the student, at most.
        side: of pictures, where the teacher's file leaves it open.
        fit: of pictures, until another is measured.
        pairs: whether it is scored by pairs of pictures, and false accept rates are asked for.
        doubt: what to look at where no way of asking the teacher is better than chance.
    """

    task: str
    said: str
    counted: str
    objective: Mapping[str, Any]
    doubt: str
    student: Mapping[str, Any] = field(default_factory=lambda: {"name": "mobilenet_v1", "width": 0.5})
    transfer: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 64
    resolution: int = 128
    side: int = 224
    fit: Fit = "crop"
    pairs: bool = False


_ORDER = "Are its outputs in the order of the data's classes (--teacher.classes)?"

CLASSES = Aim("classes", "that exclude each other", "classes", {"name": "softmax_kl", "temperature": 2.0}, _ORDER)
ATTRIBUTES = Aim(
    "attributes",
    "a probability for each by itself",
    "attributes",
    {"name": "bernoulli_kl", "temperature": 1.0},
    _ORDER,
)
PEOPLE = Aim(
    "embeddings",
    "vectors that are alike where two pictures show one person",
    "people",
    {"name": "squared_embedding"},
    "Are the faces cut and aligned as it was trained on?",
    # Skin and hair say who it is.
    transfer={"views": {"scale": [0.7, 1.0], "ratio": 1.1}},
    pairs=True,
)
BOXES = Aim(
    "boxes",
    "what is there and where",
    "classes",
    {"name": "boxes"},
    "Are these the names of its classes (--teacher.classes), and the data's (--teacher.class_map)?",
    student={"name": "ssd_mobilenet_v1", "width": 0.25},
    transfer={"views": {"scale": [0.3, 1.0]}},
    batch=16,
    resolution=320,
    side=416,
    fit="pad_corner",
)
