"""The task from top to bottom on photographs of four towns, two of them on either side of the date line."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.answers.places import Places
from distill.cli import main
from distill.data.s2 import leaf_cells, parents, tokens
from distill.errors import DistillError
from distill.evaluation.great_circle import great_circle
from distill.predictors.open import open_predictor
from distill.registries import TASKS
from distill.tasks import open_task
from tests.helpers.running import complaint, read, run_recipe, write_recipe
from tests.helpers.squares_of_earth import TOWNS, photographs, recipe_of_places


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Where a recipe lies, beside the directory of a run of it, and its results."""
    place = tmp_path_factory.mktemp("places")
    recipe = write_recipe(place, recipe_of_places(photographs(place / "photographs")))
    return place, run_recipe(recipe, place / "run")


def test_a_run_ends_with_shares_within_five_radii_for_everyone(ran: tuple[Path, dict[str, Any]]) -> None:
    place, results = ran
    names = [f"within {radius} km" for radius in (750, 1, 25, 200, 2500)]
    for model in (results["teacher"], results["student"], *results["exports"]):
        assert list(model["metrics"]) == [*names, "median error, km"]
        assert model["counts"]["pictures"] == 20
    assert results["teacher"]["metrics"]["within 25 km"] > 0.9
    assert results["student"]["metrics"]["within 25 km"] > 0.5  # four times what one guess has
    assert results["exports"][0]["passed"] is True
    assert results["cells"]["cells"] == 4 and results["cells"]["photographs"] == 64
    # Suva and Apia are 1,160 km apart over the date line: one guess serves both within 2,500 km, no other two.
    assert results["constant"]["within 750 km"] == 0.25 and results["constant"]["within 2500 km"] == 0.5
    assert results["reach"]["within 25 km"] == 1
    assert results["student"]["by_chance"] == 0.25
    page, card = ((place / "run" / name).read_text() for name in ("report.html", "README.md"))
    assert "How near the guesses are" in page and "Natural Earth" in page and "http" not in _in_map(page)
    assert "did not agree to be located" in card


def _in_map(page: str) -> str:
    return page.partition("<h2>On the map</h2>")[2].partition("</section>")[0].replace("http://www.w3.org", "")


def test_the_file_carries_its_table_of_cells(ran: tuple[Path, dict[str, Any]]) -> None:
    place, _ = ran
    student, file = (open_predictor(place / "run" / at) for at in ("student", "export/student.onnx"))
    assert isinstance(file.kind, Places) and file.kind == student.kind
    assert len(file.kind.classes or ()) == len(file.kind.latitudes or ()) == 4
    nearest = great_circle(file.kind.table[:, None], np.array(list(TOWNS.values()))).min(axis=1)
    assert (nearest < 0.5).all()
    assert file.kind.radii is not None and file.kind.sure_from is not None and file.kind.sure_from[0] == 0


@pytest.mark.parametrize(("rule", "expected"), [("cell", 0), ("mode", 1)])
def test_a_file_is_scored_by_the_rule_of_the_recipe(
    ran: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, rule: str, expected: int
) -> None:
    place, _ = ran
    file = open_predictor(place / "run" / "export" / "student.onnx")
    assert isinstance(file.kind, Places) and file.kind.place == "cell"
    table = file.kind.table
    # Two cells near each other together have more than the likeliest, which lies far from both.
    apart = great_circle(table[:, None], table) + np.diag(np.full(len(table), np.inf))
    near, other = np.unravel_index(apart.argmin(), apart.shape)
    far = next(c for c in range(len(table)) if c not in (near, other))
    probabilities = np.zeros((1, len(table)), np.float32)
    probabilities[0, [far, near, other]] = 0.35, 0.33, 0.32
    judging = open_task(read(place / "tiny.yaml", ["--evaluate.place", rule])[0], place / "run" / "data").judging
    monkeypatch.setattr(judging, "answers", lambda *_: {"probabilities": probabilities})
    guesses = judging.seen(file, judging.pictures.test.where(np.arange(len(judging.pictures.test)) < 1), "test")
    assert guesses.cells.tolist() == [(far, near)[expected]]


def test_a_table_of_guesses(ran: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, _ = ran
    table = tmp_path / "guesses.csv"
    model = str(place / "run" / "export" / "student.onnx")
    assert main(["predict", model, str(place / "photographs" / "images"), "--csv", str(table)]) == 0
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert list(rows[0]) == ["file", "latitude", "longitude", "probability", "radius_km", "cell"]
    right = 0
    for row in rows:
        truth = TOWNS[row["file"].partition("-")[0]]
        guess = np.array([float(row["latitude"]), float(row["longitude"])])
        right += bool(great_circle(guess, np.array(truth)) < 1)
        assert 0 <= float(row["probability"]) <= 1 and float(row["radius_km"]) >= 0
    assert right > 0.5 * len(rows)


def test_the_teachers_file_teaches_a_run_of_other_cells(ran: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, _ = ran
    content = json.loads((place / "tiny.yaml").read_text())
    own = open_predictor(place / "run" / "teacher" / "teacher.onnx").kind
    assert isinstance(own, Places)
    finer = parents(leaf_cells(np.array(list(TOWNS.values()))), 6)  # than those that were cut
    listed = tmp_path / "cells.txt"
    listed.write_text("\n".join(f"{token} somewhere" for token in tokens(finer)))
    content |= {
        "stages": ["transfer"],
        "teacher": {"name": "onnx", "file": str(place / "run" / "teacher" / "teacher.onnx")},
        "cells": {"tokens": str(listed)},
    }
    results = run_recipe(write_recipe(tmp_path, content), tmp_path / "run")
    assert "shared out" in results["teacher"]["name"]
    assert results["cells"]["cells"] == 4
    assert results["teacher"]["metrics"]["within 25 km"] > 0.9


def test_stages_are_repeated_where_cells_change(ran: tuple[Path, dict[str, Any]]) -> None:
    place, _ = ran
    recipe = place / "tiny.yaml"
    facts = []
    for arguments in ([], ["--cells.smoothing", "1"]):
        read_recipe, _text = read(recipe, arguments)
        task = TASKS.get("places")(read_recipe, place / "run" / "data")
        facts.append(task.teaching.learns_from())
    assert facts[0] != facts[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--prepare.align", "celeba"], "prepare.align: of faces"),
        (["--stages", "[probe,transfer]"], "Take `teach`"),
        (["--cells.most", "5", "--cells.least", "9"], "1 <= least <= most"),
        (["--teach.loss", "generalized_cross_entropy"], "the task is places"),
    ],
)
def test_what_is_of_another_task_is_refused(ran: tuple[Path, dict[str, Any]], arguments: list[str], words: str) -> None:
    assert words in complaint(ran[0] / "tiny.yaml", *arguments)


def test_pictures_without_a_place_are_refused(tmp_path: Path) -> None:
    content = recipe_of_places(tmp_path / "none.csv") | {
        "data": {"name": "rendered_faces", "train": 8, "validation": 4, "test": 4, "people": 4}
    }
    with pytest.raises(DistillError, match="says nothing of where its pictures were taken"):
        run_recipe(write_recipe(tmp_path, content), tmp_path / "run")
