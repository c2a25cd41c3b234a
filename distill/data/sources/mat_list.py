"""The photographs and labels a MATLAB file lists, as Stanford's data sets come with them.

Read are two variables of the file, no other: `file_list`, a cell array of N strings, and `labels`, N whole numbers.
Nothing in them is run.
"""

from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from distill.data.sources.mat_file import read_mat
from distill.errors import DistillError
from distill.files.nearby import nearby


class Listed(NamedTuple):
    """One row: a photograph as `<folder>/<file>`, and its label."""

    picture: str
    label: int

    @property
    def folder(self) -> str:
        return self.picture.partition("/")[0]


def read_mat_list(file: Path) -> list[Listed]:
    """The rows of a list file, in its order.

    Raises:
        DistillError: the file is missing, is no list file, is empty, or names a photograph twice or outside of the
            folders.
    """
    expected = "expected a MATLAB file with file_list and labels, as lists.tar has it"
    if not file.is_file():
        raise DistillError(f"{file}: no such file; {expected}. {nearby(file)}")
    try:
        found = read_mat(file.read_bytes())
    except (OSError, ValueError) as error:
        raise DistillError(f"{file}: cannot be read as a list ({error}); {expected}. Unpack it again.") from None
    kinds = {"file_list": list, "labels": np.ndarray}
    if lacking := [name for name, kind in kinds.items() if not isinstance(found.get(name), kind)]:
        raise DistillError(f"{file}: has no {' and no '.join(lacking)}; {expected}.")
    cells, labels = found["file_list"], found["labels"]
    if not len(cells) or len(cells) != len(labels):
        raise DistillError(f"{file}: {len(cells)} files and {len(labels)} labels; expected as many of both, not none.")
    if not np.isfinite(labels).all() or (labels % 1).any():
        raise DistillError(f"{file}: labels are not whole numbers; {expected}.")
    rows = [Listed(_picture(file, cell), int(label)) for cell, label in zip(cells, labels, strict=True)]
    if len({row.picture for row in rows}) < len(rows):
        raise DistillError(f"{file}: names {len(rows) - len({row.picture for row in rows})} photographs twice.")
    return rows


def _picture(file: Path, cell: Any) -> str:
    """The string in one cell: a file in one folder, so that no list reaches outside of the pictures' directory."""
    text = cell if isinstance(cell, str) else None
    parts = PurePosixPath(text or "").parts
    if text is None or len(parts) != 2 or ".." in parts or text != "/".join(parts) or "\0" in text:
        raise DistillError(f"{file}: lists {str(cell)[:80]!r}; expected <folder>/<file>, a photograph of Images/.")
    return text
