"""Scores of boxes where there is nothing to score, and how much of its teacher a student finds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from distill.answers import Boxes, Probabilities
from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.tasks.boxes.judging import BoxJudging
from tests.helpers.boxed import CLASSES, Boxed, number_of, prepare_boxed
from tests.helpers.listed import run
from tests.helpers.noise import Noise
from tests.helpers.rectangles import recipe_of_rectangles
from tests.helpers.running import read, write_recipe

BOX = (10.0, 10.0, 30.0, 30.0)
CAT, DOG, CROWD = ([BOX], [0], [0]), ([BOX], [1], [0]), ([BOX], [1], [1])


class Stub:
    """A predictor that puts one box at the same place: `sure[n]` of a cat in picture n."""

    name, kind = "stub", Boxes(CLASSES, 1)

    def __init__(self, sure: dict[int, float] | float) -> None:
        self.sure = sure

    def show(self, pictures: Pictures, of: str, batch_size: int) -> dict[str, np.ndarray]:
        numbers = [number_of(picture) for picture in pictures.gather(np.arange(len(pictures)))]
        scores = [self.sure if isinstance(self.sure, float) else self.sure.get(number, 0.0) for number in numbers]
        boxes = np.tile(np.float32([0.25, 0.25, 0.75, 0.75]), (len(numbers), 1, 1))
        return {"boxes": boxes, "scores": np.float32([[[score, 0.0]] for score in scores])}


def judging(place: Path, several: list[Boxed], *unlabelled: Any) -> BoxJudging:
    prepared = prepare_boxed(place / "set", several, fit="stretch")
    splits = {split: Pictures.of(prepared, split) for split in ("train", "validation", "test")}
    transfer = Pictures.of(prepared, "train", unlabelled)
    pictures: Any = SimpleNamespace(
        sets=SimpleNamespace(validation=splits["validation"], test=splits["test"]),
        classes=CLASSES,
        transfer_sample=lambda: transfer,
    )
    return BoxJudging(read(write_recipe(place, recipe_of_rectangles(place)))[0], pictures)


def pictures_of(*several: tuple[Any, str]) -> list[Boxed]:
    return [Boxed(40, 40, *boxes, split=split) for boxes, split in several]


def test_validation_of_crowds_alone_is_no_score_and_no_error(tmp_path: Path) -> None:
    some = judging(tmp_path / "some", pictures_of((CAT, "train"), (CROWD, "validation"), (CAT, "test")))
    none = judging(tmp_path / "none", pictures_of((CAT, "train"), (CAT, "test")))
    both = judging(tmp_path / "both", pictures_of((CAT, "validation"), (CROWD, "validation"), (CAT, "test")))
    model: Any = Stub(0.5)
    assert some.on_validation(model) == none.on_validation(model) == {"split": "validation"}
    assert both.on_validation(model)["metrics"]["AP"] == 1.0


def test_what_the_teacher_is_sure_of_stands_for_what_is_there(tmp_path: Path) -> None:
    # Labels say nothing here: the dog that both take for a cat is agreed upon.
    judged = judging(tmp_path, pictures_of((CAT, "train"), (DOG, "train"), (CROWD, "train"), (CAT, "test")))
    teacher: Any = Stub({0: 0.9, 1: 0.4, 2: 0.2, 3: 0.1})  # 0.3 and above is sure
    for student, ap in ((Stub(0.5), 1.0), (Stub({0: 0.5}), 51 / 101), (Stub({2: 0.9, 0: 0.8, 1: 0.7}), 2 / 3)):
        models: Any = (student, teacher)
        verdicts: Any = tuple(judged.judge(model) for model in models)
        found = judged.agreement(models, verdicts)
        assert found["transfer"] == {"AP50": pytest.approx(ap), "pictures": 3, "boxes": 2}
        assert found["test"] == {"pictures": 1, "boxes": 0}  # the teacher is sure of nothing there


def test_pictures_without_labels_are_agreed_upon_as_well(tmp_path: Path) -> None:
    plain = run(Noise(3, (("train", 4),)), tmp_path / "plain", height=40, width=40, fit="stretch")
    judged = judging(tmp_path, pictures_of((CAT, "train"), (CAT, "test")), plain)
    models: Any = (Stub(0.5), Stub(0.9))
    verdicts: Any = tuple(judged.judge(model) for model in models)
    assert judged.agreement(models, verdicts)["transfer"] == {"AP50": 1.0, "pictures": 5, "boxes": 5}


def test_classes_that_were_lost_are_told_by_points(tmp_path: Path) -> None:
    judged = judging(tmp_path, pictures_of((CAT, "test"), (CAT, "test"), (DOG, "test"), (CAT, "train")))
    whole: Any = Stub({0: 0.9, 1: 0.8})
    worse: Any = Stub({0: 0.9})
    student, file = judged.judge(whole), judged.judge(worse)
    assert file.offenders(student) == ["cat -49.5"] and student.offenders(file) == []
    assert student.headline == "AP 0.5000, AP50 0.5000 on test"  # of two classes the dog is never found
    assert student.summary()[0].endswith("3 boxes in 3 test pictures")


def test_a_model_that_sees_nothing_is_at_chance_and_one_that_sees_is_not(tmp_path: Path) -> None:
    """Of ten pictures the first five show a cat, the others a dog, all at one place."""
    judged = judging(tmp_path, pictures_of(*[(CAT, "test")] * 5, *[(DOG, "test")] * 5, (CAT, "train")))
    sure = {number: 0.9 - 0.01 * (7 * number % 10) for number in range(10)}
    seeing: Any = Stub({number: sure[number] for number in range(5)})
    blind: Any = Stub(sure)  # a cat in every picture
    found, guessed = judged.judge(seeing), judged.judge(blind)
    assert found.by_chance is not None and found.by_chance < found.score == 0.5 and not found.at_chance
    assert guessed.at_chance and "what blind guesses have" in guessed.beside_chance
    nothing: Any = Stub(0.0)
    assert judged.judge(nothing).at_chance and judged.judge(nothing).by_chance == 0


def test_models_of_other_answers_or_classes_are_refused(tmp_path: Path) -> None:
    judged = judging(tmp_path, pictures_of((CAT, "test"), (CAT, "train")))
    other: Any = Stub(0.5)
    other.kind = Boxes(("cat", "cow"), 1)
    with pytest.raises(DistillError, match=r"stub: its classes are not the data's; they differ in cow, dog"):
        judged.judge(other)
    other.kind = Boxes(("dog", "cat"), 1)
    with pytest.raises(DistillError, match="they differ in their order"):
        judged.judge(other)
    other.kind = Probabilities(CLASSES)
    with pytest.raises(DistillError, match=r"stub: gives .* Score it by a recipe of its own task"):
        judged.judge(other)
