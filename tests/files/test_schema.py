"""What is not of a schema is told by its place."""

from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pytest

from distill.errors import DistillError
from distill.files.schema import check_schema, misfits


class Inner(TypedDict):
    size: float


class Outer(TypedDict):
    inner: Inner
    rows: list[Inner]
    by_name: dict[str, Inner | None]
    free: NotRequired[Any]


GOOD: dict[str, Any] = {"inner": {"size": 1}, "rows": [], "by_name": {"a": None, "b": {"size": 2.5}}}


def test_what_fits() -> None:
    assert list(misfits(GOOD, Outer, closed=True)) == []
    assert list(misfits(GOOD | {"free": object()}, Outer, closed=True)) == []
    assert list(misfits(None, type(None))) == [] and list(misfits(3, int | str)) == []


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([], "holds [], expected keys and values"),
        (GOOD | {"inner": {}}, "inner.size is missing"),
        (GOOD | {"inner": {"size": None}}, "inner.size is None, expected a number"),
        (GOOD | {"rows": [{"size": 1}, 2]}, "rows[1] is 2, expected keys and values"),
        (GOOD | {"by_name": {"a": 3}}, "by_name.a is 3, which is none of what it may be"),
        (GOOD | {"by_name": []}, "by_name is [], expected keys and values"),
    ],
)
def test_the_place_of_what_does_not(content: Any, found: str) -> None:
    assert list(misfits(content, Outer)) == [found]
    with pytest.raises(DistillError) as caught:
        check_schema(Path("a.json"), content, Outer, "Delete it.")
    assert str(caught.value) == f"a.json: {found}. Delete it."


def test_keys_that_are_not_documented_are_told_only_where_that_is_asked() -> None:
    assert list(misfits(GOOD | {"new": 1}, Outer)) == []
    assert list(misfits(GOOD | {"new": 1}, Outer, closed=True)) == ["new is not documented"]
