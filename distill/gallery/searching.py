"""Photographs looked up: whom each is most alike to, and whether it is that person or nobody enrolled.

Shapes: P photographs, D dimensions, k people.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from distill.errors import DistillError
from distill.evaluation.open_set import most_alike, threshold_at
from distill.gallery.enrolment import UNKNOWN
from distill.gallery.gallery import EnrolledGallery
from distill.gallery.photographs import Embedded
from distill.gallery.strangers import Strangers

DEFAULT_FPIR = 0.01


@dataclass(frozen=True)
class Threshold:
    """From which cosine on a photograph shows whom it is most alike to, and what that was measured on, in words."""

    cosine: float
    said: str


def threshold_of(
    gallery: EnrolledGallery, own: bool, strangers: Strangers | None, fpir: float | None, far: float | None
) -> Threshold:
    """The threshold of a rate.

    Args:
        own: whether the model that looks up is the one that enrolled: the gallery's thresholds are of that one.
        strangers: to measure it on; None for those that the gallery was measured with.
        fpir, far: the rate, one of the two; neither for an FPIR of 0.01 or, where nobody's was measured, the lowest
            FAR.

    Raises:
        DistillError: nothing was measured at that rate.
    """
    facts = gallery.manifest
    if strangers is not None and far is None:
        rate = DEFAULT_FPIR if fpir is None else fpir
        scores = most_alike(strangers.vectors, gallery.vectors)
        said = f"FPIR {rate:g}, measured on {len(scores)} photographs: {strangers.source}"
        return Threshold(threshold_at(scores, rate), said)
    if strangers is None and not own:
        raise DistillError(
            f"{gallery.directory}: its thresholds are those of the model that enrolled, {facts.model}, and do not hold "
            "for another. Give --strangers, a folder of people who are not enrolled, to measure one."
        )
    fars, source = (facts.fars, facts.strangers) if strangers is None else (strangers.fars(), None)
    if fpir is None and far is None:
        if f"{DEFAULT_FPIR:g}" in facts.fpirs:
            fpir = DEFAULT_FPIR
        elif fars:
            far = min(map(float, fars))
        else:
            raise DistillError(
                f"{gallery.directory}: no threshold was measured for it. Give --strangers, a folder of at least "
                f"{round(1 / DEFAULT_FPIR)} photographs of people who are not enrolled."
            )
    if fpir is not None:
        cosine = _at(facts.fpirs, fpir, "--fpir", str(gallery.directory))
        assert source is not None  # what was measured was measured on somebody
        return Threshold(cosine, f"FPIR {fpir:g}, measured on {source['pictures']} photographs: {source['source']}")
    assert far is not None  # one of the two
    return Threshold(_at(fars, far, "--far", str(gallery.directory)), f"FAR {far:g} of two photographs")


def rows_of(gallery: EnrolledGallery, embedded: Embedded, threshold: Threshold, k: int) -> Iterator[list[str]]:
    """A row a photograph: its name, who it shows or `unknown`, and the k most alike people, each with the cosine."""
    people, cosines = gallery.nearest(embedded.vectors, k)
    answers = dict(zip(embedded.names, zip(people, cosines, strict=True), strict=True))
    for name in sorted([*embedded.names, *embedded.same]):
        numbers, values = answers[embedded.same.get(name, name)]
        names = ["" if number < 0 else gallery.manifest.people[number] for number in numbers]
        shown = ["" if number < 0 else f"{value:.4f}" for number, value in zip(numbers, values, strict=True)]
        known = values[0] >= np.float32(threshold.cosine)
        yield [
            name,
            names[0] if known else UNKNOWN,
            *(cell for pair in zip(names, shown, strict=True) for cell in pair),
        ]


def heading(k: int) -> list[str]:
    """The columns of these rows."""
    return ["file", "name", *(column for rank in range(1, k + 1) for column in (f"person_{rank}", f"cosine_{rank}"))]


def _at(measured: dict[str, float], rate: float, key: str, place: str) -> float:
    if f"{rate:g}" not in measured:
        there = ", ".join(measured) or "none"
        raise DistillError(
            f"{key} {rate:g}: {place} has no threshold of that rate (measured: {there}). Take one of these, or give "
            "--strangers with photographs enough: at least one over the rate."
        )
    return measured[f"{rate:g}"]
