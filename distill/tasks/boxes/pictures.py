"""Which pictures boxes are learnt from, and which they are scored on."""

import numpy as np

from distill.data.prepared.pictures import Pictures
from distill.data.targets import PICTURE_SIZE, Ragged
from distill.errors import DistillError
from distill.tasks.pictures import TaskPictures
from distill.tasks.sets import Sets

BOXES, BOX_CLASSES, BOX_IGNORED = "boxes", "box_classes", "box_ignored"
"""What sources of boxes know of a picture beside its size: rows float32 (R, 4), int16 (R,) and int8 (R,)."""


def has_objects(pictures: Pictures) -> bool:
    """Whether there is a box to be found: those that are ignored, such as crowds, neither teach nor are scored."""
    ignored = pictures.targets[BOX_IGNORED]
    assert isinstance(ignored, Ragged)  # as the source declared it
    return not ignored.rows.all()


def to_find(pictures: Pictures) -> np.ndarray:
    """The boxes that are not ignored, float32 (R, 4), shares of the prepared pictures."""
    boxes, ignored = pictures.targets[BOXES], pictures.targets[BOX_IGNORED]
    assert isinstance(boxes, Ragged) and isinstance(ignored, Ragged)
    return boxes.rows[ignored.rows == 0]


class BoxPictures(TaskPictures):
    """Pictures with boxes of named classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        return self.sets.classes

    def check_sets(self, sets: Sets) -> None:
        name = self.recipe.data.name
        known = {column.name for column in sets.prepared.columns}
        if missing := [
            column for column in (BOXES, BOX_CLASSES, BOX_IGNORED, PICTURE_SIZE.name) if column not in known
        ]:
            raise DistillError(
                f"data.name is {name}: says nothing of {', '.join(missing)}, and the task is boxes. Give a source of "
                "boxes, such as voc or coco; pictures without any are for `unlabelled`."
            )
        if not len(sets.test):
            raise DistillError(f"data: {name} has no test pictures to report on.")
        if not has_objects(sets.test):
            raise DistillError(
                f"data: no test picture of {name} has a box that is to be found, so that nothing could be scored."
            )
        self.check_best(sets)
        for stage in self.recipe.stages:
            pictures, section = sets.of_stage(stage)
            if stage != "transfer" and not has_objects(pictures):
                raise DistillError(
                    f"stages: `{stage}` learns from boxes, and no picture of {section} to train on has one. Leave the "
                    f"stage out, or give {section} with boxes."
                )
