"""LFW's `pairs.txt`, or `pairs.csv`: which pictures to compare, in folds.

    10  300                                   folds, and pairs of each kind in a fold
    Abel_Pacheco  1  4                        one person's pictures 1 and 4
    Abdel_Madi_Shabneh  1  Dean_Barker  1     two people's
    ...                                       a fold's pairs stand together, fold after fold

Picture 4 of Abel_Pacheco is `Abel_Pacheco/Abel_Pacheco_0004.jpg`.

A table, as Kaggle ships it, has the same rows below a header, and says nothing of folds: each begins where a pair of
one person follows one of two people, and holds as many of both. The published 6,000 rows are the published ten folds.

    name,imagenum1,imagenum2,
    Abel_Pacheco,1,4,
    Abdel_Madi_Shabneh,1,Dean_Barker,1
"""

import csv
import io
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from distill.errors import DistillError, echo
from distill.files.text import read_text

# How many of a long list a message shows.
SHOWN = 5
_OF_TWO = 4  # fields of a pair of two people


@dataclass(frozen=True)
class Pair:
    """Two pictures by name, as in the picture folder; whether they show one person; the fold, from 1."""

    first: str
    second: str
    same: bool
    fold: int


class _Row(NamedTuple):
    """A line of the file: its number, its fields, and as it stands there."""

    number: int
    fields: list[str]
    line: str


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of a file, in its order.

    Raises:
        DistillError: the file cannot be read; a line is malformed (named by its number); the number of pairs is not
            what the first line says, as a whole or in a fold, or of a table not that of the first fold; a fold repeats
            another.
    """
    text = read_text(file, "the list of pairs, LFW's pairs.txt or pairs.csv")
    rows, each = (_table if file.suffix.lower() == ".csv" else _list)(file, text)
    pairs = [_pair(file, row, fold=1 + i // (2 * each)) for i, row in enumerate(rows)]
    _check_folds(file, pairs, each, [row.number for row in rows])
    return pairs


def present_pairs(
    pairs: Sequence[Pair], pictures: Container[str], *, allow_missing: bool, left_out: Mapping[str, str]
) -> list[Pair]:
    """The pairs of which both pictures are there.

    Args:
        pictures: names of what is there.
        left_out: why some are not, by name.
        allow_missing: leave out pairs of missing pictures instead of refusing.

    Raises:
        DistillError: pictures are missing and that is not allowed, or no pair is left.
    """
    missing = missing_pictures(pairs, pictures)
    gone = set(missing)
    kept = [pair for pair in pairs if pair.first not in gone and pair.second not in gone]
    if missing and not (allow_missing and kept):
        shown = [f"{name} ({left_out[name]})" if name in left_out else name for name in missing[:SHOWN]]
        more = f" and {len(missing) - SHOWN} more" if len(missing) > SHOWN else ""
        raise DistillError(
            f"pairs: {len(missing)} pictures are missing, which {len(pairs) - len(kept)} of {len(pairs)} pairs name: "
            f"{', '.join(shown)}{more}. Complete the folder, or allow missing pictures to evaluate on the other pairs."
        )
    return kept


def missing_pictures(pairs: Sequence[Pair], pictures: Container[str]) -> list[str]:
    """Names that pairs ask for and `pictures` lacks, sorted, each once."""
    return sorted({name for pair in pairs for name in (pair.first, pair.second) if name not in pictures})


def picture_name(person: str, number: int) -> str:
    """LFW's name of a person's picture, numbered from 1: `Name/Name_0001.jpg`."""
    return f"{person}/{person}_{number:04d}.jpg"


def _sizes(file: Path, line: str) -> tuple[int, int]:
    fields = line.split()
    if len(fields) != 2 or not all(field.isdecimal() and int(field) > 0 for field in fields):
        raise DistillError(
            f"{file}: the first line is {echo(line)}, expected the number of folds and of pairs of each kind in a "
            "fold, such as '10 300'."
        )
    return int(fields[0]), int(fields[1])


def _list(file: Path, text: str) -> tuple[list[_Row], int]:
    """The rows, and how many pairs of each kind are in a fold."""
    lines = text.splitlines()
    folds, each = _sizes(file, lines[0] if lines else "")
    rows = [_Row(number, line.split(), line) for number, line in enumerate(lines[1:], start=2) if line.strip()]
    if len(rows) != folds * 2 * each:
        raise DistillError(
            f"{file}: {len(rows)} pairs, expected {folds * 2 * each}: {folds} folds of {each} genuine and {each} "
            "impostor pairs, as the first line says. Is the file cut short?"
        )
    return rows, each


def _table(file: Path, text: str) -> tuple[list[_Row], int]:
    """The same of a table, whose first fold says how many are in each."""
    lines = text.splitlines()
    header = [cell.strip().lower() for cell in (lines[0] if lines else "").split(",")]
    index = int(header[:1] == [""])  # pandas writes its own first
    if header[index : index + 2] != ["name", "imagenum1"]:
        raise DistillError(
            f"{file}: the first line is {echo(lines[0] if lines else '')}, expected a header such as "
            "'name,imagenum1,imagenum2,', and below it 'name,1,4,' or 'name,1,other_name,2'."
        )
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            cells = [cell.strip() for cell in next(csv.reader(io.StringIO(line)), [])][index:]
        except csv.Error:  # a cell of more letters than any name
            cells = []
        if any(cells) or line.strip(", "):
            rows.append(_Row(number, [cell for cell in cells if cell], line))
    each = sum(1 for _ in takewhile(lambda row: len(row.fields) != _OF_TWO, rows))
    if not each or len(rows) % (2 * each):
        raise DistillError(
            f"{file}: {len(rows)} pairs, of which {each} of one person stand before the first of two people; expected "
            "folds of as many of both, each beginning with those of one person, as LFW's pairs.csv has ten of 300 and "
            "300. Is the file cut short, or sorted?"
        )
    return rows, each


def _pair(file: Path, row: _Row, *, fold: int) -> Pair:
    number, fields, line = row
    match fields:
        case [person, i, j]:
            named = [(person, i), (person, j)]
        case [person, i, other, j]:
            named = [(person, i), (other, j)]
        case _:
            named = []
    if not named or not all(picture.isdecimal() and int(picture) > 0 for _, picture in named):
        raise DistillError(
            f"{file}, line {number}: {echo(line)}, expected 'name 1 4' for two pictures of one person or "
            "'name 1 other_name 2' for two people (of a table with commas between), pictures counted from 1."
        )
    first, second = (picture_name(person, int(picture)) for person, picture in named)
    same = len(fields) == 3
    if first == second or (not same and named[0][0] == named[1][0]):
        fault = "a picture with itself" if first == second else "one person as two"
        raise DistillError(f"{file}, line {number}: {echo(line)} pairs {fault}. Correct the line.")
    return Pair(first, second, same, fold)


def _check_folds(file: Path, pairs: list[Pair], each: int, lines: list[int]) -> None:
    seen: dict[frozenset[frozenset[str]], int] = {}
    for start in range(0, len(pairs), 2 * each):
        block = pairs[start : start + 2 * each]
        fold, where = block[0].fold, f"lines {lines[start]} to {lines[start + 2 * each - 1]}"
        genuine = sum(pair.same for pair in block)
        if genuine != each:
            raise DistillError(
                f"{file}: fold {fold} ({where}) has {genuine} genuine and {len(block) - genuine} impostor pairs, "
                f"expected {each} of each. Is a line missing or twice there?"
            )
        content = frozenset(frozenset((pair.first, pair.second)) for pair in block)
        if content in seen:
            raise DistillError(
                f"{file}: fold {fold} ({where}) holds the pairs of fold {seen[content]} again; its threshold would be "
                "chosen on the pairs it is tested on. Remove one and correct the first line."
            )
        seen[content] = fold
