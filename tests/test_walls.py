"""No file outside of `tasks/` and `answers/` asks which task or kind of answers it has, and evaluators, objectives and
views are functions of what they are given.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    file
    for package in ("distill", "teachers", "students")
    for file in (ROOT / package).rglob("*.py")
    if not file.is_relative_to(ROOT / "distill" / "tasks") and not file.is_relative_to(ROOT / "distill" / "answers")
)

# Names of tasks, of kinds of answers, and of the activations that older files know these by.
NAMES = {"attributes", "classes", "embeddings", "probabilities", "softmax", "embedding", "sigmoid", "unit"}
KINDS = {"Probabilities", "Softmax", "Embedding", "LabelledKind", "LocatedKind", "Boxes", "Detections", "Places"} | {
    "Attributes",
    "Classes",
    "Embeddings",
    "ObjectDetection",
    "PhotographPlaces",
}
TASK_FOLDERS = tuple(f"distill.tasks.{name}" for name in ("attributes", "boxes", "classes", "embeddings", "places"))

MAY_ASK = {
    "distill/registries.py": "what a recipe may name",
    "students/manifest.py": "what students of the first version say of their answers",
}

# Of this project, all that a pure package may import; of others, none that draws, trains or reads files.
PURE = {
    "distill/evaluation": ("distill.errors", "distill.evaluation"),
    "distill/objectives": ("distill.errors", "distill.objectives"),
    "distill/data/views/views.py": ("distill.data.views.philox", "distill.errors"),
    "distill/data/views/philox.py": (),
    "distill/data/views/cutting.py": ("distill.data.views", "distill.errors", "distill.preprocess"),
}
READS = "distill/evaluation/pairs.py"  # published lists of pairs, which are a part of what is evaluated
IMPURE = ("lightning", "random", "rich", "tempfile", "os", "pathlib", "timm", "onnxruntime")


def constants(node: ast.AST | None) -> Iterator[str]:
    """Strings that an expression is compared with: itself, or those of a tuple, list or set."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for element in node.elts:
            yield from constants(element)
    elif isinstance(node, ast.MatchValue):
        yield from constants(node.value)
    elif isinstance(node, ast.MatchOr | ast.MatchAs | ast.MatchSequence):
        for pattern in ast.iter_child_nodes(node):
            yield from constants(pattern)


def questions(source: str) -> Iterator[str]:
    """Where a module asks which task or kind it has: comparisons, tables by two or more names, and types."""
    for node in ast.walk(ast.parse(source)):
        asked: set[str] = set()
        if isinstance(node, ast.Compare):
            asked = {name for side in (node.left, *node.comparators) for name in constants(side)} & NAMES
        elif isinstance(node, ast.match_case):
            asked = set(constants(node.pattern)) & NAMES
        elif isinstance(node, ast.Dict):
            keys = {name for key in node.keys for name in constants(key)} & NAMES
            asked = keys if len(keys) > 1 else set()
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)} & KINDS
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(TASK_FOLDERS):
            asked = {str(node.module)}
        if asked:
            yield f"line {node.lineno if hasattr(node, 'lineno') else node.pattern.lineno}: {', '.join(sorted(asked))}"


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def inside(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def place(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_nobody_asks_which_task_or_kind_it_has() -> None:
    asking = {place(file): list(questions(file.read_text(encoding="utf-8"))) for file in FILES}
    assert {name: found for name, found in asking.items() if found and name not in MAY_ASK} == {}
    assert all(asking[name] for name in MAY_ASK)  # an exception that is none any more goes


@pytest.mark.parametrize(
    "source",
    [
        "if recipe.task == 'classes': pass",
        "if 'embedding' != kind.name: pass",
        "x = 1 if recipe.task in ('attributes', 'classes') else 2",
        "match name:\n    case 'softmax' | 'sigmoid': pass",
        "x = {'probabilities': 1, 'softmax': 2}[kind.name]",
        "if isinstance(kind, Softmax): pass",
        "if issubclass(kind, (Probabilities, Softmax)): pass",
        "from distill.tasks.embeddings.judging import EmbeddingVerdict",
    ],
)
def test_a_question_would_be_seen(source: str) -> None:
    assert list(questions(source))


@pytest.mark.parametrize(
    "source",
    ["x = index['classes'] == names", "x = {'height': 1, 'classes': names}", "if isinstance(kind, Kind): pass"],
)
def test_what_only_names_a_column_is_no_question(source: str) -> None:
    assert not list(questions(source))


@pytest.mark.parametrize("package", PURE)
def test_evaluators_objectives_and_views_stay_pure(package: str) -> None:
    files = [ROOT / package] if package.endswith(".py") else sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {
        place(file): sorted({name for name in imported(file) if not _allowed(name, PURE[package])})
        for file in files
        if place(file) != READS
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def _allowed(name: str, own: tuple[str, ...]) -> bool:
    if name.split(".")[0] in ("distill", "teachers", "students", "recipes"):
        return inside(name, own)
    return not inside(name, IMPURE)


def test_evaluators_know_arrays_and_no_torch() -> None:
    names = {name for file in (ROOT / "distill" / "evaluation").rglob("*.py") for name in imported(file)}
    assert not any(inside(name, ("torch",)) for name in names) and any(inside(name, ("numpy",)) for name in names)
