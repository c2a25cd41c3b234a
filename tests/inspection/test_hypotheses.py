"""Hypotheses: how many, which parts of a picture, and the keys they are written as."""

from dataclasses import fields
from typing import get_args

import pytest

from distill.inspection.hypotheses import NORMALIZATIONS, Choices, Hypothesis, parts
from distill.preprocess.preprocess import Channels, Fit, Interpolation
from teachers.graph_teacher import Graph

KEYS = {one.name for one in fields(Graph)}


def choices(size: tuple[int, int] = (112, 112)) -> Choices:
    seen = parts(112, 96, size)
    return Choices((None,), get_args(Channels), NORMALIZATIONS, seen, get_args(Fit), get_args(Interpolation))


def test_a_box_of_the_networks_shape_comes_first_where_the_picture_has_another() -> None:
    box, whole, middle = parts(112, 96, (112, 112))
    assert box.crop == pytest.approx((0, 8 / 112, 1, 96 / 112))
    assert whole.crop == (0, 0, 1, 1)
    assert middle.crop == pytest.approx((0.0625, 0.125, 0.875, 0.75))


def test_of_the_same_shape_the_whole_comes_first() -> None:
    assert [part.crop for part in parts(224, 224, (160, 160))] == [(0, 0, 1, 1), (0.0625, 0.0625, 0.875, 0.875)]


def test_the_grid_is_every_combination_once() -> None:
    grid = list(choices().grid())
    assert len(grid) == len(set(grid)) == 2 * len(NORMALIZATIONS) * 3 >= 24
    assert {one.fit for one in grid} == {"crop"} and {one.interpolation for one in grid} == {"bilinear"}


def test_around_one_the_other_fits_and_kernels_are_tried_one_at_a_time() -> None:
    centre = next(choices().grid())
    assert [one.differs_from(centre) for one in choices().fits(centre)] == [["fit"], ["fit"]]
    assert [one.differs_from(centre) for one in choices().kernels(centre)] == [["interpolation"]]


def test_keys_that_would_say_nothing_are_left_out() -> None:
    grid = list(choices((112, 96)).grid())
    plain = next(one for one in grid if one.normalization.words == "0..1" and one.channels == "rgb")
    assert plain.teacher_keys(KEYS) == {"channels": "rgb", "scale": "0..1", "interpolation": "bilinear"}
    turned = Hypothesis("features", "bgr", NORMALIZATIONS[0], parts(112, 96, (112, 112))[0], "pad", "bicubic")
    assert list(turned.teacher_keys(KEYS)) == ["output", "channels", "mean", "std", "crop", "interpolation"]
