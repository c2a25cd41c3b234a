"""A model judged on a run's pictures: the same code for a teacher, a student and an exported file (law 5)."""

from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.data.pictures import Pictures
from distill.errors import DistillError
from distill.evaluation.attributes import AttributeScores, evaluate_attributes
from distill.evaluation.average_precision import average_precision, mean_average_precision
from distill.evaluation.thresholds import choose_thresholds
from distill.predictors.predictor import Predictor
from distill.predictors.torch_predictor import TorchPredictor
from distill.sets import Sets
from distill.store.teacher import StoredPredictor, StoredTeacher
from teachers.teacher import Teacher

Judged = Predictor | StoredPredictor


@dataclass(frozen=True)
class Verdict:
    """What a model answered to the test pictures, and how that scores.

    Attributes:
        probabilities: float32 (N, C).
        thresholds: float64 (C,), chosen on validation or brought by the model.
        on_validation: mAP on the validation pictures.
    """

    probabilities: np.ndarray
    thresholds: np.ndarray
    on_validation: float
    scores: AttributeScores

    def to_dict(self) -> dict[str, object]:
        """The part of results.json under a model."""
        return self.scores.to_dict() | {"split": "test"}


@dataclass(frozen=True)
class Judge:
    """Scores models on the same pictures under the same resamples, so that two can be compared pairwise."""

    sets: Sets
    seed: int
    resamples: int
    batch_size: int

    def __call__(self, predictor: Judged) -> Verdict:
        """Score on test; thresholds the model does not bring are chosen on validation.

        Raises:
            DistillError: the model's classes are not the data's, or it answers NaN.
        """
        classes = self.sets.classes
        if predictor.classes is not None and predictor.classes != classes:
            differing = sorted(set(predictor.classes) ^ set(classes)) or ["their order"]
            raise DistillError(
                f"{predictor.name}: its classes are not the data's; they differ in {', '.join(differing)}. Score it on "
                "data of its classes (data.attributes chooses some and their order)."
            )
        validation, test = self.sets.validation, self.sets.test
        seen = self.answers(predictor, validation, "validation")
        mean, _ = mean_average_precision(average_precision(seen, validation.labels, classes).values, classes)
        brought = predictor.thresholds
        thresholds = np.asarray(brought) if brought else choose_thresholds(seen, validation.labels, classes).values
        answers = self.answers(predictor, test, "test")
        scores = evaluate_attributes(
            answers, test.labels, classes, seed=self.seed, resamples=self.resamples, thresholds=thresholds
        )
        return Verdict(answers, thresholds, mean, scores)

    def on_validation(self, predictor: Predictor) -> dict[str, object]:
        """The part of results.json under a stage: mAP on the validation pictures.

        Raises:
            DistillError: the model answers NaN.
        """
        pictures = self.sets.validation
        answers = self.answers(predictor, pictures, "validation")
        scores = evaluate_attributes(
            answers, pictures.labels, self.sets.classes, seed=self.seed, resamples=self.resamples
        )
        kept = ("metrics", "intervals", "counts")
        return {key: value for key, value in scores.to_dict().items() if key in kept} | {"split": "validation"}

    def answers(self, predictor: Judged, pictures: Pictures, of: str) -> np.ndarray:
        """Show every picture once, in order, unpadded: float32 probabilities (N, C).

        Args:
            of: what the progress bar calls the pictures.

        Raises:
            DistillError: the model does not answer with finite numbers.
        """
        if isinstance(predictor, StoredPredictor):
            return predictor.recall(pictures)
        answers = []
        starts = range(0, len(pictures), self.batch_size)
        bar = Console(stderr=True)
        for start in track(starts, f"{predictor.name} on {of}", console=bar, transient=True):
            rows = np.arange(start, min(start + self.batch_size, len(pictures)))
            answers.append(predictor(pictures.gather(rows)))
            if not np.isfinite(answers[-1]).all():
                raise DistillError(
                    f"{predictor.name}: answers NaN or infinity to pictures {start} to {rows[-1]} of {of}. Check its "
                    "weights, mean and std."
                )
        return np.concatenate(answers)


def teacher_predictor(teacher: Teacher | StoredTeacher) -> TorchPredictor | StoredPredictor:
    """A teacher of attributes as a predictor."""
    if isinstance(teacher, StoredTeacher):
        return StoredPredictor(teacher)
    return TorchPredictor(
        teacher, teacher.preprocess, "sigmoid", normalize=False, name=teacher.name, classes=teacher.classes
    )
