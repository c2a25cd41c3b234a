"""A black box asked about some of a recipe's pictures in every way that it may want to be asked."""

import io
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import MISSING, Field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import torch

from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind
from distill.answers.logits import Gives, by_themselves
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.inspection.facts import Facts
from distill.inspection.hypotheses import GIVEN, NORMALIZATIONS, RAW, Choices, Hypothesis, Normalization, Part, parts
from distill.inspection.outputs import class_keys, meaning
from distill.inspection.sample import Sampled
from distill.inspection.search import Measured, Outcome, search
from distill.inspection.steady import judge_steadiness
from distill.preprocess.preprocess import WHOLE, Channels, Fit, Interpolation
from distill.recipe.recipe import Recipe
from distill.registries import TASKS
from distill.tasks import open_task
from distill.tasks.sets import prepared_set
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict
from teachers.graph_teacher import Graph
from teachers.teacher import Teacher, TeacherConfig

PICTURES = 200
"""Shown unless another number is asked for; they tell most contracts apart."""
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
        known: the keys of such a teacher's section.
    """

    def __init__(self, recipe: Recipe, facts: Facts, directory: Path, count: int) -> None:
        self.known = frozenset(one.name for one in fields(cast(Any, recipe.teacher)))
        if not {"channels", "crop"} <= self.known:
            raise DistillError(
                f"inspect: teacher.name is {recipe.teacher.name}, which has one way of being asked. Expected onnx, "
                "litert, openvino or timm."
            )
        self.config, self.facts, self.directory = recipe.teacher, facts, directory
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
        self._tasks: dict[Fit, Task] = {}

    @cached_property
    def kind(self) -> Kind:
        """Of the answers, with the names of the data's classes, or numbers where it has none."""
        kind = TASKS.get(self.recipe.task).kind()
        if self._names_classes:
            classes = self.recipe.data.classes() or tuple(map(str, range(self._outputs(self._candidates[0]))))
            return cast(Kind, kind.called(classes))
        return cast(Kind, kind)

    @cached_property
    def labelled(self) -> bool:
        """Whether the data knows what the task scores by."""
        if self._names_classes:
            return bool(self.recipe.data.classes())
        return bool((self.pictures(self.recipe.prepare.fit).identities >= 0).any())

    @cached_property
    def gives(self) -> Gives | None:
        """What the numbers are, by their values; None of embeddings."""
        if not self._names_classes or not isinstance(self.config, Graph):
            return None
        if self.config.gives is not None:
            return self.config.gives
        hypothesis = next(self.choices.grid())
        teacher = self._raw(hypothesis)
        shown = self.pictures(hypothesis.fit).gather(np.arange(min(_PROBED, self.count)))
        pixels = teacher.preprocess.resize(torch.from_numpy(shown)).permute(0, 3, 1, 2).float()
        (answers,) = teacher(pixels).values()
        return meaning(answers.numpy())

    @property
    def shared_out(self) -> bool:
        """Whether each class has a probability by itself where they exclude each other: shared out by their sum."""
        return by_themselves(self.gives) and self.kind.largest

    @property
    def count(self) -> int:
        """Pictures to score on."""
        return len(self.pictures(self.recipe.prepare.fit))

    @cached_property
    def outputs_known_by(self) -> str:
        """How the file's outputs are known to be the data's classes, in words; nothing of embeddings."""
        return self._class_keys(self._candidates[0])[1] if self._names_classes else ""

    @cached_property
    def choices(self) -> Choices:
        """Everything that neither the file nor the recipe says."""
        config, prepare = self.config, self.recipe.prepare
        teacher = self._raw(self._first)
        size = self.pictures(prepare.fit).size
        seen = teacher.preprocess
        crop, kernel = self._given("crop"), self._given("interpolation")
        # Other teachers have rgb where nothing is said.
        channels = self._given("channels") if isinstance(config, Graph) else None
        return Choices(
            output=tuple(self._candidates),
            channels=(channels,) if channels else get_args(Channels),
            normalization=self._normalizations,
            part=(Part("as given", crop),) if crop else parts(seen.height, seen.width, size),
            fit=self._fits(),
            interpolation=(kernel,) if kernel else self._kernels,
        )

    def run(self, told: Callable[[Measured], None]) -> Outcome:
        """Score every hypothesis.

        Args:
            told: is called with each as it is measured.

        Raises:
            DistillError: none could be scored, or the data cannot be used.
        """
        return search(self.choices, self.measure, told)

    def measure(self, hypothesis: Hypothesis) -> Verdict:
        """Score one.

        Raises:
            DistillError: the file cannot be asked so.
        """
        keys = self.keys(hypothesis)
        with redirect_stderr(io.StringIO()):  # what a run says of its teacher, once a hypothesis
            teacher = cast(TeacherConfig, replace(cast(Any, self.config), **keys)).teacher(self.kind)
            predictor = teacher.predictor(self.kind)
            if self.labelled:
                return self._task(hypothesis.fit).judging.judge(predictor)
            pictures = self.pictures(hypothesis.fit)
            pictures = pictures.where(np.arange(len(pictures)) < _STEADY)
            return judge_steadiness(predictor, pictures, self.recipe.evaluate, self.recipe.seed)

    def keys(self, hypothesis: Hypothesis) -> dict[str, Any]:
        """Of the recipe's teacher section, in the order people read them: what the hypothesis says, what was found, and
        what the recipe said."""
        known: dict[str, Any] = {"gives": self.gives} if self.gives else {}
        if self.shared_out:
            known = {"gives": "softmax", "sure": True}
        if self._names_classes:
            known |= self._class_keys(hypothesis.output)[0]
        given = {
            one.name: getattr(self.config, one.name)
            for one in fields(cast(Any, self.config))
            if one.name not in ("name", "file") and _said(self.config, one)
        }
        return known | hypothesis.teacher_keys(self.known) | {k: v for k, v in given.items() if k not in known}

    def pictures(self, fit: Fit) -> Pictures:
        """Those scored on."""
        recipe = self._fitted(fit)
        with redirect_stderr(io.StringIO()):
            return Pictures.of(prepared_set("data", recipe.data, recipe, self.directory), "test")

    @property
    def _names_classes(self) -> bool:
        return TASKS.get(self.recipe.task).kind().called(("",)).class_names is not None

    @cached_property
    def _candidates(self) -> list[str | None]:
        """Outputs that could be learnt from.

        Raises:
            DistillError: there is none.
        """
        if not isinstance(self.config, Graph) or self.config.output or len(self.facts.outputs) == 1:
            return [self._given("output")]
        possible: list[str | None] = []
        refused: list[str] = []
        for port in self.facts.outputs:
            try:
                if self._names_classes:
                    self._class_keys(port.name)
                else:
                    self._outputs(port.name)
                possible.append(port.name)
            except DistillError as error:
                refused.append(f"{port.name}: {error}")
        if not possible:
            raise DistillError(f"{self.facts.file}: no output could be learnt from. {' '.join(refused)}")
        return possible

    @cached_property
    def _normalizations(self) -> tuple[Normalization, ...]:
        if self._given("mean") or self._given("scale") or "mean" not in self.known:
            return (GIVEN,)
        (port,) = self.facts.inputs[:1] or (None,)
        return (RAW,) if port is not None and port.dtype == "uint8" else NORMALIZATIONS

    @property
    def _kernels(self) -> tuple[Interpolation, ...]:
        return get_args(Interpolation) if "interpolation" in self.known else ("bilinear",)

    def _given(self, key: str) -> Any:
        """What the recipe says; None where it says nothing, or the teacher has no such key."""
        return getattr(self.config, key, None)

    @property
    def _first(self) -> Hypothesis:
        """What the file is asked with to learn its sizes; that it is wrong does not matter."""
        fit, whole = self.recipe.prepare.fit, Part("whole", self._given("crop") or WHOLE)
        output = self._given("output") or (self.facts.outputs[0].name if isinstance(self.config, Graph) else None)
        kernel = self._given("interpolation") or self._kernels[0]
        channels: Channels = self._given("channels") or "rgb"
        return Hypothesis(output, channels, self._normalizations[0], whole, fit, kernel)

    def _raw(self, hypothesis: Hypothesis) -> Teacher:
        """The file as it answers, whatever the numbers mean.

        Raises:
            DistillError: the file cannot be asked so, or a key is needed.
        """
        config: Any = self.config
        keys = hypothesis.teacher_keys(self.known)
        if not isinstance(config, Graph):
            return cast(Teacher, replace(config, **keys).teacher(self.kind))
        unmeant = replace(config, gives=None, classes=None, class_map=None, mirror=False, **keys)
        return unmeant.teacher(Embedding())

    def _outputs(self, output: str | None) -> int:
        if not isinstance(self.config, Graph):
            raise DistillError(
                f"inspect: {self.config.name} has outputs for classes that are named, and the data names none. Give "
                "labelled pictures."
            )
        return self._raw(replace(self._first, output=output)).outputs

    def _class_keys(self, output: str | None) -> tuple[dict[str, Any], str]:
        """Raises:
        DistillError: nothing says which outputs are the data's classes.
        """
        if not self.recipe.data.classes():
            return {}, "outputs by their numbers"
        if not isinstance(self.config, Graph) or self.config.classes or self.config.class_map:
            return {}, "outputs as the recipe says"
        return class_keys(self._outputs(output), self.recipe.data.classes(), self.facts.metadata)

    def _fits(self) -> tuple[Fit, ...]:
        """Those that show something else, the recipe's first; one alone of faces that are aligned."""
        first = self.recipe.prepare.fit
        if self.recipe.prepare.align is not None:
            return (first,)
        shown = {first: self.pictures(first).gather(np.arange(self.count))}
        for fit in get_args(Fit):
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


def _said(config: TeacherConfig, one: Field[Any]) -> bool:
    """Whether a recipe says something of a key, beyond its default."""
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return bool(getattr(config, one.name) != default)
