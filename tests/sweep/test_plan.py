"""Which points a sweep has, and what it refuses before anything is trained."""

import functools
import itertools
import tempfile
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.recipe.parser import RecipeReader
from distill.sweep.plan import Point, check_views, plan, share
from tests.helpers.running import TINY, write_recipe

DATA = Path("sweep/data")
SIZES = ["--student.width", "0.5,0.25", "--student.resolution=96,64,32"]


def points_of(directory: Path, *arguments: str, together: bool = False, labels: bool = False) -> list[Point]:
    reader = RecipeReader(str(write_recipe(directory)))
    return plan(reader, arguments, DATA, together=together, labels=labels)


@functools.cache
def sizes(labels: bool = False) -> list[Point]:
    """Made once: reading a recipe takes a tenth of a second."""
    with tempfile.TemporaryDirectory() as place:
        return points_of(Path(place), *SIZES, "--transfer.epochs", "2", labels=labels)


def refused(directory: Path, *arguments: str, together: bool = False, labels: bool = False) -> str:
    with pytest.raises(DistillError) as caught:
        points_of(directory, *arguments, together=together, labels=labels)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_names_of_long_values_are_names_of_files(tmp_path: Path) -> None:
    long = tmp_path / ("ü" * 120) / ("w" * 120)
    points = points_of(tmp_path, "--student.weights", f"{long}/a.tar,{long}/b.tar")
    assert len({point.name for point in points}) == 2
    for point in points:
        assert point.name.startswith("weights=_") and len(point.name.encode()) <= 200
        (tmp_path / f"{point.name}.json").touch()


def test_every_combination_is_a_point_of_its_own() -> None:
    points = sizes()
    found = {(point.recipe.student.width, point.recipe.student.resolution) for point in points}
    assert found == set(itertools.product((0.5, 0.25), (96, 64, 32))) and len(points) == 6
    for point in points:
        student = point.recipe.student
        assert point.name == f"width={student.width},resolution={student.resolution}"
        assert point.keys == {"student.width": str(student.width), "student.resolution": str(student.resolution)}
        assert point.learnt_from == "teacher" and point.recipe.transfer.epochs == 2
        assert point.recipe.prepare.root == DATA


def test_a_point_is_the_run_of_its_arguments(tmp_path: Path) -> None:
    reader = RecipeReader(str(write_recipe(tmp_path)))
    for point in sizes(labels=True)[::5]:
        assert reader.read(point.arguments) == (point.recipe, point.resolved)


def test_the_costliest_come_first() -> None:
    names = [point.name for point in sizes()]
    assert names[0] == "width=0.5,resolution=96" and names[-1] == "width=0.25,resolution=32"


def test_values_taken_together(tmp_path: Path) -> None:
    points = points_of(tmp_path, "--student.width=0.75,1", "--student.variant", "separable,shallow", together=True)
    assert {point.name for point in points} == {"width=0.75,variant=separable", "width=1,variant=shallow"}
    message = refused(tmp_path, *SIZES, together=True)
    assert "student.width has 2, student.resolution has 3" in message


def test_losses_and_objectives_are_swept_as_well(tmp_path: Path) -> None:
    key = "transfer.optimization.learning_rate"
    points = points_of(tmp_path, f"--{key}", "1e-3,2e-3", "--transfer.views.scale=[0.8,1.0]")
    assert [point.recipe.transfer.optimization.learning_rate for point in points] == [1e-3, 2e-3]
    assert [point.name for point in points] == [f"{key}=1e-3", f"{key}=2e-3"]
    assert all(point.recipe.transfer.views.scale == (0.8, 1.0) for point in points)
    points = points_of(tmp_path, "--objective", "bernoulli_kl,squared_logits")
    assert [point.recipe.objective.name for point in points] == ["bernoulli_kl", "squared_logits"]
    message = refused(tmp_path, "--transfer.epochs", "1,2", labels=True)
    assert "the values of transfer.epochs make no other student" in message
    assert "nothing to sweep" in refused(tmp_path, "--transfer.views.scale", "[0.8,1.0]")


def test_students_of_the_labels_stand_beside_those_of_the_teacher() -> None:
    points = sizes(labels=True)
    labelled = [point for point in points if point.learnt_from == "labels"]
    assert len(points) == 12 and len(labelled) == 6
    assert all(point.recipe.stages == ("fine_tune",) and point.name.endswith(",labels") for point in labelled)


@pytest.mark.parametrize("shares", [1, 2, 5, 6, 7])
def test_shares_are_disjoint_and_leave_nothing_out(shares: int) -> None:
    points = sizes()
    dealt = [share(points, f"{i + 1}/{shares}") for i in range(shares)]
    names = [point.name for part in dealt for point in part]
    assert sorted(names) == sorted(point.name for point in points)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    if shares == len(points):
        assert [part[0].name for part in dealt] == [point.name for point in points]


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "a/b", "-1/3", "1/3/3"])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DistillError, match="--points is"):
        share(sizes(), text)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--student.width", "0.5,0"], "student.width: 0.0, expected a width multiplier above 0 and at most 1"),
        (["--student.width", "1.25,1"], "student.width: 1.25"),
        (["--student.resolution", "64,31"], "student.resolution: 31, expected at least 32 pixels"),
        (["--student.width", "0.5"], "nothing to sweep"),
        ([], "nothing to sweep"),
        (["--student.width", "0.5,0.50"], "width=0.50 is there twice"),
        (["--student.width", "0.5,,1"], "student.width is '0.5,,1'"),
        (["--student.wide", "0.5,1"], "unknown key student.wide"),
        (["--student.width", "0.5,wide"], "student.width"),
        (["--transfer.epoch", "2", "--student.width", "0.5,1"], "unknown key transfer.epoch"),
        (["--student", "mobilenetv3_small_050,resnet50", "--student.resolution", "32"], "resnet50"),
    ],
)
def test_what_cannot_be_swept(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in refused(tmp_path, *arguments)


def test_more_pixels_than_views_hold_are_refused(tmp_path: Path) -> None:
    most, over = points_of(tmp_path, "--student.resolution", "65,64")[::-1]
    check_views(most, 48, 32)
    with pytest.raises(DistillError, match="65, but views are cut from pictures prepared at 48 x 32 px"):
        check_views(over, 48, 32)


def test_labels_that_embeddings_do_not_have(tmp_path: Path) -> None:
    content = {key: value for key, value in TINY.items() if key not in ("fine_tune", "teach")} | {"task": "embeddings"}
    reader = RecipeReader(str(write_recipe(tmp_path, content | {"objective": {"name": "squared_embedding"}})))
    with pytest.raises(DistillError, match="needs labels of classes, and embeddings have none"):
        plan(reader, ["--student.width", "0.5,0.25"], DATA, together=False, labels=True)
