"""The model card: its code runs as printed, its figures are those measured, and what is not known is said."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from PIL import Image

from distill.answers import Embedding, Probabilities, Softmax
from distill.answers.kind import Kind
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import Card, Recipe
from distill.report.card import write_card
from distill.report.templates import plain
from students.manifest import StudentManifest, write_manifest
from students.mobilenet_v1 import MobilenetV1
from tests.helpers.graphs import projection_graph
from tests.helpers.results import HOSTILE, full_results
from tests.helpers.running import finished, read, write_recipe

NAMES = tuple(f"n{c:08}-Class_{c}" for c in range(12))
EMBEDDING = Embedding(12, {"0.01": 0.61234})


def attributes(classes: tuple[str, ...] = NAMES) -> Probabilities:
    return Probabilities(classes, tuple(np.linspace(0.2, 0.8, len(classes)).tolist()))


def manifest_of(kind: Kind) -> StudentManifest:
    return StudentManifest(
        config=MobilenetV1(width=0.25, resolution=96),
        answers=kind,
        preprocess=Preprocess.imagenet(14, 10, "bicubic"),
        picture=(56, 48),
        seed=0,
        teacher="a teacher",
    )


def results_of(classes: tuple[str, ...] = NAMES) -> dict[str, Any]:
    results = full_results()
    results["exports"][0] |= {"file": "export/student.onnx", "passed": True}
    results["data"]["classes"] = list(classes)
    return results


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    return read(write_recipe(tmp_path))[0]


def code(card: str, language: str = "python") -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", card, flags=re.DOTALL)


def photograph(place: Path) -> Path:
    """Large and wide, upright only by its EXIF."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 9, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(pixels).resize((300, 200), Image.Resampling.BICUBIC).save(place / "picture.jpg", exif=exif)
    return place / "picture.jpg"


@pytest.mark.parametrize(
    "kind",
    [attributes(), Softmax(NAMES), Softmax(NAMES, (0.01,) * 12), Softmax(NAMES, (0.99,) * 12), EMBEDDING],
    ids=["attributes", "classes", "likely", "none_of_these", "embedding"],
)
def test_the_code_runs_as_printed(kind: Kind, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, exclusive = manifest_of(kind), isinstance(kind, Softmax)
    (tmp_path / "export").mkdir()
    projection_graph(tmp_path / "export" / "student.onnx", kind.name)
    write_manifest(tmp_path / "student" / "config.json", manifest)
    results = results_of()
    if exclusive:
        for one in results["student"]["per_class"].values():
            one |= {"accuracy": 0.5, "pictures": 7}
    write_card(tmp_path, results, recipe, manifest)
    photograph(tmp_path)
    monkeypatch.chdir(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert ("accuracy | pictures" in card) == exclusive
    assert "**export/student.onnx**: adapted to int8 in 200 steps" in card
    assert re.findall(r"[^\n]\n(#{2,} .*)", card) == []  # a blank line stands before every heading
    own, *others = code(card)
    names: dict[str, Any] = {}
    exec(own, names)
    expected = names["answers"][0]
    predictor = open_predictor(tmp_path / "export" / "student.onnx")
    assert predictor.picture == (56, 48) and expected.shape == (12,) and expected.std() > 0.05
    own_pixels = predictor.preprocess.resize(torch.from_numpy(names["picture"][None])).numpy()

    names = {}
    for block in others:
        exec(block, names)
    assert names["pixels"].shape == (1, 14, 10, 3) and names["pixels"].dtype == np.uint8
    assert np.abs(names["pixels"] - own_pixels.astype(int)).max() <= 2
    np.testing.assert_allclose(names["answers"][0], expected, atol=0.01)
    if isinstance(kind, Probabilities):
        assert kind.thresholds is not None
        assert names["present"] == [n for n, p, t in zip(NAMES, expected, kind.thresholds, strict=True) if p >= t]
    elif isinstance(kind, Softmax):
        none = kind.thresholds is not None and expected.max() < kind.thresholds[0]
        assert names["likeliest"][:1] == ([] if none else [NAMES[int(expected.argmax())]])
    else:
        assert names["cosine"] == pytest.approx(1)


def test_every_run_leaves_a_card_with_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished()[1]
    results = json.loads((run / "results.json").read_text())
    card = ModelCard.load(run / "README.md")
    assert card.data.license == "unknown" and card.data.datasets == ["rendered_faces"]
    assert {"knowledge-distillation", "mobilenet", "onnx"} <= set(card.data.tags)
    measured = {one.metric_name: one.metric_value for one in card.data.eval_results}
    assert measured["mAP"] == pytest.approx(results["student"]["metrics"]["mAP"], abs=1e-6)
    assert measured["mAP of export/student.onnx"] == pytest.approx(results["exports"][0]["metrics"]["mAP"], abs=1e-6)
    assert {one.dataset_split for one in card.data.eval_results} == {"test"}
    for group in results["groups"]:
        shown = (
            f"| {'' if group['shown'] else 'not '}{group['attribute']} | {group['pictures']} | {group['attributes']} |"
        )
        assert f"{shown} {group['models']['student']['mAP']:.4f}" in card.text
    config = json.loads((run / "student" / "config.json").read_text())
    name, threshold = config["classes"][0], config["thresholds"][0]
    assert re.search(rf"\| {name} \| .* \| {threshold:.4f} \|", card.text)
    assert "Figures on rendered pictures" in card.text and "drawn by Distill" in card.text
    assert "unknown, to be filled in (recipe key `card.license`)" in card.text

    # From a copy of what is shipped, without the library's own loader.
    monkeypatch.chdir(run)
    photograph(tmp_path)
    names: dict[str, Any] = {}
    for block in code(card.text)[1:]:
        exec(block.replace("picture.jpg", str(tmp_path / "picture.jpg")), names)
    assert names["answers"].shape == (1, len(config["classes"]))


def test_licences_are_given_as_the_recipe_has_them(recipe: Recipe, tmp_path: Path) -> None:
    given = Card("cc-by-nc-4.0", "research only", "MIT, from the authors' page")
    write_card(tmp_path, results_of(), replace(recipe, card=given), manifest_of(attributes()))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["license"] == "cc-by-nc-4.0"
    for words in ("student**: cc-by-nc-4.0.", "Pictures**: research only.", "MIT, from the authors' page."):
        assert words in card
    assert "unknown" not in card


def test_an_embedding_says_its_thresholds_and_how_it_was_compared(recipe: Recipe, tmp_path: Path) -> None:
    results = results_of()
    for model in (results["student"], results["teacher"], *results["exports"]):
        model["metrics"] = {"tar@far=1e-2": 0.9}
        model["intervals"] = {"tar@far=1e-2": None}
        for key in ("per_class", "unmeasured"):
            model.pop(key, None)
    results["student"]["difference"] = {"tar@far=1e-2": -0.01, "interval": None}
    aligned = replace(recipe, prepare=replace(recipe.prepare, align="celeba"))
    write_card(tmp_path, results, aligned, manifest_of(EMBEDDING))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| 0.01 | 0.6123 |" in card and "mirror image" in card and "ArcFace's 112 x 112 template" in card
    assert yaml.safe_load(card.split("---\n")[1])["pipeline_tag"] == "image-feature-extraction"


def test_a_file_that_failed_is_marked_in_the_table_and_beside_its_code(recipe: Recipe, tmp_path: Path) -> None:
    results = results_of()
    results["exports"] += [copy.deepcopy(results["exports"][0]) | {"format": "web", "file": "export/web"}]
    results["exports"][0]["passed"] = False
    write_card(tmp_path, results, recipe, manifest_of(attributes()))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| export/student.onnx, failed its gate of 0.1 point |" in card
    assert "`export/student.onnx`, which **failed** its gate:" in card and "do not ship it" in card
    assert "| export/web, passed, within 0.1 point |" in card
    assert code(card, "sh") == ["python -m http.server --directory export/web  # and open http://localhost:8000\n"]


def test_the_tolerance_stands_beside_the_verdict(recipe: Recipe, tmp_path: Path) -> None:
    results = results_of()
    results["exports"][0]["tolerance"] = 40.0
    results["exports"][1]["tolerance"] = 0.1
    write_card(tmp_path, results, recipe, manifest_of(attributes()))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| export/student.onnx, passed, within 40 points |" in card
    assert "| student.mlpackage |" in card  # it was not run
    results["exports"][0]["passed"] = False
    write_card(tmp_path, results, recipe, manifest_of(attributes()))
    assert "student.onnx, failed its gate of 40 points |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_thresholds_that_were_not_chosen_are_named(recipe: Recipe, tmp_path: Path) -> None:
    results = results_of()
    results["student"]["thresholds_unchosen"] = ["Wearing_Hat"]
    write_card(tmp_path, results, recipe, manifest_of(attributes()))
    assert "No threshold could be chosen for Wearing_Hat: of the" in (tmp_path / "README.md").read_text("utf-8")


def test_names_stay_text(recipe: Recipe, tmp_path: Path) -> None:
    classes = ("Bald", "Smiling", HOSTILE, "a|b")
    results = results_of(classes)
    results["student"]["per_class"]["a|b"] = results["student"]["per_class"]["Smiling"]
    write_card(tmp_path, results, recipe, manifest_of(attributes(classes)))
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "<script" not in re.sub(r"\\<", "", card)
    assert r"| a\|b | 0.8312" in card
    assert plain("5_o_Clock\nShadow") == "5_o_Clock Shadow"
