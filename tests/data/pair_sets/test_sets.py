"""Every name that a recipe may give stands for a set of its own name."""

from pathlib import Path

import pytest

from distill.data.pair_sets.pair_file import FILES
from distill.data.pair_sets.sets import SET_NAMES, SetName, pair_set


@pytest.mark.parametrize("name", SET_NAMES)
def test_sets_say_their_name(name: SetName) -> None:
    assert pair_set(name, Path("root"), 5).name == name


def test_each_list_has_its_name() -> None:
    assert FILES.keys() < set(SET_NAMES)
