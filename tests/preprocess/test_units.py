"""Mean and deviation of values in 0..255 are told from those of 0..1, and come back in the right units."""

import re
from pathlib import Path
from typing import Any

import pytest
import timm

from distill.errors import DistillError
from distill.preprocess.preprocess import Preprocess
from teachers.graph_teacher import Graph
from teachers.timm_teacher import Timm
from tests.helpers.graphs import linear_graph

LEVELS = [
    # Mean and deviation as pages print them, and what they are of values in 0..1.
    ((127.5,) * 3, (128.0,) * 3, (0.5,) * 3, (128 / 255,) * 3),
    ((127.5,) * 3, (127.5,) * 3, (0.5,) * 3, (0.5,) * 3),
    ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ((123.68, 116.779, 103.939), (1.0,) * 3, (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3),
    ((0.0,) * 3, (255.0,) * 3, (0.0,) * 3, (1.0,) * 3),
    ((-127.5, -100.0, -100.0), (128.0,) * 3, (-0.5, -100 / 255, -100 / 255), (128 / 255,) * 3),
    # OpenCV's mean and scalefactor: (x - 127.5) / 128, and (x - 127.5) / 255.
    ((127.5,) * 3, (1 / 128,) * 3, (0.5,) * 3, (128 / 255,) * 3),
    ((127.5,) * 3, (1 / 255,) * 3, (0.5,) * 3, (1.0,) * 3),
    # One of the two is right already.
    ((123.675, 116.28, 103.53), (0.229, 0.224, 0.225), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ((0.485, 0.456, 0.406), (58.395, 57.12, 57.375), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ((0.485, 0.456, 0.406), (0.229 / 255, 0.224 / 255, 0.225 / 255), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
]


@pytest.mark.parametrize(("mean", "std", "right_mean", "right_std"), LEVELS)
def test_the_same_in_the_right_units_is_said(mean: Any, std: Any, right_mean: Any, right_std: Any) -> None:
    with pytest.raises(DistillError) as caught:
        Preprocess(8, 8, mean=mean, std=std)
    said = re.search(r"Expected mean: \[(.*?)\] and std: \[(.*?)\], of values in 0\.\.1\.", str(caught.value))
    assert said is not None
    for text, expected in zip(said.groups(), (right_mean, right_std), strict=True):
        assert [float(value) for value in text.split(", ")] == pytest.approx(expected, rel=1e-6)
    Preprocess(8, 8, mean=right_mean, std=right_std)


@pytest.mark.parametrize(
    ("mean", "std"),
    [((1.0,) * 3, (2.0,) * 3), ((-0.5,) * 3, (0.003,) * 3), ((0.0,) * 3, (1 / 255,) * 3), ((0.5,) * 3, (0.5,) * 3)],
)
def test_what_may_be_right_is_taken(mean: Any, std: Any) -> None:
    Preprocess(8, 8, mean=mean, std=std)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((1.001, 0.5, 0.5), (0.5,) * 3),
        ((0.5, 0.5, -0.501), (0.5,) * 3),
        ((0.5,) * 3, (0.5, 2.001, 0.5)),
        ((0.5,) * 3, (0.5, 0.5, 0.0029)),
        ((float("nan"), 0.5, 0.5), (0.5,) * 3),
        ((0.5,) * 3, (float("inf"), 0.5, 0.5)),
    ],
)
def test_one_value_of_three_is_enough(mean: Any, std: Any) -> None:
    with pytest.raises(DistillError, match="preprocess: mean is"):
        Preprocess(8, 8, mean=mean, std=std)


def test_wherever_a_recipe_says_them(tmp_path: Path) -> None:
    units = {"mean": (127.5, 127.5, 127.5), "std": (128.0, 128.0, 128.0)}
    right = r"Expected mean: \[0\.5, 0\.5, 0\.5\] and std: \[0\.5019608, "
    file = linear_graph(tmp_path / "vendor.onnx", kind=1, ends="Identity")
    with pytest.raises(DistillError, match=right):
        Graph(file, gives="logits", interpolation="bilinear", **units).load(4)
    with pytest.raises(DistillError, match=right):
        Timm("test_resnet", **units).preprocess(timm.create_model("test_resnet"))


@pytest.mark.parametrize(("mean", "std"), [((-1.0,) * 3, (2.0,) * 3), ((0.9, -0.7, 0.5), (0.5,) * 3)])
def test_what_is_of_neither_scale_gets_no_advice_that_could_be_followed(mean: Any, std: Any) -> None:
    with pytest.raises(DistillError, match=r"neither .* Expected a mean from -0\.5 to 1\.0"):
        Preprocess(8, 8, mean=mean, std=std)
