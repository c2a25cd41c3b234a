"""What YAML has and no recipe means is refused under its key, in a file and on a command line alike."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill.recipe import plain
from tests.helpers.running import TINY, complaint, read, write_recipe

NINE = "[&a [1,1,1,1,1,1,1,1,1]" + "".join(
    f", &{name} [{','.join([f'*{before}'] * 9)}]" for before, name in zip("abcdef", "bcdefg", strict=True)
)
REFUSED = {
    "!!timestamp x": "has the YAML tag",
    "!!int x": "has the YAML tag",
    "!!int 3": "has the YAML tag",
    "!!bool x": "has the YAML tag",
    "!!map x": "has the YAML tag",
    "!!map [a]": "has the YAML tag",
    "!!python/object:os.x {}": "has the YAML tag",
    "! 3": "has the YAML tag",
    "{!!int x: 3}": "has the YAML tag",
    "9" * 5000: "looks like a YAML int",
    "0x_": "looks like a YAML int",
    "[" * 900 + "]" * 900: "nested more than 31 levels",
    "{a: " * 900 + "1" + "}" * 900: "nested more than 31 levels",
    "&a [*a]": "contains itself",
    "&a {b: *a}": "contains itself",
    NINE + "]": "more than 100,000 values",
    '"\\ud800"': "U+D800 in it is no character",
    '"\\0"': "U+0000 in it is no character",
    "{? [a]: b}": "in place of a key",
}


def with_value(directory: Path, key: str, value: str) -> Path:
    """A recipe in which a key has a value as it is written."""
    content = copy.deepcopy(TINY)
    section, _, name = key.partition(".")
    content.setdefault(section, {})[name] = "@"
    path = directory / "written.yaml"
    path.write_text(json.dumps(content).replace('"@"', value))
    return path


@pytest.mark.parametrize("value", REFUSED)
def test_what_no_recipe_means_is_refused_under_its_key(value: str, tmp_path: Path) -> None:
    said = complaint(with_value(tmp_path, "prepare.height", value))
    assert said.startswith(f"{tmp_path / 'written.yaml'}: prepare.height") and REFUSED[value] in said
    given = complaint(write_recipe(tmp_path), f"--prepare.height={value}")
    assert given.startswith("prepare.height") and REFUSED[value] in given
    assert len(given) < 1000


@pytest.mark.parametrize("value", ["!!timestamp x", "!!bool x", "9" * 5000, "[" * 900 + "]" * 900, "&a {b: *a}"])
@pytest.mark.parametrize("key", ["evaluate.fars", "export.formats", "trainer.logger"])
def test_lists_and_loggers_of_a_command_line_name_their_key(key: str, value: str, tmp_path: Path) -> None:
    assert key in complaint(write_recipe(tmp_path), f"--{key}", value)


def test_text_that_looks_so_is_text_where_text_is_meant(tmp_path: Path) -> None:
    """A licence may begin with an exclamation mark, and a date that is none is the name of a folder."""
    for written in ("!!timestamp x", "2024-13-45", "[" * 900, "0x_"):
        assert read(write_recipe(tmp_path), ["--card.license", written])[0].card.license == written
    assert read(with_value(tmp_path, "card.license", "2024-13-45"))[0].card.license == "2024-13-45"
    assert read(with_value(tmp_path, "card.license", "2024-01-02 03:04:05"))[0].card.license == "2024-01-02 03:04:05"


def test_a_date_is_no_number(tmp_path: Path) -> None:
    assert "prepare.height" in complaint(with_value(tmp_path, "prepare.height", "2024-13-45"))
    assert "seed" in complaint(write_recipe(tmp_path), "--seed", "2024-01-02")


def test_anchors_that_end_are_followed(tmp_path: Path) -> None:
    path = tmp_path / "anchored.yaml"
    content: dict[str, Any] = copy.deepcopy(TINY)
    content["fine_tune"] = content["transfer"] = content["teach"]  # the dumper makes an anchor of what stands twice
    path.write_text(yaml.safe_dump(content))
    assert "&id" in path.read_text()
    recipe, _ = read(path)
    assert recipe.fine_tune.batch_size == recipe.transfer.batch_size == 16


def test_a_character_that_json_writes_as_two_escapes_is_one(tmp_path: Path) -> None:
    recipe, text = read(write_recipe(tmp_path, TINY | {"card": {"license": "\U0001f600"}}))
    assert recipe.card.license == "\U0001f600" and "\U0001f600" in text
    assert plain.load('["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_a_byte_that_is_no_text_is_refused_on_a_command_line(tmp_path: Path) -> None:
    said = complaint(write_recipe(tmp_path), "--card.license", "caf\udce9")
    assert "--card.license" in said and "U+DCE9" in said
    said.encode("utf-8")  # it can be printed
