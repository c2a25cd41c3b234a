"""LFW's `pairs.txt`: which pictures to compare, in folds.

    10  300                                   folds, and pairs of each kind in a fold
    Abel_Pacheco  1  4                        one person's pictures 1 and 4
    Abdel_Madi_Shabneh  1  Dean_Barker  1     two people's
    ...                                       a fold's pairs stand together, fold after fold

Picture 4 of Abel_Pacheco is `Abel_Pacheco/Abel_Pacheco_0004.jpg`.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill.errors import DistillError, echo
from distill.files.text import read_text

# How many of a long list a message shows.
SHOWN = 5


@dataclass(frozen=True)
class Pair:
    """Two pictures by name, as in the picture folder; whether they show one person; the fold, from 1."""

    first: str
    second: str
    same: bool
    fold: int


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of a file, in its order.

    Raises:
        DistillError: the file cannot be read; a line is malformed (named by its number); the number of pairs is not
            what the first line says, as a whole or in a fold; a fold repeats another.
    """
    lines = read_text(file, "the list of pairs, LFW's pairs.txt").splitlines()
    folds, each = _sizes(file, lines[0] if lines else "")
    rows = [(number, line) for number, line in enumerate(lines[1:], start=2) if line.strip()]
    if len(rows) != folds * 2 * each:
        raise DistillError(
            f"{file}: {len(rows)} pairs, expected {folds * 2 * each}: {folds} folds of {each} genuine and {each} "
            "impostor pairs, as the first line says. Is the file cut short?"
        )
    pairs = [_pair(file, number, line, fold=1 + i // (2 * each)) for i, (number, line) in enumerate(rows)]
    _check_folds(file, pairs, each, [number for number, _ in rows])
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


def _pair(file: Path, number: int, line: str, *, fold: int) -> Pair:
    fields = line.split()
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
            "'name 1 other_name 2' for two people, pictures counted from 1."
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
