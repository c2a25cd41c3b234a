"""Which photographs places are learnt from, and which they are scored on; and the cells that they are cut into.

Shapes: N pictures.
"""

from functools import cached_property

import numpy as np
from rich.console import Console

from distill.data.cells import Cells, cut, listed
from distill.data.prepared.pictures import Pictures
from distill.data.s2 import first_word
from distill.data.sources.degrees import COORDINATES
from distill.data.targets import Column
from distill.errors import DistillError
from distill.tasks.pictures import TaskPictures
from distill.tasks.sets import Sets
from teachers.teacher import read_classes

CELL = Column("cell", "int32")
_SPLITS = {"train": "to cut cells by", "test": "to report on"}

console = Console(stderr=True, markup=False, emoji=False)


def coordinates(pictures: Pictures) -> np.ndarray:
    """Degrees float64 (N, 2), NaN where it is not known."""
    values = pictures.targets[COORDINATES.name]
    assert isinstance(values, np.ndarray)  # as `check_sets` saw
    return values.astype(np.float64)


def located(pictures: Pictures) -> Pictures:
    """Those whose place is known."""
    return pictures.where(np.isfinite(coordinates(pictures)).all(axis=1))


class PlacePictures(TaskPictures):
    """Photographs of which some have a latitude and a longitude."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.tokens

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Names of the cells."""
        return self.cells.tokens

    @cached_property
    def cells(self) -> Cells:
        """Cut by the photographs to train on, or as the recipe lists them.

        Raises:
            DistillError: none is left, or the list is none.
        """
        places, settings = coordinates(located(self.sets.labelled)), self.recipe.cells
        if settings.tokens is None:
            cells, said = cut(places, settings.most, settings.least), ""
        else:
            where = f"cells.tokens{'' if isinstance(settings.tokens, tuple) else f': {settings.tokens}'}"
            names = tuple(map(first_word, read_classes(settings.tokens) or ()))
            cells, empty = listed(names, places, where)
            said = f"; {empty} of {len(names)} cells hold none of them, and are left out" if empty else ""
        kept, many = int(cells.counts.sum()), len(cells)
        console.print(
            f"cells: {many} {'cell holds' if many == 1 else 'cells hold'} {kept} of {len(places)} photographs{said}.",
            soft_wrap=True,
        )
        if many < 2:
            advice = f"Lower cells.most, {settings.most}." if settings.tokens is None else "Name more in cells.tokens."
            raise DistillError(
                f"cells: {kept} of {len(places)} photographs are in one cell, and there is nothing to tell apart. "
                f"{advice}"
            )
        return cells

    @cached_property
    def test(self) -> Pictures:
        """The test pictures whose place is known."""
        return located(self.sets.test)

    @cached_property
    def validation(self) -> Pictures:
        """The validation pictures whose place is known."""
        return located(self.sets.validation)

    @property
    def scored(self) -> tuple[Pictures, ...]:
        return self.validation, self.test

    def check_sets(self, sets: Sets) -> None:
        name = self.recipe.data.name
        if COORDINATES.name not in {column.name for column in sets.prepared.columns}:
            raise DistillError(
                f"data.name is {name}: says nothing of where its pictures were taken, and the task is places. Give a "
                "source that does, such as coordinates; pictures without a place are for `unlabelled`."
            )
        for split, use in _SPLITS.items():
            if not len(located(sets.labelled if split == "train" else sets.test)):
                raise DistillError(f"data: {name} has no {split} pictures whose place is known {use}.")
        self.check_best(sets)

    def in_cells(self, pictures: Pictures) -> Pictures:
        """Those that lie in one of the cells, with its number."""
        number = self.cells.index(coordinates(pictures))
        return pictures.where(number >= 0).knowing(CELL, number[number >= 0])
