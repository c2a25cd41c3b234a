"""Students on labels trained as the teacher's are, and what is said where they are not."""

from pathlib import Path
from typing import Any

from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Recipe
from distill.sweep.likeness import differing, sentence_of
from distill.sweep.plan import Point, plan
from tests.helpers.running import TINY, write_recipe

TRANSFER = {
    "epochs": 7,
    "optimization": {"learning_rate": 0.004, "ema": 0.99},
    "views": {"scale": [0.5, 1.0], "mixup": 0.1},
    "clip": None,
}


def twins(place: Path, fine_tune: dict[str, Any] | None, *arguments: str) -> tuple[Point, Point]:
    content = {key: value for key, value in TINY.items() if key != "fine_tune"} | {"transfer": TRANSFER}
    if fine_tune is not None:
        content["fine_tune"] = fine_tune
    reader = RecipeReader(str(write_recipe(place, content)))
    widths = ["--student.width", "0.5,0.25"]
    points = plan(reader, [*widths, *arguments], Path("data"), together=False, labels=True)
    return points[0], points[1]


def results(name: str, **training: Any) -> Any:
    facts = {"batch_size": 32, "shown": 960, "learning_rate": 0.004, "warmup": 0.05} | training
    return {"stages": [{"name": "teach", "training": facts | {"shown": 5}}, {"name": name, "training": facts}]}


def unlike(recipes: tuple[Recipe, Recipe], **training: Any) -> list[str]:
    return differing(recipes, (results("transfer"), results("fine_tune", **training)))


def test_what_nobody_says_of_labels_is_the_transfers(tmp_path: Path) -> None:
    ours, theirs = twins(tmp_path, None)
    transfer, labels = ours.recipe.transfer, theirs.recipe.fine_tune
    assert theirs.learnt_from == "labels" and labels.epochs == 7 and labels.clip is None
    assert (labels.views, labels.optimization, labels.batch_size) == (transfer.views, transfer.optimization, None)
    assert unlike((ours.recipe, theirs.recipe)) == [] and sentence_of([]) == ""


def test_what_somebody_says_of_labels_stays_and_is_said(tmp_path: Path) -> None:
    keys = ("--fine_tune.optimization.ema", "0.5")
    ours, theirs = twins(tmp_path, {"epochs": 2, "views": {"mixup": 0.4}}, *keys)
    labels = theirs.recipe.fine_tune
    assert labels.epochs == 2 and labels.views.mixup == 0.4 and labels.views.scale == (0.5, 1.0)
    assert labels.optimization.ema == 0.5 and labels.optimization.learning_rate == 0.004
    said = unlike((ours.recipe, theirs.recipe), shown=320, batch_size=64, learning_rate=1e-3)
    assert said == [
        "960 pictures shown against 320",
        "a batch of 32 against 64",
        "a rate of 0.004 against 0.001",
        "optimization.ema 0.99 against 0.5",
        "views.mixup 0.1 against 0.4",
    ]
    assert sentence_of(said).startswith(
        "Not like for like: the teacher's students had 960 pictures shown against 320; "
    )
    assert sentence_of([str(number) for number in range(9)]).endswith("5; and 3 more of those on labels.")
