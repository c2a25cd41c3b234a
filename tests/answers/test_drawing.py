"""Boxes over a picture: their edges lie where they should, and the picture itself stays."""

import numpy as np

from distill.answers.drawing import drawn


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """bool (H, W)."""
    return np.asarray((before != after).any(axis=2))


def test_edges_of_a_box_lie_at_its_shares_and_nothing_else_is_touched() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    shown = drawn(picture, np.array([[0.25, 0.5, 0.75, 0.9]]), [""])
    assert not picture.any() and shown.dtype == np.uint8
    rows, columns = np.nonzero(changed(picture, shown))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 90, 50, 150)
    touched = changed(picture, shown)
    assert touched[50, 50:151].all() and touched[90, 50:151].all()
    assert touched[50:91, 50].all() and touched[50:91, 150].all() and not touched[70, 100]


def test_a_class_has_one_colour_whatever_its_score() -> None:
    picture = np.zeros((120, 120, 3), np.uint8)
    places = np.array([[0.1, 0.1, 0.4, 0.9], [0.6, 0.1, 0.9, 0.9]])
    one, two = (drawn(picture, places, names)[108, [24, 84]] for names in (["cat 0.9", "cat 0.31"], ["cat", "dog"]))
    assert one[0].any() and one[0].tolist() == one[1].tolist() == two[0].tolist() != two[1].tolist()


def test_what_is_said_stands_at_the_box() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    box = np.array([[0.2, 0.2, 0.8, 0.8]])
    rows, columns = np.nonzero(changed(drawn(picture, box, [""]), drawn(picture, box, [" 0.87"])))
    assert rows.min() >= 20 and columns.min() >= 20 and rows.max() < 50


def test_boxes_beyond_the_picture_or_of_no_area_are_no_error() -> None:
    picture = np.full((30, 30, 3), 9, np.uint8)
    shown = drawn(picture, np.array([[-0.5, -0.5, 1.5, 0.5], [0.5, 0.5, 0.5, 0.5], [0.7, 0.7, 0.6, 0.6]]), ["a"] * 3)
    assert shown.shape == picture.shape and changed(picture, shown)[15].any()
    assert np.array_equal(drawn(picture, np.zeros((0, 4)), []), picture)


def test_what_is_said_of_the_surest_is_hidden_by_nothing() -> None:
    picture, surest = np.zeros((100, 100, 3), np.uint8), np.array([0.2, 0.2, 0.8, 0.8])
    alone = drawn(picture, surest[None], ["cat 0.90"])
    where = changed(drawn(picture, surest[None], ["cat"]), alone)
    crossing = np.array([surest, [0.1, 0.1, 0.4, 0.9], [0.22, 0.22, 0.7, 0.7]])
    assert where.any() and np.array_equal(drawn(picture, crossing, ["cat 0.90", "dog", "owl"])[where], alone[where])
