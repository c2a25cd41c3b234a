"""The model that embeds: a student's file in its own runtime, and what tells it from another.

Shapes: N pictures, D dimensions.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distill.errors import DistillError
from distill.evaluation.embeddings import unit_embeddings
from distill.files.atomic import checksum
from distill.files.run_directory import RESOLVED, RunDirectory
from distill.predictors.open import files_of, open_predictor
from distill.predictors.predictor import Gathered, Predictor
from distill.preprocess.preprocess import Fit
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import TEACHER_STAGES
from distill.tasks import open_task
from distill.tasks.task import Task

BATCH = 64


@dataclass(frozen=True)
class Embedder:
    """A model of embeddings.

    Attributes:
        path: of its file, of a student's directory, or of the run whose teacher it is.
        picture: (height, width) of the pictures it was made for. fit: how others become such.
        fingerprint: a checksum of its files, whatever they are called; of a run's teacher that of its report.
        tensor: the answer that is compared.
    """

    path: Path
    predictor: Predictor
    picture: tuple[int, int]
    fit: Fit
    fingerprint: str
    tensor: str

    @classmethod
    def open(cls, path: Path) -> "Embedder":
        """Open a model.

        Raises:
            DistillError: it cannot be opened, answers something else than embeddings, or does not say its picture size.
        """
        predictor = open_predictor(path)
        tensor = predictor.kind.vectors
        if tensor is None:
            raise DistillError(
                f"{path}: answers {predictor.kind.words}, expected embeddings, by which people are looked up. Give a "
                "student of face_embeddings."
            )
        if predictor.picture is None:
            raise DistillError(f"{path}: does not say its picture size. Give a student, or a file of one.")
        checksums = [checksum(file) for file in files_of(path)]
        return cls(path, predictor, predictor.picture, predictor.fit, fingerprint_of(checksums), tensor)

    @classmethod
    def teacher_of(cls, run: Path) -> "Embedder":
        """The teacher that a run was given, as its recipe has it.

        Raises:
            DistillError: it cannot be had, gives no embeddings, or was made in the run, where it has a file.
        """
        task = task_of(run)
        recipe, kind = task.recipe, task.teaching.kind
        if kind.vectors is None:
            raise DistillError(f"{run}: its teacher answers {kind.words}, expected embeddings.")
        if set(TEACHER_STAGES) & set(recipe.stages):
            raise DistillError(f"--model teacher: {run} made its teacher; name the file, {RunDirectory(run).teacher}.")
        teacher = recipe.teacher.teacher(kind)
        task.teaching.check_teacher(teacher)
        picture, fit = (recipe.prepare.height, recipe.prepare.width), recipe.prepare.fit
        return cls(run, teacher.predictor(kind), picture, fit, teacher.fingerprint(), kind.vectors)

    def embed(self, pictures: Gathered, of: str) -> np.ndarray:
        """Float32 (N, D) of unit length.

        Args:
            of: what the progress bar calls the pictures.

        Raises:
            DistillError: it answers NaN, or the zero vector.
        """
        answers = self.predictor.show(pictures, of, BATCH)[self.tensor]
        return unit_embeddings(answers, owner=str(self.path)).astype(np.float32, copy=False)


def task_of(run: Path) -> Task:
    """The task of a run, with its recipe and its pictures.

    Raises:
        DistillError: it has no recipe.
    """
    recipe, _ = RecipeReader(str(run / RESOLVED), "distill gallery").read([])
    return open_task(recipe, RunDirectory(run).data)


def fingerprint_of(checksums: Iterable[str]) -> str:
    """Hex sha256 over those of a model's files, in no order."""
    return hashlib.sha256("\n".join(sorted(checksums)).encode()).hexdigest()
