"""Pictures that nothing could be learnt from, or scored on, are refused before anything is trained."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.recipe.recipe import Recipe
from distill.tasks.boxes.pictures import BoxPictures, has_objects
from distill.tasks.sets import Sets
from tests.helpers.boxed import CLASSES, Boxed, prepare_boxed
from tests.helpers.rectangles import recipe_of_rectangles
from tests.helpers.running import read, write_recipe

OBJECT = ((4.0, 4.0, 12.0, 16.0),)
FOUND, CROWD, EMPTY = ((OBJECT, (0,), (0,)), (OBJECT, (1,), (1,)), ((), (), ()))


def recipe(place: Path) -> Recipe:
    return read(write_recipe(place, recipe_of_rectangles(place)))[0]


def sets(place: Path, train: Sequence[tuple], test: Sequence[tuple]) -> Sets:
    several = [Boxed(20, 20, *one, split="train") for one in train] + [
        Boxed(20, 20, *one, split="test") for one in test
    ]
    prepared = prepare_boxed(place / "set", several)
    trained = Pictures.of(prepared, "train")
    return Sets(prepared, trained, trained, trained, Pictures.of(prepared, "validation"), Pictures.of(prepared, "test"))


def test_ignored_boxes_are_no_objects(tmp_path: Path) -> None:
    pictures = sets(tmp_path, [EMPTY, CROWD, FOUND], [FOUND]).labelled
    for kept, there in (([0], False), ([0, 1], False), ([1, 2], True)):
        assert has_objects(pictures.where(np.isin(np.arange(3), kept))) is there


@pytest.mark.parametrize(
    ("train", "test", "said"),
    [
        ([FOUND], [EMPTY, CROWD], "no test picture of voc has a box that is to be found"),
        ([FOUND], [], "voc has no test pictures to report on"),
        ([CROWD, EMPTY], [FOUND], "`teach` learns from boxes, and no picture of data to train on has one"),
        ([FOUND], [FOUND], None),
    ],
)
def test_sets_without_a_box_to_be_found(
    tmp_path: Path, train: list[tuple], test: list[tuple], said: str | None
) -> None:
    pictures = BoxPictures(recipe(tmp_path), tmp_path)
    made = sets(tmp_path, train, test)
    if said is None:
        pictures.check_sets(made)
        assert made.classes == CLASSES
        return
    with pytest.raises(DistillError, match=said):
        pictures.check_sets(made)
