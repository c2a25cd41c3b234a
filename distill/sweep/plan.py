"""What a sweep trains: one point for each combination of the keys that were given several values.

They are the student's, the objective's and those of the student's stages: what leaves the teacher as it is.

A point is a recipe of its own, known by what tells it from the others, such as `width=0.5,resolution=96`.
"""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch

from distill.cost import count
from distill.errors import DistillError
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import TEACHER_STAGES, Recipe, StageName
from distill.sweep.likeness import like_transfer
from students.student import SMALLEST_RESOLUTION, build_student

_STUDENT = "student."
_NAMED = ("student", "objective")  # sections that stand for their `name`: --student A,B
_SWEPT = (*_NAMED, *(name for name in get_args(StageName) if name not in TEACHER_STAGES))
_LABELS = ("--stages", "[fine_tune]")
LARGEST_ENLARGEMENT = 2.0
"""Of a prepared picture's shorter side to the student's resolution: past it, pixels are added that no view holds."""

LONGEST_NAME = 200
"""Bytes of a point's name: file systems hold 255, of which a suffix and names of unfinished files take some."""

LearntFrom = Literal["teacher", "labels"]


@dataclass(frozen=True)
class Point:
    """One student of a sweep.

    Attributes:
        name: of its run directory.
        keys: what was swept, by the key's full name, as it was written.
        learnt_from: labels where no stage transfers, as of the students drawn for comparison.
        arguments: of `distill run`, after the recipe.
        resolved: the recipe as YAML text.
        mult_adds: of the student with one output; they order the points.
    """

    name: str
    keys: dict[str, str]
    learnt_from: LearntFrom
    arguments: tuple[str, ...]
    recipe: Recipe
    resolved: str
    mult_adds: int


def plan(reader: RecipeReader, arguments: Sequence[str], data: Path, *, together: bool, labels: bool) -> list[Point]:
    """The points of a sweep, the costliest first, so that the last to end are short and shares are alike.

    Args:
        arguments: keys of the recipe; keys that can be swept may have several values, with commas between them.
        data: where pictures are prepared, unless the recipe names another place.
        together: the first values of all keys make the first point, and so on, in place of every combination.
        labels: also train each student on labels alone, as `transfer` trains it but for what the recipe says of
            `fine_tune`.

    Raises:
        DistillError: nothing is swept, a value is not valid, or two points are the same.
    """
    swept, fixed = _separate(arguments)
    if not swept:
        raise DistillError(
            f"nothing to sweep: no key of {', '.join(_SWEPT)} has several values; for example "
            "--student.width 1,0.5,0.25."
        )
    others = [key for key in swept if not key.startswith(_STUDENT)]
    if labels and others:
        raise DistillError(
            f"--labels trains each student again, on labels; the values of {', '.join(others)} make no other student. "
            "Leave --labels out."
        )
    lengths = {key: len(values) for key, values in swept.items()}
    if together and len(set(lengths.values())) > 1:
        counts = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise DistillError(f"--together: {counts} values; expected as many of each.")
    if reader.read(fixed)[0].prepare.root is None:
        fixed.append(f"--prepare.root={data}")
    combinations = zip(*swept.values(), strict=True) if together else itertools.product(*swept.values())
    said = reader.written(fixed) if labels else set()
    points = []
    for values in combinations:
        keys = dict(zip(swept, values, strict=True))
        own = (*fixed, *(f"--{key}={value}" for key, value in keys.items()))
        points.append(_point(reader, keys, own))
        if labels:
            points.append(_point(reader, keys, (*own, *_LABELS, *like_transfer(points[-1].recipe, said)), "labels"))
    _check_distinct(points)
    return sorted(points, key=lambda point: -point.mult_adds)


def share(points: Sequence[Point], text: str) -> list[Point]:
    """Every n-th point, for `I/N` in a job array: where there are N points, the I-th.

    Raises:
        DistillError: it is not of that form, or I is not from 1 to N.
    """
    place, _, of = text.partition("/")
    if not (place.isdecimal() and of.isdecimal() and 1 <= int(place) <= int(of)):
        raise DistillError(f"--points is {text!r}, expected the number of a share and of all shares, for example 3/8.")
    return list(points[int(place) - 1 :: int(of)])


def check_views(point: Point, height: int, width: int) -> None:
    """Refuse a resolution that views of the prepared pictures, `height` x `width`, do not hold the pixels for.

    Raises:
        DistillError: it does.
    """
    resolution, most = point.recipe.student.resolution, int(LARGEST_ENLARGEMENT * min(height, width))
    if resolution > most:
        raise DistillError(
            f"student.resolution: {resolution}, but views are cut from pictures prepared at {height} x {width} px, "
            f"which can give {most} at most. Leave it out, or raise prepare.height and prepare.width."
        )


def _separate(arguments: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Keys with several values, and all other arguments as they are."""
    swept: dict[str, list[str]] = {}
    fixed: list[str] = []
    rest: Iterator[str] = iter(arguments)
    for argument in rest:
        flag, equals, value = argument.partition("=")
        key = flag.removeprefix("--")
        section, dot, _ = key.partition(".")
        if not flag.startswith("--") or section not in _SWEPT or not (dot or section in _NAMED):
            fixed.append(argument)
            continue
        key = key if dot else f"{section}.name"
        if not equals:
            value = next(rest, "")
        values = [value] if value[:1] in ("[", "{") else value.split(",")  # a list, such as views.scale, is one value
        if len(values) == 1:
            fixed.append(f"--{key}={value}")
        elif "" in values:
            raise DistillError(f"{key} is {value!r}, expected values with one comma between two.")
        else:
            swept[key] = values
    return swept, fixed


def _point(reader: RecipeReader, keys: dict[str, str], arguments: tuple[str, ...], *also: str) -> Point:
    recipe, resolved = reader.read(arguments)
    student = recipe.student
    if student.resolution < SMALLEST_RESOLUTION:
        raise DistillError(
            f"student.resolution: {student.resolution}, expected at least {SMALLEST_RESOLUTION} pixels: a MobileNet "
            "halves its input five times."
        )
    with torch.device("meta"):
        network = build_student(student, student.head_for(1))
    # A value may be a path, and a name is one folder.
    parts = [f"{key.removeprefix(_STUDENT)}={value.replace('/', '_')}" for key, value in keys.items()]
    mult_adds = count(network, student.resolution, student.resolution).mult_adds
    learnt_from: LearntFrom = "teacher" if "transfer" in recipe.stages else "labels"
    return Point(_short(",".join([*parts, *also])), keys, learnt_from, arguments, recipe, resolved, mult_adds)


def _short(name: str) -> str:
    """The name, or where it is too long for a file, its beginning and a checksum of the whole."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    start = name.encode()[: LONGEST_NAME - 10].decode(errors="ignore")
    return f"{start}..{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _check_distinct(points: Sequence[Point]) -> None:
    seen: dict[str, str] = {}
    for point in points:
        if point.resolved in seen or point.name in seen.values():
            raise DistillError(f"the point {point.name} is there twice; give each value once.")
        seen[point.resolved] = point.name
