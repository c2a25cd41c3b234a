"""Imports run downward, in the order that distill/README.md has, and never in a circle."""

import ast
import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("distill", "teachers", "students", "recipes")


def order() -> list[str]:
    """The lines of the map's block, lowest first."""
    page = (ROOT / "distill" / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^## Order$.*?^```text\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert block is not None
    lines = block[1].split()
    assert len(set(lines)) == len(lines)
    return lines


def modules() -> dict[str, ast.Module]:
    """Every module of the packages by its dotted name, parsed."""
    found = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = ast.parse(file.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.AST, known: dict[str, ast.Module], deferred: bool = True) -> Iterator[str]:
    """The modules of ours that a module imports, but for the eyes of a type checker.

    Args:
        deferred: also inside functions, where an import waits until it is needed.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not deferred:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else str(node.module)
        yield from imports(node, known, deferred)


def line_of(module: str, lines: list[str]) -> int:
    """The place of the longest line that a module's name begins with."""
    fitting = [line for line in lines if module == line or module.startswith(f"{line}.")]
    return lines.index(max(fitting, key=len))


KNOWN = modules()


@pytest.mark.parametrize("module", KNOWN)
def test_no_import_runs_upward(module: str) -> None:
    lines = order()
    own = line_of(module, lines)
    upward = sorted({other for other in imports(KNOWN[module], KNOWN) if line_of(other, lines) > own})
    assert not upward, f"{module} imports {', '.join(upward)}, below it in distill/README.md"


def test_no_import_runs_in_a_circle() -> None:
    graph = {name: set(imports(tree, KNOWN, deferred=False)) - {name} for name, tree in KNOWN.items()}
    # A package's own front imports its modules, and any of these runs the front first; Python bears that.
    for name, others in graph.items():
        others -= {other for other in others if name.startswith(f"{other}.")}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_an_upward_import_would_be_seen() -> None:
    tree = ast.parse("def later():\n    from distill.run.gate import PARITY\n")
    assert list(imports(tree, KNOWN)) == ["distill.run.gate"]
    lines = order()
    assert (
        line_of("distill.run.gate", lines) > line_of("distill.tasks.classes.task", lines) > line_of("teachers", lines)
    )
    assert not list(imports(tree, KNOWN, deferred=False))
