"""Labels a teacher does not believe: where a set was labelled by a web search, most of them are wrong.

Shapes: N pictures, C classes, S suspects.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Suspects:
    """Pictures whose label is not the class the teacher finds most probable, the least probable label first.

    Attributes:
        rows: int64 (S,), which of the N pictures.
        labels, opinions: int64 (S,), the class a picture is labelled with, and the one the teacher sees.
        label_probability, opinion_probability: float (S,), what the teacher gives to either.
    """

    rows: np.ndarray
    labels: np.ndarray
    opinions: np.ndarray
    label_probability: np.ndarray
    opinion_probability: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def believed(probabilities: np.ndarray, labels: np.ndarray, top: int) -> np.ndarray:
    """Which labels are among the ``top`` classes the teacher finds most probable.

    Args:
        probabilities: float (N, C), the teacher's.
        labels: int64 (N,), class numbers.

    Returns:
        bool (N,).
    """
    given = probabilities[np.arange(len(labels)), labels]
    higher: np.ndarray = (probabilities > given[:, None]).sum(axis=1)
    return higher < top


def suspected(probabilities: np.ndarray, labels: np.ndarray) -> Suspects:
    """The suspects among pictures of known label.

    Args:
        probabilities: float (N, C), the teacher's.
        labels: int64 (N,), class numbers.
    """
    rows = np.arange(len(labels))
    opinions, given = probabilities.argmax(axis=1), probabilities[rows, labels]
    # Of labels as improbable, the one that is contradicted with more confidence comes first.
    order = np.lexsort((-probabilities[rows, opinions], given))
    rows = order[opinions[order] != labels[order]]
    return Suspects(rows, labels[rows], opinions[rows], given[rows], probabilities[rows, opinions[rows]])
