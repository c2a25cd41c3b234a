"""What a model of places is worth: how many test pictures it puts within 1, 25, 200, 750 and 2,500 km.

Shapes: N pictures, C cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self, cast

import numpy as np

from distill.answers.kind import Kind
from distill.answers.places import Guesses, Places
from distill.data.prepared.pictures import Pictures
from distill.evaluation.great_circle import great_circle
from distill.evaluation.places import (
    CHIEF,
    MEDIAN,
    WITHIN,
    PlaceScores,
    best_constant,
    compare_places,
    evaluate_places,
    radii_held,
)
from distill.formatting import score as shown_score
from distill.predictors.predictor import Predictor
from distill.tasks.judging import Details, Judging
from distill.tasks.places.checks import check_predictor
from distill.tasks.places.entries import CellEntry, PlaceEntries
from distill.tasks.places.pictures import PlacePictures, coordinates
from distill.tasks.places.report import place_report
from distill.tasks.verdict import Verdict, scores_of
from teachers.teacher import Teacher

COMPARED = 64
"""Test pictures whose whole answers are kept: a file's are held to the student's, number by number."""
_AT_ONCE = 500  # pictures whose answers, a number for each cell, are held in memory
_CONSTANTS = 1000  # cells, those of most photographs, that the best constant guess is chosen among


@dataclass(frozen=True)
class PlaceVerdict(Verdict):
    """What a model guessed of the test pictures, and how that scores.

    Attributes:
        answers: `probabilities` (n, C) of the first test pictures.
        guesses: of all of them.
        constant: by metric, the best share that one and the same guess has.
    """

    answers: dict[str, np.ndarray]
    guesses: Guesses
    scores: PlaceScores
    constant: dict[str, float]
    metric: ClassVar[str] = CHIEF

    @property
    def seen(self) -> Guesses:
        return self.guesses

    @property
    def score(self) -> float:
        return self.scores.metrics[CHIEF]

    @property
    def headline(self) -> str:
        return f"{self.metric} {self.score:.4f}, median error {self.scores.metrics[MEDIAN]:.1f} km on test"

    @property
    def by_chance(self) -> float:
        """The same guess for every picture, the best there is."""
        return self.constant[CHIEF]

    def to_dict(self) -> dict[str, Any]:
        return self.scores.to_dict() | {"split": "test"}

    def compare(self, other: Self) -> dict[str, Any]:
        return compare_places(self.scores, other.scores).to_dict()

    def offenders(self, student: Self) -> list[str]:
        """By how much guesses moved from the student's, and how many."""
        moved = great_circle(self.guesses.places, student.guesses.places)
        there = moved > 0
        return (
            [f"{int(there.sum())} guesses moved, {np.median(moved[there]):.0f} km in the median"] if there.any() else []
        )

    def summary(self) -> list[str]:
        scores = self.to_dict()
        others = [f"{name} {shown_score(value)}" for name, value in scores["metrics"].items()][1:]
        beside = ", ".join(f"{shown_score(self.constant[name])} {name}" for name in WITHIN)
        return [
            f"{self.chief()}, {', '.join(others)}, {scores['counts']['pictures']} test pictures",
            f"the best constant guesses have {beside}",
        ]


class PlaceJudging(Judging[PlacePictures, PlaceVerdict]):
    """Shares of guesses within five distances, and the median distance."""

    def judge(self, predictor: Predictor) -> PlaceVerdict:
        """Score on test.

        Raises:
            DistillError: the model says nothing of places, or not where its cells lie, or it answers NaN.
        """
        check_predictor(predictor)
        test = self.pictures.test
        first = self.answers(predictor, test.where(np.arange(len(test)) < COMPARED), "the first test pictures")
        guesses = self.seen(predictor, test, "test")
        return PlaceVerdict(first, guesses, self._score(guesses, test), self._constant)

    def on_validation(self, predictor: Predictor) -> dict[str, Any]:
        pictures, split = self.pictures.validation, {"split": "validation"}
        if not len(pictures):
            return split
        return scores_of(self._score(self.seen(predictor, pictures, "validation"), pictures).to_dict()) | split

    def complete(self, verdict: PlaceVerdict, predictor: Predictor, kind: Kind) -> Kind:
        pictures = self.pictures.validation
        if not len(pictures):
            return kind
        guesses = self.seen(predictor, pictures, "validation")
        starts, radii = radii_held(guesses.probabilities, great_circle(guesses.places, coordinates(pictures)))
        assert isinstance(kind, Places)  # this task's
        return replace(kind, sure_from=tuple(np.round(starts, 6).tolist()), radii=tuple(np.round(radii, 1).tolist()))

    def seen(self, predictor: Predictor, pictures: Pictures, of: str) -> Guesses:
        assert isinstance(predictor.kind, Places)  # check_predictor
        # As the recipe says now: a file carries what it was trained beside.
        kind = replace(predictor.kind, place=self.pictures.recipe.evaluate.place)
        number, parts = np.arange(len(pictures)), []
        for start in range(0, len(pictures), _AT_ONCE):
            some = pictures.where((number >= start) & (number < start + _AT_ONCE))
            parts.append(kind.guesses(self.answers(predictor, some, of)))
        return Guesses(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def agree(self, student: Guesses, teacher: Guesses, verdicts: tuple[PlaceVerdict, PlaceVerdict]) -> dict[str, Any]:
        """How often both guess alike, and how far apart their guesses are."""
        apart = great_circle(student.places, teacher.places)
        return {
            "the same guess": float((apart == 0).mean()),
            "guesses within 750 km of each other": float((apart <= 750).mean()),
            "median kilometres between guesses": float(np.median(apart)),
            "pictures": len(apart),
        }

    def details(self, verdicts: Mapping[str, PlaceVerdict], teacher: Teacher | None) -> Details:
        models = {role: verdicts[role] for role in ("teacher", "student") if role in verdicts}
        entries, sections = place_report(
            {role: verdict.guesses.places for role, verdict in models.items()},
            {role: verdict.scores for role, verdict in models.items()},
            self.pictures.test,
            (self._cells, self._constant, self._reach),
        )
        return Details(cast(PlaceEntries, entries), sections)

    @cached_property
    def _constant(self) -> dict[str, float]:
        cells = self.pictures.cells
        most = np.argsort(-cells.counts, kind="stable")[:_CONSTANTS]
        return best_constant(cells.places[most], coordinates(self.pictures.test))

    @property
    def _reach(self) -> dict[str, float]:
        """What guesses of mean photographs could have: of each test picture's own cell, or the nearest."""
        nearest = [great_circle(self.pictures.cells.places, place).min() for place in coordinates(self.pictures.test)]
        return {name: float(np.mean(np.array(nearest) <= float(name.split()[1]))) for name in WITHIN}

    @property
    def _cells(self) -> CellEntry:
        cells, widths = self.pictures.cells, self.pictures.cells.widths
        known = int(np.isfinite(coordinates(self.pictures.sets.labelled)).all(axis=1).sum())
        inside = int(cells.counts.sum())
        return {
            "cells": len(cells),
            "photographs": inside,
            "outside": known - inside,
            "width_km": [float(widths.min()), float(widths.max())],
        }

    def _score(self, guesses: Guesses, pictures: Pictures) -> PlaceScores:
        settings = self.recipe.evaluate
        return evaluate_places(
            guesses.places, coordinates(pictures), seed=self.recipe.seed, resamples=settings.resamples
        )
