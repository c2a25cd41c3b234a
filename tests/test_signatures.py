"""Functions take six arguments at most, and no line is kept from the formatter."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("distill", "teachers", "students")
MOST = 6


def long_functions(source: str) -> Iterator[str]:
    """Names of functions of more than `MOST` arguments, `self` and `cls` aside; constructors may have more."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            names = [argument.arg for argument in arguments if argument.arg not in ("self", "cls")]
            starred = [argument for argument in (node.args.vararg, node.args.kwarg) if argument is not None]
            if len(names) + len(starred) > MOST:
                yield node.name


def files(*folders: str) -> list[Path]:
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def place(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_no_function_takes_more_than_six_arguments() -> None:
    longer = {f"{place(file)}: {name}" for file in files(*PACKAGES) for name in long_functions(file.read_text())}
    assert longer == set()


def test_no_line_is_kept_from_the_formatter() -> None:
    mark = "fmt: " + "skip"
    assert [place(file) for file in files(*PACKAGES, "tests") if mark in file.read_text()] == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("def f(a, b, c, d, e, f, g): ...", ["f"]),
        ("def f(a, b, /, c, *, d, e, f): ...", []),
        ("def f(a, b, /, c, *rest, d, e, **more): ...", ["f"]),
        ("class A:\n    def __init__(self, a, b, c, d, e, f, g): ...\n    def f(self, a, b, c, d, e, f): ...", []),
        ("class A:\n    async def f(cls, a, b, c, d, e, f, *, g): ...", ["f"]),
    ],
)
def test_arguments_of_every_kind_count(source: str, names: list[str]) -> None:
    assert list(long_functions(source)) == names
