"""A detector's graph that is inspected: beside what it wants of its pictures, how it writes what it sees."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np
import torch

from distill.answers.kind import Kind
from distill.answers.logits import Gives
from distill.errors import DistillError
from distill.inspection.decodings import STRIDES, Decoding, decodings
from distill.inspection.graph_subject import GraphSubject
from distill.inspection.hypotheses import Normalization
from distill.inspection.outputs import names_in
from distill.inspection.remembering import RememberingSession
from distill.inspection.subject import Keys
from distill.predictors.graph_session import GraphSession
from distill.preprocess.preprocess import PADDING, Fit, Preprocess
from teachers.black_box import Layout, graph_input
from teachers.box_classes import class_names
from teachers.box_outputs import SURE, BoxOutputs
from teachers.detector_teacher import Detector, OnnxDetector
from teachers.graph_teacher import Graph
from teachers.teacher import Teacher

_ALIKE = ("(x - 127.5) / 128", "(x - 128) / 128", "CLIP's mean and std")
"""Normalisations that boxes do not tell from -1..1 and from ImageNet's."""
_LEAST = 4
"""Pixels: half of the sides of what is seen are longer."""
_WITHIN = 0.5
"""The share of itself of which a box lies in its picture, of half of the boxes at least."""
_READ_AS = ("outputs", "boxes", "unit", "scores", "strides")


class DetectorSubject(GraphSubject):
    """An ONNX file that finds objects. It is asked about a picture once, and its answer read in several ways."""

    sides: ClassVar[tuple[int, ...]] = (640, 416, 320, 512, 300)
    fits: ClassVar[tuple[Fit, ...]] = ("pad_corner", "pad", "stretch")

    @property
    def outputs(self) -> tuple[str | None, ...]:
        return (None,)  # which of them are read is a part of how

    def numbers(self, output: str | None) -> int | None:
        return None

    @property
    def normalizations(self) -> tuple[Normalization, ...]:
        return tuple(one for one in super().normalizations if one.words not in _ALIKE)

    def contract(self, keys: Keys, kind: Kind) -> Preprocess:
        return self._contract(keys)[0]

    def meaning(self, ways: Sequence[Keys], pictures: np.ndarray) -> Gives | None:
        return None

    def class_keys(self, output: str | None, classes: tuple[str, ...]) -> tuple[dict[str, Any], str]:
        if self.given("classes"):
            return {}, "classes as the recipe says"
        for key, names in names_in(self.facts.metadata):
            return {"classes": names}, f"classes by the names in the file's metadata, {key}"
        fitting = {axis - beside for shape in self._shapes.values() for axis in shape[1:] for beside in (0, 4, 5)}
        if len(classes) in fitting and not self.given("class_map"):
            return {"classes": classes}, f"classes in the order of the data's {len(classes)}, which nothing tells"
        said = ", ".join(f"{name} {shape}" for name, shape in self._shapes.items())
        coco = " These may be COCO's 80: --teacher.classes coco." if 80 in fitting else ""
        raise DistillError(
            f"{self.facts.file}: nothing tells the names of its classes; it answers {said}. Name them all in their "
            f"order: --teacher.classes FILE.{coco} Where the data calls them otherwise, --teacher.class_map."
        )

    def decodings(self, keys: Keys, pictures: np.ndarray) -> tuple[Decoding | None, ...]:
        """Those under which it is sure of boxes in these pictures, in some unit, that may be of things in them. Where
        it is never sure, those that fit its answers."""
        names = keys.get("classes") or self.config.classes
        if names is None:  # of pictures without labels nobody asks whose classes they are
            raise DistillError("inspect: what a detector sees is held to boxes of the data. Give labelled pictures.")
        known = len(class_names(names))
        outputs = list(self._shapes) if len(self._session.outputs) > 1 else []
        answers = [self._asked(normalization, pictures) for normalization in self.normalizations]
        size = self._contract(self._first_keys(None, self.normalizations[0]))[0]
        fitting: list[Decoding] = []
        sure: list[Decoding] = []
        refusals: list[str] = []
        for one in decodings(outputs, self.given("strides") or STRIDES):
            if any(self.given(key) not in (None, getattr(one, key)) for key in _READ_AS):
                continue
            form = BoxOutputs(one.boxes, one.unit, one.scores, one.strides, str(self.facts.file))
            found = []
            for given in answers:
                try:
                    boxes, scores = form([given[name] for name in one.outputs or given], known, size.height, size.width)
                    found.append(boxes[scores.max(axis=2, initial=0) > SURE])
                except DistillError as error:
                    refusals.append(str(error))
            if found and _possible(np.concatenate(found), size.height, size.width):
                fitting.append(one)
                sure += [one] if any(map(len, found)) else []
        if not fitting:
            more = f" The first ended with: {refusals[0]}" if refusals else ""
            raise DistillError(f"{self.facts.file}: no way to read boxes fits what it answers.{more}")
        return tuple(sure or fitting)

    def teacher(self, keys: Keys, kind: Kind) -> Teacher:
        detector = cast(Detector, super().teacher(keys, kind))
        detector.session = self._session  # which remembers
        return detector

    @property
    def _graph(self) -> Graph:
        return cast(OnnxDetector, self.config).graph

    def _open(self) -> GraphSession:
        return RememberingSession(self.facts.file)

    def _contract(self, keys: Keys) -> tuple[Preprocess, Layout]:
        config: OnnxDetector = replace(self.config, **keys)
        return config.graph.contract(self._session, None, told=True)

    @cached_property
    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Of each output that has rows for a picture, by name, what it answers to a grey one."""
        preprocess, _ = self._contract(self._first_keys(None, self.normalizations[0]))
        grey = np.full((1, preprocess.height, preprocess.width, 3), PADDING, np.uint8)
        found: dict[str, tuple[int, ...]] = {}
        refusals: list[DistillError] = []
        for name in self._session.outputs:
            try:
                found[name] = self._asked(self.normalizations[0], grey, name)[name].shape
            except DistillError as error:  # such as a count of the boxes
                refusals.append(error)
        if not found:
            raise refusals[0]
        return found

    def _asked(self, normalization: Normalization, pictures: np.ndarray, *names: str) -> dict[str, np.ndarray]:
        """Outputs (N, ...) by name for uint8 pictures (N, H, W, 3): all that have rows, or those named."""
        preprocess, layout = self._contract(self._first_keys(None, normalization))
        pixels = preprocess.resize(torch.from_numpy(pictures)).permute(0, 3, 1, 2).float()
        wanted = list(names or self._shapes)
        answers = self._session.every(graph_input(pixels, self._session, preprocess, layout), wanted)
        return dict(zip(wanted, answers, strict=True))


def _possible(boxes: np.ndarray, height: int, width: int) -> bool:
    """Whether boxes (R, 4), shares of pictures, may be of things that a network is sure of: whatever it is shown, its
    boxes have a width and a height; most have some size, and lie in the picture."""
    if not len(boxes):
        return True
    sizes, seen = (part[:, 2:] - part[:, :2] for part in (boxes, boxes.clip(0, 1)))
    if (sizes < 0).any() or np.median(sizes * [width, height]) < _LEAST:
        return False
    areas = sizes.prod(axis=1)
    return bool(np.median(seen.prod(axis=1)[areas > 0] / areas[areas > 0]) >= _WITHIN)
