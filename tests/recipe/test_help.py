"""`--help` of a recipe shows what its stages use; `--help all` shows every key."""

import re
from pathlib import Path

import pytest

from distill.recipe.help import unused, without_all
from distill.recipe.parser import RecipeReader
from tests.helpers.running import write_recipe

SECTIONS = ("data", "teacher", "objective", "probe", "teach", "pretrain", "fine_tune", "transfer", "export", "card")


def shown(path: str, *arguments: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        RecipeReader(path).read(arguments)
    assert ended.value.code == 0
    return capsys.readouterr().out


def sections(text: str) -> set[str]:
    return set(re.findall(r"^  --(\w+)\.\w", text, flags=re.MULTILINE))


def test_the_sections_that_stages_use_are_shown_and_the_others_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write_recipe(tmp_path))
    text, whole = shown(path, "--help", capsys=capsys), shown(path, "--help", "all", capsys=capsys)
    assert sections(text) == {"data", "prepare", "teacher", "student", "objective"} | {
        "teach",
        "transfer",
        "evaluate",
        "export",
    }
    assert sections(whole) - sections(text) == {"probe", "pretrain", "fine_tune", "trainer", "card", "cells"}
    end = " ".join(text[text.index("Not shown") :].split())
    assert all(f"--{name}.*" in end for name in sections(whole) - sections(text)) and "--help all" in end
    assert len(text.splitlines()) < 0.6 * len(whole.splitlines())
    assert "Lightning's Trainer" in end and "Probe:" not in text


def test_the_command_lines_stages_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(str(write_recipe(tmp_path)), "--stages", "[fine_tune]", "-h", capsys=capsys)
    assert not {"teacher", "objective", "teach", "transfer"} & sections(text) and "fine_tune" in sections(text)


@pytest.mark.parametrize(
    ("content", "stages", "expected"),
    [
        ({"stages": ["probe", "transfer"]}, None, {"teach", "pretrain", "fine_tune"}),
        ({}, None, {"probe", "teach", "pretrain", "fine_tune"}),
        ({}, "[pretrain]", {"probe", "teach", "fine_tune", "transfer", "teacher", "objective"}),
        ({"pretrain": {"teacher_top": 5}}, "[pretrain]", {"probe", "teach", "fine_tune", "transfer", "objective"}),
    ],
)
def test_what_no_stage_uses(content: dict[str, object], stages: str | None, expected: set[str]) -> None:
    assert set(unused(content, stages, SECTIONS)) == expected | {"trainer", "card"}


def test_what_one_task_needs_is_shown_where_the_recipe_has_it() -> None:
    sections = (*SECTIONS, "cells")
    assert set(unused({}, None, sections)) - set(unused({"cells": {}}, None, sections)) == {"cells"}


def test_the_word_after_help_is_taken_away() -> None:
    assert without_all(["--seed", "3", "--help", "all"]) == (["--seed", "3", "--help"], True)
    assert without_all(["-h", "all", "--seed=3"]) == (["-h", "--seed=3"], True)
    assert without_all(["--data.root", "all", "--help"]) == (["--data.root", "all", "--help"], False)
