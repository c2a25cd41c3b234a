"""Pictures to score on that are near duplicates of pictures to train on: counted, and named in a file."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from distill.data.duplicates.near_duplicates import near_duplicates
from distill.data.prepared.pictures import Pictures
from distill.files.atomic import atomic_path

FILE = "near_duplicates.csv"


def find_duplicates(
    training: Pictures, scored: Pictures, name: str, directory: Path
) -> tuple[np.ndarray, dict[str, Any]]:
    """Compare every picture of one set with every one of the other.

    Args:
        name: of the pictures scored, at the head of the file's second column.
        directory: where the file is written.

    Returns:
        rows among `scored`, int64 (M,), rising; and what results.json says of them.
    """
    pairs = near_duplicates(training, scored)
    file = directory / FILE
    with atomic_path(file) as temporary, temporary.open("w", newline="", encoding="utf-8") as opened:
        rows = ((training.name(first), scored.name(second)) for first, second in pairs.tolist())
        csv.writer(opened).writerows([("transfer", name), *rows])
    copies = np.unique(pairs[:, 1])
    return copies, {"pairs": len(pairs), "pictures": len(copies), "file": f"{directory.name}/{file.name}"}
