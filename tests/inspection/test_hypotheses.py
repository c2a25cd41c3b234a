"""Hypotheses: how many, which parts of a picture, and the keys they are written as."""

from dataclasses import fields, replace
from typing import get_args

import pytest

from distill.inspection.hypotheses import AS_IT_IS, NORMALIZATIONS, Choices, Hypothesis, Size, parts
from distill.preprocess.preprocess import Channels, Fit, Interpolation
from teachers.graph_teacher import Graph

FITS: tuple[Fit, ...] = ("crop", "stretch", "pad")

KEYS = {one.name for one in fields(Graph)}


def choices(size: tuple[int, int] = (112, 112)) -> Choices:
    seen = parts((112, 96), size)
    return Choices((None,), get_args(Channels), NORMALIZATIONS, seen, FITS, get_args(Interpolation))


def test_a_box_of_the_networks_shape_comes_first_where_the_picture_has_another() -> None:
    box, whole, middle = parts((112, 96), (112, 112))
    assert box.crop == pytest.approx((0, 8 / 112, 1, 96 / 112))
    assert whole.crop is None  # what a section says where it says nothing
    assert middle.crop == pytest.approx((0.0625, 0.125, 0.875, 0.75))


def test_of_the_same_shape_the_whole_comes_first() -> None:
    assert [part.crop for part in parts((224, 224), (160, 160))] == [None, (0.0625, 0.0625, 0.875, 0.875)]


def test_a_network_that_sees_a_box_of_its_own_is_shown_that_first_and_the_whole_is_written() -> None:
    """MobileFaceNet's, of faces aligned to 112 x 112: its box is the centred one, which is not tried twice."""
    found = parts((112, 96), (112, 112), own=(0, 8 / 112, 1, 96 / 112))
    assert found[0] == AS_IT_IS and [part.crop for part in found[:2]] == [None, (0, 0, 1, 1)]
    assert [part.words for part in found] == ["its own box", "whole, squeezed", "the middle 87.5%"]


def test_the_grid_is_every_combination_once() -> None:
    grid = list(choices().grid())
    assert len(grid) == len(set(grid)) == 2 * len(NORMALIZATIONS) * 3 >= 24
    assert {one.fit for one in grid} == {"crop"} and {one.interpolation for one in grid} == {"bilinear"}


def test_around_one_the_other_fits_and_kernels_are_tried_one_at_a_time() -> None:
    centre = next(choices().grid())
    assert [one.differs_from(centre) for one in choices().fits(centre)] == [["fit"]] * (len(FITS) - 1)
    assert [one.differs_from(centre) for one in choices().kernels(centre)] == [["interpolation"]]
    assert list(choices().sizes(centre)) == []
    open_ = replace(choices(), size=(Size(224, 224), Size(112, 112)))
    centre = next(open_.grid())
    assert centre.teacher_keys(KEYS)["height"] == 224 and {one.size for one in open_.grid()} == {Size(224, 224)}
    assert [one.teacher_keys(KEYS)["width"] for one in open_.sizes(centre)] == [112]


def test_keys_that_would_say_nothing_are_left_out() -> None:
    grid = list(choices((112, 96)).grid())
    plain = next(one for one in grid if one.normalization.words == "0..1" and one.channels == "rgb")
    assert plain.teacher_keys(KEYS) == {"channels": "rgb", "scale": "0..1", "interpolation": "bilinear"}
    turned = Hypothesis("features", "bgr", NORMALIZATIONS[0], parts((112, 96), (112, 112))[0], "pad", "bicubic")
    assert list(turned.teacher_keys(KEYS)) == ["output", "channels", "mean", "std", "crop", "interpolation"]
