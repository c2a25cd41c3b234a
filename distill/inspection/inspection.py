"""A black box asked about some of a recipe's pictures in every way that it may want to be asked."""

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from distill.answers.kind import Kind
from distill.answers.logits import Gives, by_themselves, share_one
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.inspection.candidates import Candidates
from distill.inspection.detector_subject import DetectorSubject
from distill.inspection.facts import Facts
from distill.inspection.graph_subject import GraphSubject
from distill.inspection.hypotheses import AS_IT_IS, Choices, Hypothesis, Part, parts
from distill.inspection.network_subject import NetworkSubject
from distill.inspection.sample import Sampled
from distill.inspection.search import Measured, Outcome, search
from distill.inspection.steady import judge_steadiness
from distill.inspection.subject import Subject
from distill.preprocess.preprocess import Fit, Preprocess
from distill.recipe.recipe import Recipe
from distill.registries import TASKS
from distill.tasks import open_task
from distill.tasks.sets import prepared_set
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict
from teachers.detector_teacher import OnnxDetector
from teachers.graph_teacher import Graph

PICTURES = 200
"""Shown unless another number is asked for; they tell most contracts apart."""
_SUBJECTS: dict[type[Any], type[Subject]] = {Graph: GraphSubject, OnnxDetector: DetectorSubject}
"""By their teacher's section; others are weights of a network."""
_RESAMPLES = 400  # behind each interval; there are many to compute
_STEADY = 100  # pictures shown where there are no labels: each is shown four times
_PROBED = 32  # pictures by whose answers the meaning of the outputs is told


class Inspection:
    """One file of a black box, and pictures that a recipe knows.

    Args:
        recipe: its task, its data, and the file as its teacher; what its teacher section says is not doubted.
        facts: of the file.
        directory: where pictures are prepared.
        count: pictures to score on.

    Attributes:
        subject: the file as that teacher.
        candidates: its outputs that could be learnt from.
        known: the keys of such a teacher's section.

    Raises:
        DistillError: the file cannot be opened, or such a teacher is asked in one way alone.
    """

    def __init__(self, recipe: Recipe, facts: Facts, directory: Path, count: int) -> None:
        self.subject = _SUBJECTS.get(type(recipe.teacher), NetworkSubject)(recipe.teacher, facts)
        self.known, self.directory = self.subject.known, directory
        self.recipe = replace(
            recipe,
            data=cast(Any, Sampled(recipe.data, count, recipe.seed)),
            stages=("transfer",),
            web=None,
            unlabelled=None,
            teach=replace(recipe.teach, web=False),
            prepare=replace(recipe.prepare, root=None),
            evaluate=replace(recipe.evaluate, lfw=None, flips="none", resamples=_RESAMPLES),
        )
        named = self.names_classes
        self.candidates = Candidates(self.subject, self.recipe.data.classes() if named else None)
        self._tasks: dict[Fit, Task] = {}
        self._gives: dict[str | None, Gives | None] = {}

    @cached_property
    def kind(self) -> Kind:
        """Of the answers, with the names of the data's classes, or numbers where it has none.

        Raises:
            DistillError: nothing says how many outputs there are.
        """
        kind = self._kind
        if not self.names_classes:
            return kind
        classes = self.recipe.data.classes()
        if not classes:
            outputs = self.subject.numbers(self.candidates.names[0])
            if outputs is None:
                raise DistillError(
                    f"inspect: nothing says how many outputs {self.subject.facts.file} has, and the data names no "
                    "classes. Give labelled pictures."
                )
            classes = tuple(map(str, range(outputs)))
        return kind.called(classes)

    @property
    def names_classes(self) -> bool:
        """Whether its answers are of classes that have names."""
        return self._kind.called(("",)).class_names is not None

    @property
    def shares_out(self) -> bool:
        """Whether a graph's numbers are of classes, whatever the task: each answer sums to one."""
        first = next(self.choices.grid()).teacher_keys(self.known)
        return share_one(self.subject.meaning([first], self._probed))

    @cached_property
    def labelled(self) -> bool:
        """Whether the data knows what the task scores by."""
        if self.names_classes:
            return bool(self.recipe.data.classes())
        return bool((self.pictures(self.recipe.prepare.fit).identities >= 0).any())

    def gives(self, output: str | None) -> Gives | None:
        """What an output's numbers are, by their values; None of embeddings, and of networks, which give logits.

        An activation bounds them in every unit. Without one they may lie between 0 and 1 in small units by chance, so
        that the largest are asked for as well.
        """
        if not self.names_classes:
            return None
        if output not in self._gives:
            grid = [one for one in self.choices.grid() if one.output == output]
            first, largest = grid[0], min(grid, key=lambda one: max(one.normalization.std or (1.0,)))
            keys = [one.teacher_keys(self.known) for one in dict.fromkeys((first, largest))]
            self._gives[output] = self.subject.meaning(keys, self._probed)
        return self._gives[output]

    def shared_out(self, output: str | None) -> bool:
        """Whether each class has a probability by itself where they exclude each other: shared out by their sum."""
        return by_themselves(self.gives(output)) and self.kind.largest

    @property
    def count(self) -> int:
        """Pictures to score on."""
        return len(self.pictures(self.recipe.prepare.fit))

    @cached_property
    def outputs_known_by(self) -> str:
        """How the file's outputs are known to be the data's classes, in words; nothing of embeddings."""
        return self.candidates.class_keys(self.candidates.names[0])[1]

    @cached_property
    def choices(self) -> Choices:
        """Everything that neither the file nor the recipe says.

        Raises:
            DistillError: the file cannot be asked, or nothing says which outputs are the data's classes.
        """
        subject = self.subject
        return Choices(
            output=self.candidates.names,
            channels=subject.channels,
            normalization=subject.normalizations,
            part=self._parts(),
            fit=self._fits(),
            interpolation=subject.kernels,
            size=subject.sizes,
            decoding=subject.decodings(self.candidates.class_keys(self.candidates.names[0])[0], self._probed),
        )

    @cached_property
    def seen(self) -> Preprocess:
        """How the file sees pictures where nothing is said but what it needs.

        Raises:
            DistillError: as `choices`.
        """
        subject, output = self.subject, self.candidates.names[0]
        channels, normalization = subject.channels[0], subject.normalizations[0]
        first = Hypothesis(
            output, channels, normalization, AS_IT_IS, self.recipe.prepare.fit, subject.kernels[0], subject.sizes[0]
        )
        return subject.contract(self.candidates.class_keys(output)[0] | first.teacher_keys(self.known), self.kind)

    def run(self, told: Callable[[Measured], None]) -> Outcome:
        """Score every hypothesis.

        Args:
            told: is called with each as it is measured.

        Raises:
            DistillError: none could be scored, or the data cannot be used.
        """
        if len(self.candidates.names) == 1:
            first = next(self.choices.grid())
            with redirect_stderr(io.StringIO()):
                self.subject.teacher(self.keys(first), self.kind)  # what none of them can mend is said once
        return search(self.choices, self.measure, told)

    def measure(self, hypothesis: Hypothesis) -> Verdict:
        """Score one.

        Raises:
            DistillError: the file cannot be asked so.
        """
        keys = self.keys(hypothesis)
        with redirect_stderr(io.StringIO()):  # what a run says of its teacher, once a hypothesis
            predictor = self.subject.teacher(keys, self.kind).predictor(self.kind)
            if self.labelled:
                return self._task(hypothesis.fit).judging.judge(predictor)
            pictures = self.pictures(hypothesis.fit)
            pictures = pictures.where(np.arange(len(pictures)) < _STEADY)
            return judge_steadiness(predictor, pictures, self.recipe.evaluate, self.recipe.seed)

    def keys(self, hypothesis: Hypothesis) -> dict[str, Any]:
        """Of the recipe's teacher section, in the order people read them: what the hypothesis says, what was found, and
        what the recipe said."""
        gives = self.gives(hypothesis.output)
        known: dict[str, Any] = {"gives": gives} if gives else {}
        if self.shared_out(hypothesis.output):
            known = {"gives": "softmax", "sure": True}
        known |= self.candidates.class_keys(hypothesis.output)[0]
        given = {key: value for key, value in self.subject.said().items() if key not in known}
        return known | hypothesis.teacher_keys(self.known) | given

    def pictures(self, fit: Fit) -> Pictures:
        """Those scored on."""
        recipe = self._fitted(fit)
        with redirect_stderr(io.StringIO()):
            return Pictures.of(prepared_set("data", recipe.data, recipe, self.directory), "test")

    @property
    def _probed(self) -> np.ndarray:
        """uint8 (N, H, W, 3), a few of the pictures."""
        return self.pictures(self.recipe.prepare.fit).gather(np.arange(min(_PROBED, self.count)))

    @property
    def _kind(self) -> Kind:
        """Of the teacher's answers, as the task alone knows it."""
        task: type[Task] = TASKS.get(self.recipe.task)
        return task.teacher_kind()()

    def _parts(self) -> tuple[Part, ...]:
        if crop := self.subject.given("crop"):
            return (Part("as given", crop),)
        if "crop" not in self.known:
            return (Part("whole", None),)
        seen, size = self.seen, self.pictures(self.recipe.prepare.fit).size
        return parts((seen.height, seen.width), size, seen.crop)

    def _fits(self) -> tuple[Fit, ...]:
        """Those that show something else, the recipe's first; one alone of faces that are aligned."""
        first = self.recipe.prepare.fit
        if self.recipe.prepare.align is not None:
            return (first,)
        shown = {first: self.pictures(first).gather(np.arange(self.count))}
        for fit in self.subject.fits:
            pixels = self.pictures(fit).gather(np.arange(self.count))
            if not any(np.array_equal(pixels, other) for other in shown.values()):
                shown[fit] = pixels
        return tuple(shown)

    def _fitted(self, fit: Fit) -> Recipe:
        return replace(self.recipe, prepare=replace(self.recipe.prepare, fit=fit))

    def _task(self, fit: Fit) -> Task:
        if fit not in self._tasks:
            self._tasks[fit] = open_task(self._fitted(fit), self.directory)
        return self._tasks[fit]
