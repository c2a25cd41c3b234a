"""IJB-B and IJB-C: templates, which are several pictures and frames of one person, and the pairs of them to compare.

    meta/ijbc_face_tid_mid.txt          `1.jpg 1 69544`: a picture, its template and its media, as InsightFace has them
    meta/ijbc_template_pair_label.txt   `1 11065 1`: two templates, and 1 where they show one person, else 0
    loose_crop/1.jpg

or, with the person, as the protocols of NIST do:

    templates.csv                       TEMPLATE_ID,SUBJECT_ID,MEDIA_ID,FILENAME; SIGHTING_ID for the media too
    template_pairs.csv                  TEMPLATE_1,TEMPLATE_2,SAME

Lists lie in the root or in meta; the frames of one video are one media. Shapes: M rows of templates, P pairs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from distill.data.pair_sets.pair_set import Place, picture_name
from distill.data.sources.csv_rows import Row, read_rows
from distill.data.sources.listing import digest, directory
from distill.data.sources.source import Sample
from distill.errors import DistillError, echo, shortened
from distill.files.nearby import nearby
from distill.files.text import read_text

_TEMPLATES = ("templates.csv", "*face_tid_mid.txt")
_PAIRS = ("template_pairs.csv", "template_pairs.txt", "*template_pair_label.txt")
_COLUMNS = {
    "template": ("template_id", "template"),
    "media": ("media_id", "sighting_id", "media"),
    "file": ("filename", "file"),
    "subject": ("subject_id", "subject"),
}


@dataclass(frozen=True, eq=False)
class TemplateRows:
    """Which pictures are in which template.

    Attributes:
        files: (M,) names of pictures; one may be in several templates.
        templates, media, subjects: int64 (M,); a subject is -1 where it is not known.
    """

    files: list[str]
    templates: np.ndarray
    media: np.ndarray
    subjects: np.ndarray


@dataclass(frozen=True, eq=False)
class TemplatePairs:
    """int64 (P,) both templates, bool (P,) whether they show one person."""

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray


@dataclass(frozen=True)
class Ijb:
    """The pictures of the templates.

    Attributes:
        root: the directory of the lists, or of meta, and of the pictures at any depth.
    """

    name: Literal["ijb"]
    root: Path

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        rows = self.templates()
        return Place(self.root).samples(dict(zip(rows.files, rows.subjects.tolist(), strict=True)))

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def templates(self) -> TemplateRows:
        """The list of templates.

        Raises:
            DistillError: it is missing or malformed, or a picture or a template is of two people.
        """
        file = self._list(_TEMPLATES)
        rows = _of_csv(file) if file.suffix == ".csv" else _of_text(file)
        for what, owners in (("template", rows.templates.tolist()), ("picture", rows.files)):
            subject_of: dict[object, int] = {}
            for owner, subject in zip(owners, rows.subjects.tolist(), strict=True):
                if subject_of.setdefault(owner, subject) != subject:
                    raise DistillError(f"{file}: {what} {owner} is of two people, expected one. Correct the list.")
        return rows

    def pairs(self) -> TemplatePairs:
        """Which templates are compared.

        Raises:
            DistillError: the list is missing or malformed, or names a template twice in a pair.
        """
        file = self._list(_PAIRS)
        # Millions of lines: read by numpy, without a row of Python's for each.
        head = read_head(file)
        named = not head.split(_separator(head))[0].strip().lstrip("-").isdecimal()
        try:
            rows = np.loadtxt(
                file, dtype=np.int64, delimiter=_separator(head), skiprows=int(named), ndmin=2, comments=None
            )
        except (ValueError, OverflowError) as error:
            raise DistillError(f"{file}: {shortened(error)}; expected two templates and 1 or 0 in each line.") from None
        if rows.shape[1] != 3 or not np.isin(rows[:, 2], (0, 1)).all():
            raise DistillError(f"{file}: expected two templates and 1 (one person) or 0 in each line.")
        if (itself := rows[:, 0] == rows[:, 1]).any():
            raise DistillError(f"{file}: template {rows[itself][0, 0]} is paired with itself. Correct the list.")
        return TemplatePairs(rows[:, 0], rows[:, 1], rows[:, 2] == 1)

    def _list(self, names: tuple[str, ...]) -> Path:
        root = directory(self.root, "root", "IJB's lists of templates and pictures")
        for folder in (root, root / "meta"):
            for name in names:
                if found := sorted(folder.glob(name)):
                    return found[0]
        raise DistillError(f"{root}: has no {' or '.join(names)} in it or in meta. {nearby(root)}")


def read_head(file: Path) -> str:
    """The first line of a file of many.

    Raises:
        DistillError: it cannot be read or is empty.
    """
    try:
        with file.open(encoding="utf-8-sig") as stream:
            head = stream.readline(1000).strip()
    except (OSError, ValueError) as error:
        raise DistillError(f"{file}: cannot be read as text ({shortened(error)}).") from None
    if not head:
        raise DistillError(f"{file}: begins with an empty line, expected two templates and 1 or 0 in each.")
    return head


def _separator(line: str) -> str | None:
    return "," if "," in line else None


def _of_text(file: Path) -> TemplateRows:
    files, numbers = [], []
    for number, line in enumerate(read_text(file, "a list of templates").splitlines(), start=1):
        if not line.strip():
            continue
        fields = line.split()
        if len(fields) != 3 or not all(field.isdecimal() and len(field) < 19 for field in fields[1:]):
            raise DistillError(
                f"{file}:{number}: {echo(line)}, expected a picture, a template and a media: 1.jpg 1 69544."
            )
        files.append(picture_name(fields[0], f"{file}:{number}"))
        numbers.append((int(fields[1]), int(fields[2])))
    if not files:
        raise DistillError(f"{file}: holds no template, expected a line for each picture.")
    templates, media = np.array(numbers, np.int64).T
    return TemplateRows(files, templates, media, np.full(len(files), -1))


def _of_csv(file: Path) -> TemplateRows:
    table = read_rows(file)
    lower = {name.lower(): name for name in table.header}
    columns = {key: next((lower[name] for name in names if name in lower), None) for key, names in _COLUMNS.items()}
    if lacking := [key for key in ("template", "media", "file") if columns[key] is None]:
        raise DistillError(
            f"{file}:1: no column {_COLUMNS[lacking[0]][0].upper()}; expected TEMPLATE_ID, SUBJECT_ID, MEDIA_ID and "
            "FILENAME."
        )

    def numbers(key: str) -> np.ndarray:
        column = columns[key]
        return np.array([_number(file, row, column) if column else -1 for row in table.rows], np.int64)

    files = [picture_name(row.cells[str(columns["file"])], f"{file}:{row.number}") for row in table.rows]
    return TemplateRows(files, numbers("template"), numbers("media"), numbers("subject"))


def _number(file: Path, row: Row, column: str) -> int:
    text = row.cells[column]
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise DistillError(f"{file}:{row.number}: {column} is {echo(text)}, expected a whole number.")
    return int(text)
