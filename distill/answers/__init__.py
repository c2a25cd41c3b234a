"""What a network's outputs mean, one kind a file: names, shapes, activation, and what files, cards and pages say."""

from distill.answers.attributes import Probabilities
from distill.answers.classes import Softmax
from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind

__all__ = ["Embedding", "Kind", "Probabilities", "Softmax"]
