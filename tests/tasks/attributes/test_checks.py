"""What could not teach attributes is refused before the first step: a teacher, or an objective."""

from pathlib import Path

import pytest
import torch
from torch import nn

from distill.answers import Probabilities, Softmax
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.objectives import BernoulliKl, SoftmaxKl
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import Preprocess
from distill.tasks.attributes.checks import check_objective, check_teacher
from teachers.graph_teacher import BlackBox, Graph
from teachers.torch_teacher import TorchTeacher
from tests.helpers.graphs import linear_graph
from tests.helpers.running import run_recipe, write_recipe

CLASSES = ("Bald", "Male", "Smiling", "Young")


def black_box(file: Path, kind: Kind) -> BlackBox:
    properties = OnnxMetadata(kind, 8, 6, "bicubic", 16, 12).to_props()
    return Graph(linear_graph(file, properties=properties)).load(len(CLASSES))


def test_a_teacher_of_attributes_passes(tmp_path: Path) -> None:
    check_teacher(black_box(tmp_path / "t.onnx", Probabilities(CLASSES)), CLASSES)


def test_a_teacher_of_exclusive_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"t\.onnx: teacher\.gives is softmax"):
        check_teacher(black_box(tmp_path / "t.onnx", Softmax(CLASSES)), CLASSES)


def test_a_teacher_that_would_learn_or_has_other_classes_is_refused(tmp_path: Path) -> None:
    box = black_box(tmp_path / "t.onnx", Probabilities(CLASSES))
    with pytest.raises(DistillError, match="in another order"):
        check_teacher(box, CLASSES[::-1])
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))
    learns = TorchTeacher(network, Preprocess.imagenet(8, 8), 4, None, "net")
    check_teacher(learns, CLASSES)
    next(learns.parameters()).requires_grad_(True)
    with pytest.raises(DistillError, match="net: not frozen"):
        check_teacher(learns, CLASSES)


def test_an_objective_blind_to_a_constant_is_refused() -> None:
    logits = torch.randn(4, 3)
    blind = SoftmaxKl()({"logits": logits + 5}, {"logits": logits}, {})["loss"]
    assert blind.abs().max() < 1e-5  # all attributes 5 too high cost nothing: the reason
    with pytest.raises(DistillError, match=r"softmax_kl.*bernoulli_kl or squared_logits"):
        check_objective(SoftmaxKl(), labelled=True)


def test_a_label_term_without_labels_is_refused() -> None:
    check_objective(BernoulliKl(label_weight=0.5), labelled=True)
    with pytest.raises(DistillError, match=r"label_weight is 0\.5, but the data has no labels"):
        check_objective(BernoulliKl(label_weight=0.5), labelled=False)


@pytest.mark.parametrize("weight", ["0", "0.5"])
def test_a_run_with_an_exclusive_objective_stops_before_anything_is_trained(tmp_path: Path, weight: str) -> None:
    recipe = write_recipe(tmp_path)
    arguments = ["--objective.name", "softmax_kl", "--objective.label_weight", weight]
    with pytest.raises(DistillError, match=r"objective\.name is softmax_kl"):
        run_recipe(recipe, tmp_path / "run", arguments)
    assert not (tmp_path / "run" / "stages").exists()
