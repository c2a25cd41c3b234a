"""What the pages show must run, what they name must be there, and a newcomer must find every page."""

import ast
import importlib
import re
import shlex
import tomllib
from argparse import ArgumentParser, Namespace
from dataclasses import fields
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from distill.commands import COMMANDS
from distill.commands.arguments import CommandParser
from distill.export.formats import FORMATS
from distill.recipe.parser import RecipeReader
from distill.recipe.variants import VARIANTS
from distill.registries import ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS
from distill.sweep.pairs import pairs_of
from distill.sweep.plan import plan
from tests.helpers.markdown import (
    ROOT,
    anchors,
    blocks,
    code_spans,
    commands,
    followed,
    links,
    name,
    pages,
    prose,
)

PAGES = pages()
README = PAGES[0]
RECIPE_PAGES = [page for page in PAGES if page.parent == ROOT / "recipes" and page.stem != "README"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STAND_INS = {"RECIPE": "face_attributes", "NAME": "mobilenet_v1_0.25_96"}
each_page = pytest.mark.parametrize("page", PAGES, ids=name)


class _Parsed(BaseException):  # no command may catch it
    """What a command's parser made of its words: its own arguments, and the keys of the recipe."""

    def __init__(self, own: Namespace, keys: list[str]) -> None:
        super().__init__()
        self.own, self.keys = own, keys


@pytest.fixture
def only_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands stop once they have parsed their words."""
    parse = ArgumentParser.parse_known_args

    def stop(self: ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        found = parse(self, *args, **kwargs)
        if type(self) not in (ArgumentParser, CommandParser):  # jsonargparse's, of a recipe's keys
            return found
        raise _Parsed(*found)

    def all_known(self: ArgumentParser, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.parse_known_args(*args, **kwargs)
        except _Parsed as parsed:
            assert not parsed.keys, f"{self.prog} does not take {parsed.keys}"
            raise

    monkeypatch.setattr(ArgumentParser, "parse_known_args", stop)
    monkeypatch.setattr(ArgumentParser, "parse_args", all_known)


def check_command(words: list[str]) -> None:
    """Parse `distill COMMAND ...` as the command itself does; the recipe and its keys too, where it has one."""
    command, *rest = words[1:]
    assert command in COMMANDS, words
    module = importlib.import_module(f"distill.commands.{command}")
    with pytest.raises((_Parsed, SystemExit)) as ended:
        module.main(rest)
    if isinstance(ended.value, SystemExit):
        assert {"--help", "-h"} & set(rest) and ended.value.code == 0, words
        return
    parsed = ended.value
    for chosen in (getattr(parsed.own, "formats", None) or "").split(","):
        assert not chosen or chosen in FORMATS, words
    recipe = rest[0] if command == "run" else getattr(parsed.own, "recipe", None)
    if recipe is not None:
        _read(command, recipe, tuple(parsed.keys), parsed.own)


def _read(command: str, recipe: str, keys: tuple[str, ...], own: Namespace) -> None:
    if command == "sweep":
        _swept(recipe, keys, own.together, own.labels, own.against)
    elif {"--help", "--print_config"} & set(keys):
        with pytest.raises(SystemExit) as ended:
            RecipeReader(recipe).read(keys)
        assert ended.value.code == 0
    else:
        _resolved(recipe, keys)


@cache
def _resolved(recipe: str, keys: tuple[str, ...]) -> None:
    RecipeReader(recipe).read(keys)


@cache
def _swept(recipe: str, keys: tuple[str, ...], together: bool, labels: bool, against: str | None) -> None:
    points = plan(RecipeReader(recipe), keys, Path("data"), together=together, labels=labels)
    pairs_of(points, against)


def check_other(words: list[str]) -> None:
    """A command that is not distill's: pip's extras are the project's, and Python's modules are there."""
    if words[0].endswith("pip"):
        extras = {extra for word in words for found in re.findall(r"\[(.+)\]", word) for extra in found.split(",")}
        assert words[1] == "install" and extras <= set(PROJECT["project"]["optional-dependencies"]), words
    elif words[0].endswith("python"):
        assert words[1] == "-m" and find_spec(words[2]) is not None, words
    else:
        assert words == ["pytest"]


@each_page
def test_every_command_is_one_that_distill_takes(
    page: Path, only_parsed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in commands(page):
        check_command(words) if words[0] == "distill" else check_other(words)
    for span in code_spans(page):
        words = [STAND_INS.get(word, word) for word in shlex.split(span)]
        if words[0] == "distill" and len(words) > 2:
            check_command(words)


@pytest.mark.parametrize(
    "line",
    [
        "distill walk face_attributes",
        "distill run face_attributes --transfer.epoch 3",
        "distill run face_portraits",
        "distill evaluate face_attributes",
        "distill store verify --views 3 answers",
        "distill export runs/a --formats onyx",
        "distill sweep narrow_or_shallow --student.width 1",
        "distill bench stairs",
        "pip install '.[openwine]'",
        "python -m distill.exports.litert",
    ],
)
def test_a_command_that_would_fail_is_found(line: str, only_parsed: None) -> None:
    words = shlex.split(line)
    with pytest.raises((Exception, SystemExit, pytest.fail.Exception)):
        check_command(words) if words[0] == "distill" else check_other(words)


def test_the_first_two_shell_blocks_are_the_set_up() -> None:
    first, second, *_ = blocks(README, "sh")
    assert first.strip() == "pip install . && distill run face_attributes"
    assert second.strip() == "pip install -e '.[test]' && pytest"


def test_the_readme_is_short() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert len(text.split()) <= 1400


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an example adds to the registries is gone after it."""
    for registry in (ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS):
        monkeypatch.setattr(registry, "_added", {})


def run_blocks(page: Path) -> None:
    """Run its Python blocks one after another, as in one session."""
    names: dict[str, object] = {"__name__": "example"}
    for block in blocks(page, "python"):
        exec(compile(block, name(page), "exec"), names)


@pytest.mark.parametrize("page", PAGES[1:], ids=name)
def test_every_python_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: None) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page)


def parts(tree: ast.Module) -> dict[str, set[str]]:
    """Of each class and function its statements, and of a class its bases, as code."""
    return {
        node.name: {ast.unparse(part) for part in (*getattr(node, "bases", ()), *node.decorator_list, *node.body)}
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }


def test_the_example_of_a_task_is_the_toy_that_is_run_from_end_to_end() -> None:
    toy = parts(ast.parse((ROOT / "tests" / "toys" / "counting.py").read_text(encoding="utf-8")))
    page = ROOT / "distill" / "tasks" / "README.md"
    shown = parts(ast.parse("\n".join(blocks(page, "python"))))
    assert toy.keys() == shown.keys()
    assert {name: kept - toy[name] for name, kept in shown.items() if kept - toy[name]} == {}


def test_the_readme_distils_a_student_in_fifteen_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks(README, "python")
    body = [line for line in example.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(body) <= 15
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)
    student = names["student"]
    assert isinstance(student, nn.Module)
    assert not student.training
    assert student(torch.zeros(2, 3, 64, 64)).shape == (2, 40)


@each_page
def test_every_yaml_block_is_a_recipe(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: None) -> None:
    monkeypatch.chdir(tmp_path)
    if page != README and blocks(page, "yaml"):
        run_blocks(page)  # it may name what the page's examples add
    for block in blocks(page, "yaml"):
        (called,) = re.findall(r"\A# distill run (\w+\.yaml)\n", block)
        (tmp_path / called).write_text(block, encoding="utf-8")
        RecipeReader(str(tmp_path / called)).read([])


def test_the_readmes_recipe_is_of_classes_and_short(tmp_path: Path) -> None:
    (text,) = blocks(README, "yaml")
    assert len(text.splitlines()) <= 30
    (tmp_path / "mushrooms.yaml").write_text(text, encoding="utf-8")
    recipe, _ = RecipeReader(str(tmp_path / "mushrooms.yaml")).read([])
    assert recipe.task == "classes" and recipe.export.formats == ("onnx", "onnx-int8")


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        file, anchor = followed(page, target)
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file), target


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = {README}, [README]
    while ahead:
        page = ahead.pop()
        for file in (followed(page, target)[0] for target in links(page)):
            if file.suffix == ".md" and file not in reached:
                reached.add(file)
                ahead.append(file)
    assert reached == set(PAGES)


@each_page
def test_what_is_named_is_there(page: Path) -> None:
    """Files by their paths, and modules, classes and functions by their dotted names."""
    for span in code_spans(page):
        if re.fullmatch(r"(distill|students|teachers|recipes|tests)(/[\w.\-]+)+/?", span):
            assert (ROOT / span).exists(), span
        if re.fullmatch(r"(distill|students|teachers|recipes)(\.\w+)+", span):
            _resolve(span)


def _resolve(dotted: str) -> Any:
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"{dotted} is no module, and in none")


def test_the_keys_that_pages_name_are_keys_of_a_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        RecipeReader("face_attributes").read(["--help", "all"])
    known = set(re.findall(r"--([\w.]+)", capsys.readouterr().out))
    for section, registry in VARIANTS.items():
        known |= {f"{section}.{field.name}" for one in registry.names() for field in fields(registry.get(one))}
    sections = "|".join(sorted({key.partition(".")[0] for key in known if "." in key}))
    files = r"\.(onnx|safetensors|tflite|xml|pte|mlpackage)$"
    for page in PAGES:
        for word in (word for span in code_spans(page) for word in span.split()):
            key = word.removeprefix("--").partition("=")[0]
            if re.fullmatch(rf"({sections})(\.\w+)+", key) and not re.search(files, key):
                assert any(one == key or one.startswith(f"{key}.") for one in known), f"{name(page)}: {word}"


@pytest.mark.parametrize("page", RECIPE_PAGES, ids=name)
def test_a_recipes_page_has_the_one_order(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", prose(page), flags=re.MULTILINE)
    assert headings == ["Data", "Run", "Your own pictures", "What came out", "Settings"]


def test_every_recipe_has_a_page_and_stands_in_the_table() -> None:
    overview = (ROOT / "recipes" / "README.md").read_text(encoding="utf-8")
    shown = "\n".join(page.read_text(encoding="utf-8") for page in RECIPE_PAGES)
    for path in (ROOT / "recipes").glob("*.yaml"):
        recipe = path.name.partition(".")[0]
        assert f"| `{recipe}` |" in overview, recipe
        assert re.search(rf"distill (run|sweep) {recipe}\b", shown), recipe


def test_every_command_and_every_format_stands_in_its_table() -> None:
    rows = README.read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"| `distill {command}" not in rows] == []
    page = (ROOT / "distill" / "export" / "README.md").read_text(encoding="utf-8")
    table = "".join(re.findall(r"^\|.*$", page, flags=re.MULTILINE))
    assert [written for written in FORMATS if f"`{written}`" not in table] == []


def test_the_map_names_every_package_and_loose_module_once() -> None:
    (_, order) = (ROOT / "distill" / "README.md").read_text(encoding="utf-8").split("\n## Order\n")
    (listed,) = re.findall(r"\A[^`]*```text\n(.*?)```", order, flags=re.DOTALL)
    names = listed.split()
    assert len(set(names)) == len(names)
    for named in names:
        assert find_spec(named) is not None, named
    folders = {path.parent for room in ("distill", "students", "teachers") for path in (ROOT / room).rglob("*.py")}
    dotted = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    # The formats of export have no order among themselves.
    rooms = {room for room in dotted if not room.startswith("distill.export.")}
    loose = {f"distill.{path.stem}" for path in (ROOT / "distill").glob("*.py") if path.stem != "__init__"}
    # Kinds of answers stand on these, and the rest of their packages on them; the last stands on a folder beside it.
    apart = {f"distill.{name}" for name in ("data.targets", "evaluation.great_circle", "data.s2", "data.cells")}
    apart.add("distill.data.sources.coordinates")
    assert rooms | loose | {"recipes"} | apart == set(names)


def test_pages_are_packaged() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    packaged = {path for package, globs in patterns.items() for glob in globs for path in (ROOT / package).glob(glob)}
    with_the_tests = {page for page in PAGES if page.is_relative_to(ROOT / "tests")}
    assert set(PAGES) - packaged == {README, *with_the_tests}
