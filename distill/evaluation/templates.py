"""Are two templates of one person? Several pictures and frames a template, as in IJB-B and IJB-C.

A template's embedding is the mean of its media's, each the mean of its pictures' unit embeddings, at unit length: a
video of a thousand frames counts as one photograph does. TAR at FAR and the equal error rate are taken over the pairs
of templates that are listed; there are no folds. Pairs count as independent, and TAR's interval is Wilson's.

Shapes: N pictures, D embedding dimensions, M rows (a picture in a template), T templates, P pairs, G genuine ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill.evaluation.bootstrap import bootstrap, low_high, percentile_interval
from distill.evaluation.difference import Difference, check_paired
from distill.evaluation.embeddings import similarities, unit_embeddings
from distill.evaluation.roc import EqualError, OperatingPoint, Roc, points_at, roc, tar_name

_BLOCK = 2**16
"""Pairs whose embeddings are gathered at a time: 256 MB of 512 dimensions."""


@dataclass(frozen=True, eq=False)
class Templates:
    """Which pictures are in which template.

    Attributes:
        pictures: int64 (M,), rows of the embeddings. templates: int64 (M,), 0 to T - 1, each at least once.
        media: int64 (M,), any numbers; equal ones within a template are one media.
    """

    pictures: np.ndarray
    templates: np.ndarray
    media: np.ndarray

    def embeddings(self, pictures: np.ndarray) -> np.ndarray:
        """Float (N, D) of pictures, of any length, to (T, D) of templates at unit length.

        Raises:
            DistillError: a picture's is zero or not finite, or a template's pictures add up to nothing.
        """
        unit = unit_embeddings(pictures, owner="the model of the pictures")
        order = np.lexsort((self.media, self.templates))
        template, media = self.templates[order], self.media[order]
        begins = np.flatnonzero(np.append(True, (template[1:] != template[:-1]) | (media[1:] != media[:-1])))
        means = _means(unit[self.pictures[order]], begins)
        template = template[begins]
        joined = _means(means, np.flatnonzero(np.append(True, template[1:] != template[:-1])))
        return unit_embeddings(joined, owner="the mean of a template's media").astype(unit.dtype)


def _means(rows: np.ndarray, begins: np.ndarray) -> np.ndarray:
    """float64 means of consecutive rows (M, D), a group from each of `begins` to the next."""
    counts = np.diff(np.append(begins, len(rows)))
    return np.add.reduceat(rows, begins, axis=0, dtype=np.float64) / counts[:, None]


@dataclass(frozen=True)
class TemplateScores:
    """What one model scored on pairs of templates.

    Attributes:
        templates: how many are in a pair.
        points: by FAR asked for. equal_error, roc: over all pairs.
        accepted: by FAR, bool (G,), which genuine pairs its threshold accepts.
        seed, resamples: of `compare_templates`.
    """

    templates: int
    points: dict[float, OperatingPoint]
    equal_error: EqualError
    roc: Roc = field(repr=False)
    accepted: dict[float, np.ndarray] = field(repr=False)
    seed: int
    resamples: int

    def to_dict(self) -> dict[str, Any]:
        """The part of results.json that stands under a model: `metrics`, `intervals`, `counts`, `fars`,
        `equal_error`."""
        metrics = {"eer": self.equal_error.rate} | {tar_name(far): point.tar for far, point in self.points.items()}
        intervals = {
            tar_name(far): list(point.tar_interval)
            for far, point in self.points.items()
            if point.tar_interval is not None
        }
        return {
            "metrics": metrics,
            "intervals": intervals,
            "counts": {
                "templates": self.templates,
                "pairs": self.roc.genuine + self.roc.impostors,
                "genuine": self.roc.genuine,
                "impostors": self.roc.impostors,
            },
            "fars": {f"{far:g}": point.to_dict() for far, point in self.points.items()},
            "equal_error": self.equal_error.to_dict(),
        }


def template_cosines(embeddings: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cosines of pairs (P,) of templates (T, D), which may be too many to be gathered at once: float64 (P,)."""
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(first), _BLOCK)]
    return np.concatenate([similarities(embeddings[first[block]], embeddings[second[block]]) for block in blocks])


def evaluate_templates(
    scores: np.ndarray, same: np.ndarray, templates: int, *, fars: Sequence[float], seed: int, resamples: int
) -> TemplateScores:
    """Score one model's pairs.

    Args:
        scores: float (P,), larger for more alike. same: bool (P,), whether a pair shows one person.
        templates: how many are in a pair.
        fars: false accept rates for which TAR is wanted.

    Raises:
        DistillError: a score is not finite, a FAR is below one impostor pair, or there are none of a kind.
    """
    genuine = scores[same]
    curve = roc(genuine, scores[~same])
    points = points_at(curve, fars)
    accepted = {far: genuine >= point.threshold for far, point in points.items()}
    return TemplateScores(templates, points, curve.equal_error(), curve, accepted, seed, resamples)


def compare_templates(student: TemplateScores, teacher: TemplateScores, far: float) -> Difference:
    """The paired difference of TAR, student minus teacher, each at its own threshold for the FAR.

    Its interval comes from drawing genuine pairs with replacement, the thresholds kept.

    Raises:
        DistillError: the two were not scored on the same pairs under the same seed, or not at that FAR.
    """
    same = (
        (student.seed, student.resamples) == (teacher.seed, teacher.resamples)
        and student.templates == teacher.templates
        and far in student.points
        and far in teacher.points
        and len(student.accepted[far]) == len(teacher.accepted[far])
    )
    check_paired(same, f"templates, FARs ({far:g} must be one of both)")
    change = student.accepted[far].astype(np.float64) - teacher.accepted[far]
    values = bootstrap(
        lambda counts: (counts @ change)[:, None] / len(change),
        len(change),
        seed=student.seed,
        resamples=student.resamples,
    )
    return Difference(tar_name(far), float(change.mean()), low_high(percentile_interval(values)[:, 0]))
