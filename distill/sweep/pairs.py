"""Paired differences between the students of a sweep, each scored again from its files by the run's own evaluator."""

from collections.abc import Sequence
from typing import Any

from distill.errors import DistillError
from distill.predictors.open import open_predictor
from distill.sweep.directory import SweepDirectory
from distill.sweep.plan import Point
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict


def pairs_of(points: Sequence[Point], against: str | None) -> list[tuple[Point, Point]]:
    """Each student with its twin that learnt from labels and, where a point is named, with the student of that point.

    Raises:
        DistillError: no point is called `against`.
    """
    by_name = {point.name: point for point in points}
    if against is not None and against not in by_name:
        raise DistillError(f"--against is {against!r}, expected one of the points: {'; '.join(sorted(by_name))}.")
    labelled = {tuple(point.keys.items()): point for point in points if point.learnt_from == "labels"}
    students = [point for point in points if point.learnt_from == "teacher"]
    pairs = [(point, labelled[key]) for point in students if (key := tuple(point.keys.items())) in labelled]
    if against is not None:
        other = by_name[against]
        pairs += [(point, other) for point in points if point is not other and point.learnt_from == other.learnt_from]
    return pairs


def differences(pairs: Sequence[tuple[Point, Point]], directory: SweepDirectory, task: Task) -> list[dict[str, Any]]:
    """The difference of each pair's scores on the same pictures, first minus second, with its interval; of finished
    students."""
    verdicts: dict[str, Verdict] = {}

    def verdict(point: Point) -> Verdict:
        if point.name not in verdicts:
            verdicts[point.name] = task.judging.judge(open_predictor(directory.point(point) / "student"))
        return verdicts[point.name]

    done = [pair for pair in pairs if all(directory.results(point) is not None for point in pair)]
    return [
        {"first": first.name, "second": second.name, **verdict(first).compare(verdict(second))}
        for first, second in done
    ]
