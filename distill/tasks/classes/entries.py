"""What exclusive classes add to results.json. Shapes: C classes."""

from typing import NotRequired, TypedDict

from distill.report.results import NearDuplicates


class ClassEntry(TypedDict):
    """One class in a model's `per_class`: the share of its test pictures that is answered right, with Wilson's 95 %
    interval; its average precision, null where no picture shows another class; its test pictures."""

    accuracy: float
    interval: list[float]
    ap: float | None
    pictures: int


class CalibrationBins(TypedDict):
    """Of each bin that an answer fell in: its mean confidence, the share of its answers that is right, its pictures."""

    confidence: list[float]
    accuracy: list[float]
    pictures: list[int]


class ConfusedPair(TypedDict):
    """Two classes that the student takes for each other.

    `mistaken`: test pictures of the first taken for the second, and the other way. `pictures` of both. `share`: of
    those, how many are mistaken, with Wilson's 95 % interval.
    """

    classes: list[str]
    mistaken: list[int]
    pictures: int
    share: float
    interval: list[float]


class SuspectsEntry(TypedDict):
    """Pictures of the web, how many of them the teacher sees another class in, and the file that names those."""

    pictures: int
    suspected: int
    file: str


class ClassEntries(TypedDict):
    """The task's own entries of results.json.

    `confusion`: by role, (C, C) test pictures of the row's class that the column's was answered to. `calibration`: by
    role. `confused`: most mistakes first. `suspects`: where there are pictures of the web and a teacher.
    """

    confusion: dict[str, list[list[int]]]
    calibration: dict[str, CalibrationBins]
    confused: list[ConfusedPair]
    near_duplicates: NearDuplicates
    suspects: NotRequired[SuspectsEntry]
