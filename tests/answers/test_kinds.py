"""Kinds of answers: what they make of a network's tensors, against the formulas, and what their files carry."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from distill.answers import Boxes, Detections, Embedding, Probabilities, Softmax
from distill.answers.kind import Kind, named
from distill.answers.places import Places
from distill.errors import DistillError
from distill.registries import ANSWERS

NAMES = ("Bald", "Male", "Ängstlich")
LOGITS = np.random.default_rng(0).normal(scale=3, size=(6, 3))


def activated(kind: Kind, values: np.ndarray) -> np.ndarray:
    outputs = {kind.raw[0]: torch.from_numpy(values.astype(np.float32))}
    answers = kind.activate(outputs)
    assert tuple(answers) == kind.tensors
    return answers[kind.tensors[0]].numpy()


def test_kinds_are_found_by_the_names_of_files() -> None:
    assert ANSWERS.names() == ["boxes", "detections", "embedding", "places", "probabilities", "softmax"]
    assert ANSWERS.get("softmax") is Softmax
    with pytest.raises(
        DistillError, match=r"'logits'\. Expected one of boxes, detections, embedding, places, probabilities, softmax"
    ):
        ANSWERS.get("logits")


def test_a_tensor_that_is_alone_takes_the_name_of_its_kind() -> None:
    tensor = torch.zeros(2, 3)
    assert named(tensor, "logits") == {"logits": tensor} == named({"logits": tensor}, "embedding")


def test_each_attribute_has_a_probability_of_its_own() -> None:
    np.testing.assert_allclose(activated(Probabilities(NAMES), LOGITS), 1 / (1 + np.exp(-LOGITS)), rtol=1e-5)


def test_classes_that_exclude_each_other_share_one_probability() -> None:
    powers = np.exp(LOGITS)
    np.testing.assert_allclose(activated(Softmax(NAMES), LOGITS), powers / powers.sum(1, keepdims=True), rtol=1e-5)


def test_embeddings_are_of_unit_length_and_zero_stays() -> None:
    values = np.concatenate([LOGITS, np.zeros((1, 3))])
    expected = LOGITS / np.sqrt((LOGITS**2).sum(1, keepdims=True))
    found = activated(Embedding(3), values)
    np.testing.assert_allclose(found[:-1], expected, rtol=1e-5)
    assert not found[-1].any()


@pytest.mark.parametrize("kind", [Probabilities(NAMES), Softmax(NAMES), Embedding(3)], ids=lambda kind: kind.name)
def test_what_stood_before_the_activation_gives_the_same_answers(kind: Kind) -> None:
    answers = activated(kind, LOGITS)
    before = kind.before_activation({kind.tensors[0]: answers})
    assert before.shape == LOGITS.shape
    np.testing.assert_allclose(activated(kind, before), answers, rtol=1e-5)


def test_logits_come_back_from_probabilities() -> None:
    found = Probabilities(NAMES).before_activation({"probabilities": activated(Probabilities(NAMES), LOGITS)})
    np.testing.assert_allclose(found, LOGITS, rtol=1e-3, atol=1e-4)
    centred = Softmax(NAMES).before_activation({"probabilities": activated(Softmax(NAMES), LOGITS)})
    np.testing.assert_allclose(centred, LOGITS - LOGITS.mean(1, keepdims=True), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [Probabilities(NAMES), Softmax(NAMES)], ids=lambda kind: kind.name)
def test_certain_answers_have_finite_logits(kind: Kind) -> None:
    assert np.isfinite(kind.before_activation({"probabilities": np.array([[0, 1, 0]], np.float32)})).all()


@pytest.mark.parametrize(
    "kind",
    [
        Probabilities(NAMES, (0.5, 0.1 + 0.2, 1)),
        Probabilities(NAMES),
        Softmax(NAMES),
        Embedding(128, {"0.01": 0.1 + 0.2, "0.001": 1}),
        Embedding(2),
        Boxes(NAMES, 1917),
        Detections(NAMES, 20),
    ],
)
def test_facts_survive_json(kind: Kind) -> None:
    assert type(kind).of_facts(json.loads(json.dumps(kind.facts()))) == kind


@pytest.mark.parametrize(
    ("kind", "facts", "said"),
    [
        (Probabilities, {"classes": ["a"]}, "thresholds: missing or unknown of probabilities; expected classes, thres"),
        (Probabilities, {"classes": ["a"], "thresholds": None, "far": 1}, "far: missing or unknown"),
        (Probabilities, {"classes": None, "thresholds": None}, "classes: None, expected a list of names"),
        (Probabilities, {"classes": [], "thresholds": None}, r"classes: \(\), expected a list of names, at least one"),
        (Probabilities, {"classes": "abc", "thresholds": None}, "classes: 'abc', expected a list of names"),
        (Probabilities, {"classes": ["a", 3], "thresholds": None}, "classes: .*expected a list of names"),
        (Softmax, {"classes": ["a", "b", "a"], "thresholds": None}, "classes: a name stands there twice"),
        (Softmax, {"classes": ["a", "b"], "thresholds": 0.5}, "thresholds: 0.5, expected a list of numbers, or null"),
        (Softmax, {"classes": ["a", "b"], "thresholds": [0.5, "1"]}, "thresholds: .*expected a list of numbers"),
        (Softmax, {"classes": ["a", "b"], "thresholds": [0.5]}, "thresholds: 1 for 2 classes, expected one each"),
        (Embedding, {"dimensions": 4}, "far_thresholds: missing or unknown of embedding; expected dimensions, far_"),
        (Embedding, {"dimensions": None, "far_thresholds": None}, "dimensions: None, expected those of an embedding"),
        (Embedding, {"dimensions": 0, "far_thresholds": None}, "dimensions: 0, expected"),
        (Embedding, {"dimensions": "4", "far_thresholds": None}, "dimensions: '4', expected"),
        (Embedding, {"dimensions": 4, "far_thresholds": [0.5]}, "far_thresholds: .*expected a cosine by FAR, or null"),
        (Boxes, {"classes": ["a"]}, "anchors: missing or unknown of boxes; expected anchors, classes"),
        (Boxes, {"classes": ["a"], "anchors": 0}, "anchors: 0, expected the number of a detector's anchors"),
        (Boxes, {"classes": ["a", "a"], "anchors": 6}, "classes: a name stands there twice"),
        (Detections, {"classes": None, "most": 100}, "classes: None, expected a list of names"),
        (Detections, {"classes": ["a"], "most": "4"}, "most: '4', expected the number of boxes"),
        (Embedding, {"dimensions": 4, "far_thresholds": {"0.1": "x"}}, "far_thresholds: .*expected a cosine by FAR"),
    ],
)
def test_wrong_facts_are_refused_by_name(kind: type[Kind], facts: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillError, match=f"^{said}"):
        kind.of_facts(facts)


@pytest.mark.parametrize("kind", [Probabilities, Softmax])
def test_a_network_that_names_its_classes(kind: type[Probabilities] | type[Softmax]) -> None:
    called = kind(("a", "b"), (0.1, 0.2)).called(NAMES)
    assert (called, called.class_names, called.outputs) == (kind(NAMES), NAMES, 3)  # thresholds are of other classes
    assert kind(NAMES).called(None).class_names is None
    assert kind(NAMES).shapes == {"logits": (3,)}


def test_the_dimensions_of_an_embedding_are_seen() -> None:
    seen = Embedding(far_thresholds={"0.1": 0.4}).of_outputs({"embedding": torch.zeros(5, 7)})
    assert (seen, seen.shapes, seen.outputs) == (Embedding(7, {"0.1": 0.4}), {"embedding": (7,)}, 7)
    assert seen.called(NAMES) == seen and seen.class_names is None


@pytest.mark.parametrize("kind", [Embedding, Probabilities, Softmax])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_no_number_teaches_nothing(kind: type[Kind], number: float) -> None:
    tensor = torch.ones(3, 4)
    assert kind.useless({kind.raw[0]: tensor}) is None
    tensor[1, 2] = number
    assert kind.useless({kind.raw[0]: tensor}) == "NaN or infinity"


def test_the_zero_vector_teaches_nothing_as_an_embedding_alone() -> None:
    tensor = torch.ones(3, 4)
    tensor[1] = 0
    assert "zero vector" in (Embedding.useless({"embedding": tensor}) or "")
    assert Probabilities.useless({"logits": tensor}) is Softmax.useless({"logits": tensor}) is None


def test_a_row_of_attributes_says_what_is_present() -> None:
    kind, answers = Probabilities(NAMES, (0.9, 0.25, 0.5)), {"probabilities": np.array([0.8, 0.25, 0.75], np.float32)}
    assert kind.heading() == ["present", *NAMES]
    assert kind.row(answers) == ["Male Ängstlich", "0.8000", "0.2500", "0.7500"]
    assert Probabilities(NAMES).row(answers)[0] == "Bald Ängstlich"  # from one half where none was chosen


def test_a_row_of_classes_says_the_likeliest() -> None:
    kind = Softmax(NAMES)
    assert kind.heading() == ["class", "probability", *NAMES]
    answers = {"probabilities": np.array([0.25, 0.625, 0.125], np.float32)}
    assert kind.row(answers) == ["Male", "0.6250", "0.2500", "0.6250", "0.1250"]


@pytest.mark.parametrize(("threshold", "name"), [(0.625, "Male"), (0.63, "none of these")])
def test_a_row_of_a_picture_below_the_threshold_says_none_of_these(threshold: float, name: str) -> None:
    answers = {"probabilities": np.array([0.25, 0.625, 0.125], np.float32)}
    row = Softmax(NAMES, (threshold,) * 3).row(answers)
    assert row == [name, "0.6250", "0.2500", "0.6250", "0.1250"]


def test_a_table_of_embeddings_would_say_nothing() -> None:
    with pytest.raises(DistillError, match="gives embeddings, which are compared, and have no classes to write"):
        Embedding(3).heading()
    assert Embedding(3).row({"embeddings": np.array([0.5, -0.25, 1], np.float32)}) == [
        "0.500000",
        "-0.250000",
        "1.000000",
    ]


def test_how_sure_answers_are() -> None:
    answers = {"probabilities": np.array([[0.9, 0.1, 0.0], [0.4, 0.5, 0.1]], np.float32)}
    np.testing.assert_allclose(Softmax(NAMES).sureness(answers), [0.9, 0.5])
    np.testing.assert_allclose(
        Probabilities(NAMES).sureness(answers), [(0.8 + 0.8 + 1) / 3, (0.2 + 0 + 0.8) / 3], rtol=1e-6
    )
    assert Embedding(3).sureness({"embeddings": np.eye(3)}) is None


def boxes_of_a_network() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    anchors = torch.tensor([[0.3, 0.5, 0.2, 0.4], [0.6, 0.5, 0.5, 0.1]]).expand(5, 2, 4)
    return {
        "locations": torch.randn(5, 2, 4, generator=generator),
        "logits": torch.randn(5, 2, 3, generator=generator),
        "anchors": anchors,
    }


def test_boxes_are_decoded_from_their_anchors() -> None:
    outputs = boxes_of_a_network()
    answers = Boxes(NAMES, 2).activate(outputs)
    assert tuple(answers) == Boxes.tensors
    for picture in range(5):
        for number in range(2):
            x, y, width, height = outputs["anchors"][picture, number].tolist()
            right, down, wider, higher = outputs["locations"][picture, number].tolist()
            centre = x + 0.1 * right * width, y + 0.1 * down * height
            size = width * math.exp(0.2 * wider), height * math.exp(0.2 * higher)
            wanted = [middle + sign * side / 2 for sign in (-1, 1) for middle, side in zip(centre, size, strict=True)]
            assert answers["boxes"][picture, number].tolist() == pytest.approx(wanted, rel=1e-5)
    np.testing.assert_allclose(answers["scores"].numpy(), 1 / (1 + np.exp(-outputs["logits"].numpy())), rtol=1e-5)


def test_boxes_know_their_anchors_from_a_network_that_was_seen() -> None:
    seen = Boxes(NAMES).of_outputs(boxes_of_a_network())
    assert (seen, seen.outputs) == (Boxes(NAMES, 2), 2 * (4 + 3 + 4))
    assert {name: tuple(tensor.shape[1:]) for name, tensor in boxes_of_a_network().items()} == seen.shapes
    assert seen.called(("a",)).class_names == ("a",) and seen.head().takes == "pyramid" and seen.head().classes == 3
    with pytest.raises(DistillError, match="to find boxes of 0 classes"):
        Boxes().head()


def test_detections_are_a_teachers() -> None:
    kind = Detections(NAMES, 7)
    assert kind.shapes == {"boxes": (7, 4), "scores": (7, 3)}
    answers = {"boxes": torch.zeros(1, 7, 4), "scores": torch.full((1, 7, 3), 0.5)}
    assert kind.activate(answers) == answers and kind.useless(answers) is None
    answers["scores"][0, 3, 1] = 1.5
    assert kind.useless(answers) == "scores outside of 0..1"
    with pytest.raises(DistillError, match="a student is asked for boxes"):
        kind.head()


def drawn_boxes() -> dict[str, np.ndarray]:
    """Two cats and a dog in the second picture, one of the cats boxed twice; nothing in the first."""
    boxes = np.zeros((2, 4, 4), np.float32)
    boxes[1] = [[0.1, 0.1, 0.5, 0.5], [0.12, 0.1, 0.5, 0.5], [0.6, 0.25, 0.875, 0.75], [0.1, 0.1, 0.5, 0.5]]
    scores = np.full((2, 4, 3), 0.02, np.float32)
    scores[1, [0, 1, 2, 3], [0, 0, 0, 1]] = [0.75, 0.875, 0.5, 0.625]
    return {"boxes": boxes, "scores": scores}


def test_a_table_of_boxes_has_a_row_for_each_thing() -> None:
    kind, answers = Boxes(NAMES, 4), drawn_boxes()
    assert kind.heading() == ["class", "score", "x1", "y1", "x2", "y2"]
    assert kind.rows({name: values[0] for name, values in answers.items()}) == []
    assert kind.rows({name: values[1] for name, values in answers.items()}) == [
        ["Bald", "0.8750", "0.1200", "0.1000", "0.5000", "0.5000"],
        ["Male", "0.6250", "0.1000", "0.1000", "0.5000", "0.5000"],
        ["Bald", "0.5000", "0.6000", "0.2500", "0.8750", "0.7500"],
    ]
    np.testing.assert_allclose(kind.sureness(answers), [0.02, 0.875])
    before = kind.before_activation(answers)
    assert before.shape == (2, 4 * 4 + 4 * 3)
    np.testing.assert_allclose(before[1, 4:8], [0.12, 0.1, 0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(before[1, 16], math.log(0.75 / 0.25), rtol=1e-6)


def test_other_kinds_have_one_row_a_picture() -> None:
    kind, answers = Softmax(NAMES), {"probabilities": np.array([0.25, 0.625, 0.125], np.float32)}
    assert kind.rows(answers) == [kind.row(answers)]


def test_the_code_of_a_card_draws_each_thing_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "config.json").write_text(json.dumps({"classes": NAMES}), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    answers = {name: values[1:] for name, values in drawn_boxes().items()}
    scope: dict[str, Any] = {"np": np, "picture": Image.new("RGB", (200, 100)), **answers}
    assert Boxes.reading is not None and len(Boxes.reading.splitlines()) <= 17
    exec(Boxes.reading, scope)
    assert [(int(k), int(c)) for k, c in scope["kept"]] == [(1, 0), (3, 1), (2, 0)]
    with Image.open("boxes.png") as image:
        assert image.getpixel((100, 45)) == (255, 0, 0) and image.getpixel((175, 60)) == (255, 0, 0)
        assert image.getpixel((150, 50)) == (0, 0, 0)


# Vienna, Bratislava, Sydney
EARTH = Places(
    ("476d07", "476c89", "6b12af"), latitudes=(48.2, 48.15, -33.86), longitudes=(16.37, 17.11, 151.21), place="cell"
)


def test_a_guess_is_the_best_cells_place_or_where_the_most_lies() -> None:
    split = np.array([[0.3, 0.3, 0.4]], np.float32)  # two near each other, and one that is alone
    assert EARTH.guesses({"probabilities": split}).cells.tolist() == [2]
    mode = replace(EARTH, place="mode").guesses({"probabilities": split})
    assert mode.cells.tolist() == [0] and mode.places[0].tolist() == [48.2, 16.37]
    assert mode.probabilities[0] == np.float32(0.3)


def test_a_row_of_places_says_how_far_off_such_guesses_were() -> None:
    sure = replace(EARTH, sure_from=(0.0, 0.5), radii=(900.0, 12.5))
    names = ["latitude", "longitude", "probability", "radius_km", "cell"]
    assert sure.heading() == names
    row = sure.row({"probabilities": np.array([0.1, 0.2, 0.7], np.float32)})
    assert row == ["-33.86000", "151.21000", "0.7000", "12.5", "6b12af"]
    assert sure.row({"probabilities": np.array([0.4, 0.3, 0.3], np.float32)})[3] == "900.0"
    assert EARTH.row({"probabilities": np.array([0.4, 0.3, 0.3], np.float32)})[3] == ""


def test_facts_of_places_come_back_and_wrong_ones_are_named() -> None:
    assert Places.of_facts(json.loads(json.dumps(EARTH.facts()))) == EARTH
    for change, words in (
        ({"latitudes": (48.2, 95.0, 0.0)}, "latitudes: expected degrees"),
        ({"longitudes": (1.0,)}, "longitudes: expected 3 numbers"),
        ({"radii": (1.0,)}, "sure_from, radii"),
    ):
        with pytest.raises(DistillError, match=words):
            replace(EARTH, **change).check()
    other = EARTH.called(("a", "b", "c"))
    with pytest.raises(DistillError, match="nothing says where its cells lie"):
        other.guesses({"probabilities": np.zeros((1, 3), np.float32)})


def test_cells_of_a_teacher_are_shared_out_by_ground() -> None:
    shares = EARTH.shares_of(("6b12ac 1 2", "476d", "000001"))
    pairs = set(zip(shares.theirs.tolist(), shares.ours.tolist(), strict=True))
    assert pairs == {(0, 2), (1, 0), (1, 1)}
    assert shares.parts[shares.ours == 2].tolist() == [0.25]
