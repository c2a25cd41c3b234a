"""Pairs in one text file, as AgeDB-30, CALFW and CPLFW are published and passed on.

    Agassi_0001.jpg 1                   two lines a pair, each a picture and 0 where they show two people; else 1, or
    Agassi_0002.jpg 1                   the number of a fold (CALFW's, which has it for genuine pairs alone)

    agedb_30/0.jpg agedb_30/1.jpg 1     or a line a pair, with the label last
    1 agedb_30/0.jpg agedb_30/1.jpg     or first

Fields are separated by tabs, commas or blanks. -1 is two people too. Folds are shared as `in_folds` does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.data.pair_sets.pair_set import Place, in_folds, picture_name
from distill.data.sources.listing import digest, directory
from distill.data.sources.source import Sample
from distill.errors import DistillError, echo
from distill.evaluation.pairs import Pair
from distill.files.nearby import nearby
from distill.files.text import read_text

FILES = {
    "agedb_30": ("agedb_30_ann.txt", "agedb_30_pair.txt", "pairs_AgeDB_30.txt", "pairs.txt"),
    "calfw": ("pairs_CALFW.txt", "calfw_ann.txt", "pairs.txt"),
    "cplfw": ("pairs_CPLFW.txt", "cplfw_ann.txt", "pairs.txt"),
    "listed": ("pairs.txt",),
}
"""By set, what its file may be called, the first of them that is there; `listed` is any other."""

_LABELS = {"0": False, "-1": False, "1": True}
Line = tuple[int, list[str]]
"""The number of a line, and its fields."""


@dataclass(frozen=True)
class PairFile:
    """The pictures that a file of pairs names; who they show is not known.

    Attributes:
        name: of the set, one of `FILES`.
        root: the directory of the pictures, at any depth; the file lies in it or in the one above.
        folds: how many the pairs are shared over.
    """

    name: str
    root: Path
    folds: int = 10

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        people = {name: -1 for pair in self.pairs() for name in (pair.first, pair.second)}
        return Place(self.root).samples(people)

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def pairs(self) -> list[Pair]:
        file = self._file()
        lines = [(number, _fields(line)) for number, line in _lines(file) if line.strip()]
        if not lines:
            raise DistillError(f"{file}: holds no pair, expected a line or two for each.")
        single = len(lines[0][1]) != 2
        return in_folds(_by_line(file, lines) if single else _by_two(file, lines), self.folds, file)

    def _file(self) -> Path:
        root = directory(self.root, "root", f"the pictures of {self.name}")
        places = [folder / name for folder in (root, root.absolute().parent) for name in FILES[self.name]]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise DistillError(
                f"{root}: has no list of pairs in it or beside it; expected {' or '.join(FILES[self.name])}. "
                f"{nearby(root)}"
            )
        return found


def _lines(file: Path) -> Sequence[tuple[int, str]]:
    return list(enumerate(read_text(file, "a list of pairs").splitlines(), start=1))


def _fields(line: str) -> list[str]:
    separator = next((mark for mark in "\t," if mark in line), None)
    return [field.strip() for field in line.split(separator)]


def _by_line(file: Path, lines: Sequence[Line]) -> list[tuple[str, str, bool]]:
    last = sum(fields[-1] in _LABELS for _, fields in lines)
    first = sum(fields[0] in _LABELS for _, fields in lines)
    pairs = []
    for number, fields in lines:
        label, names = (fields[-1], fields[:-1]) if last >= first else (fields[0], fields[1:])
        if len(names) != 2 or label not in _LABELS:
            raise DistillError(
                f"{file}:{number}: {echo(' '.join(fields))}, expected two pictures and 1 (one person) or 0, the label "
                f"{'last' if last >= first else 'first'} as in most lines."
            )
        pairs.append(_pair(f"{file}:{number}", names[0], names[1], same=_LABELS[label]))
    return pairs


def _by_two(file: Path, lines: Sequence[Line]) -> list[tuple[str, str, bool]]:
    for number, fields in lines:
        if len(fields) != 2 or not re.fullmatch(r"\d+", fields[1]):
            raise DistillError(
                f"{file}:{number}: {echo(' '.join(fields))}, expected a picture, and 0 where the two of a pair show "
                "two people, else 1 or the number of a fold."
            )
    if len(lines) % 2:
        raise DistillError(f"{file}: {len(lines)} lines, expected two a pair. Is the file cut short?")
    pairs = []
    for (number, (first, label)), (_, (second, other)) in zip(lines[::2], lines[1::2], strict=True):
        if label != other:
            raise DistillError(
                f"{file}:{number}: {first} has the label {label} and {second}, in the line after, {other}; expected "
                "the same for both of a pair. Is a line missing before?"
            )
        pairs.append(_pair(f"{file}:{number}", first, second, same=int(label) > 0))
    return pairs


def _pair(where: str, first: str, second: str, *, same: bool) -> tuple[str, str, bool]:
    names = picture_name(first, where), picture_name(second, where)
    if names[0] == names[1]:
        raise DistillError(f"{where}: pairs {echo(first)} with itself. Correct the line.")
    return (*names, same)
