"""What could not teach classes that exclude each other is refused: a teacher, or an objective."""

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from distill.answers import Probabilities, Softmax
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import Preprocess
from distill.registries import OBJECTIVES
from distill.tasks.classes.checks import check_objective, check_teacher
from teachers.graph_teacher import BlackBox, Graph
from teachers.torch_teacher import TorchTeacher
from tests.helpers.graphs import linear_graph

CLASSES = ("beagle", "boxer", "pug", "whippet")


def black_box(file: Path, kind: Kind) -> BlackBox:
    properties = OnnxMetadata(kind, 8, 6, "bicubic", 16, 12).to_props()
    return Graph(linear_graph(file, properties=properties)).load(len(CLASSES))


def test_a_teacher_of_each_class_by_itself_is_refused(tmp_path: Path) -> None:
    check_teacher(black_box(tmp_path / "t.onnx", Softmax(CLASSES)), CLASSES)
    with pytest.raises(DistillError, match=r"t\.onnx: teacher\.gives is probabilities, of each class by itself"):
        check_teacher(black_box(tmp_path / "t.onnx", Probabilities(CLASSES)), CLASSES)


def test_a_teacher_that_would_learn_or_has_other_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="in another order"):
        check_teacher(black_box(tmp_path / "t.onnx", Softmax(CLASSES)), CLASSES[::-1])
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))
    learns = TorchTeacher(network, Preprocess.imagenet(8, 8), 4, None, "net")
    check_teacher(learns, CLASSES)
    next(learns.parameters()).requires_grad_(True)
    with pytest.raises(DistillError, match="net: not frozen"):
        check_teacher(learns, CLASSES)


def test_an_objective_that_does_not_see_the_softmax_is_refused() -> None:
    known, some = np.ones(4, bool), np.array([True, False, True, False])
    for name in ("softmax_kl", "squared_logits"):
        check_objective(OBJECTIVES.get(name)(), some)
    with pytest.raises(DistillError, match="is bernoulli_kl, and the task is classes, which exclude each other"):
        check_objective(OBJECTIVES.get("bernoulli_kl")(), known)
    check_objective(OBJECTIVES.get("dkd")(), known)
    with pytest.raises(DistillError, match="dkd, which needs the class of every picture, and of 2 of the 4"):
        check_objective(OBJECTIVES.get("dkd")(), some)
    with pytest.raises(DistillError, match=r"label_weight is 0\.5, but the data has no labels"):
        check_objective(OBJECTIVES.get("softmax_kl")(label_weight=0.5), ~known)
