"""What a network's outputs mean, one kind a file: names, shapes, activation, and what files, cards and pages say."""

from distill.answers.attributes import Probabilities
from distill.answers.boxes import Boxes
from distill.answers.classes import Softmax
from distill.answers.detections import Detections
from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind

__all__ = ["Boxes", "Detections", "Embedding", "Kind", "Probabilities", "Softmax"]
