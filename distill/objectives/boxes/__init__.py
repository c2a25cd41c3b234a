"""What a detector is asked to find: boxes as targets of a student's own anchors, from a teacher or from labels."""

from distill.objectives.boxes.imitation import BoxImitation
from distill.objectives.boxes.labels import LabelledBoxes

__all__ = ["BoxImitation", "LabelledBoxes"]
