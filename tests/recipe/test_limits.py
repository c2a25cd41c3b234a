"""Sizes that no memory holds are refused under their key."""

from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.recipe.limits import LARGEST, OTHERS, check_sizes
from tests.helpers.running import TINY, complaint, read, write_recipe


@pytest.mark.parametrize(
    "key",
    ["prepare.height", "student.resolution", "teacher.width", "data.train", "workers", "evaluate.resamples"],
)
def test_a_size_that_no_memory_holds_names_its_key(key: str, tmp_path: Path) -> None:
    for value in ("1000000000", "1" + "0" * 30):
        assert complaint(write_recipe(tmp_path), f"--{key}", value).startswith(f"{key} is 10")


def test_other_numbers_have_a_limit_too(tmp_path: Path) -> None:
    path = write_recipe(tmp_path, TINY | {"transfer": {"epochs": OTHERS + 1}})
    assert complaint(path).startswith(f"transfer.epochs is {OTHERS + 1}, expected at most {OTHERS:,}")


def test_the_limit_itself_is_allowed_and_seeds_have_none(tmp_path: Path) -> None:
    largest = str(LARGEST["height"])
    recipe, _ = read(write_recipe(tmp_path), ["--prepare.height", largest, "--seed", str(2**62)])
    assert (recipe.prepare.height, recipe.seed) == (LARGEST["height"], 2**62)
    check_sizes([("teach.epochs", OTHERS), ("student.width", 1e30), ("prepare.max_raw_bytes", 2**60)])
    with pytest.raises(DistillError, match=r"^prepare.height is 16385, expected at most 16,384"):
        check_sizes([("prepare.height", LARGEST["height"] + 1)])
