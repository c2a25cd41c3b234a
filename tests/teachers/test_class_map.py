"""A teacher of more classes than the data has: each class meets the output of its WordNet id, or nothing is taught."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from onnx import TensorProto

from distill.answers import Probabilities
from distill.errors import DistillError
from distill.files.weights import write_weights
from distill.predictors.onnx_metadata import OnnxMetadata
from teachers.class_map import SelectedTeacher, columns_of, load_classifier, read_class_map
from teachers.graph_teacher import BlackBox, Graph
from teachers.mirrored_teacher import MirroredTeacher
from teachers.timm_teacher import Timm
from tests.helpers.graphs import linear_graph, linear_logits

# Of the 1000 in the order of the challenge, tench is the first and dogs begin at 151.
TENCH, CHIHUAHUA, DALMATIAN, POODLE = "n01440764", "n02085620", "n02110341", "n02113799"
CLASSES = (f"{POODLE}-Caniche", f"{TENCH}-tench", f"{CHIHUAHUA}-Chihuahua")
PICTURES = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (5, 3, 8, 6)).astype(np.float32))


def listing(folder: Path, *lines: str) -> Path:
    (folder / "outputs.txt").write_text("".join(f"{line}\n" for line in lines))
    return folder / "outputs.txt"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return listing(tmp_path, "- background", f"{CHIHUAHUA}-Chihuahua", f"{TENCH}\ttench, Tinca tinca", POODLE)


def black_box(folder: Path, ends: str = "Identity", **keys: object) -> Graph:
    graph = linear_graph(folder / "vendor.onnx", shape=("N", 3, 8, 6), kind=TensorProto.FLOAT, ends=ends)
    gives = {"Identity": "logits", "Softmax": "softmax"}[ends]
    return Graph(graph, interpolation="bilinear", gives=gives, scale="0..255", **keys)  # type: ignore[arg-type]


def test_imagenets_outputs_as_published() -> None:
    plain, shifted = read_class_map("imagenet"), read_class_map("imagenet_background")
    assert (len(plain), len(shifted)) == (1000, 1001)
    for place, known in {0: TENCH, 151: CHIHUAHUA, 251: DALMATIAN, 267: POODLE, 999: "n15075141"}.items():
        assert plain[place] == shifted[place + 1] == known
    assert columns_of(CLASSES, shifted, "imagenet_background") == (268, 1, 152)


def test_a_black_box_answers_the_datas_classes_in_their_order(tmp_path: Path, file: Path) -> None:
    recipe = black_box(tmp_path, class_map=file)
    teacher = load_classifier(recipe, CLASSES)
    expected = linear_logits(PICTURES.permute(0, 2, 3, 1).numpy())[:, [3, 2, 1]]
    np.testing.assert_allclose(teacher(PICTURES)["logits"].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert (teacher.outputs, teacher.classes, teacher.name) == (3, CLASSES, "vendor.onnx, 3 of 4 outputs")


def test_a_softmax_over_what_is_kept_renormalises(tmp_path: Path, file: Path) -> None:
    teacher = load_classifier(black_box(tmp_path, "Softmax", class_map=file), CLASSES)
    logits = linear_logits(PICTURES.permute(0, 2, 3, 1).numpy())
    whole = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    kept = whole[:, [3, 2, 1]]
    found = teacher(PICTURES)["logits"].double().softmax(dim=1).numpy()
    np.testing.assert_allclose(found, kept / kept.sum(axis=1, keepdims=True), rtol=1e-5)


def test_a_timm_teacher_keeps_rows_of_its_classifier_and_stays_frozen(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", num_classes=1001).eval()
    write_weights(tmp_path / "wide.safetensors", network)
    recipe = Timm("test_resnet", weights=tmp_path / "wide.safetensors", height=48, width=40, class_map="imagenet")
    teacher = load_classifier(replace(recipe, class_map="imagenet_background"), CLASSES)
    pixels = torch.rand(2, 3, 48, 40) * 255
    with torch.no_grad():
        expected = network(teacher.preprocess.normalize(pixels))[:, [268, 1, 152]]
    torch.testing.assert_close(teacher(pixels)["logits"], expected, rtol=1e-4, atol=1e-5)
    assert not any(parameter.requires_grad for parameter in teacher.train().parameters())
    assert not any(module.training for module in teacher.modules())
    with pytest.raises(
        DistillError, match=r"class_map: imagenet names 1000 outputs\. .*wide.*\(1001, .*expected \(1000,"
    ):
        load_classifier(recipe, CLASSES)
    with pytest.raises(
        DistillError, match=r"wide.*\(1001, .*expected \(3, .*teacher\.class_map is imagenet, .*`teach`"
    ):
        load_classifier(replace(recipe, class_map=None), CLASSES)


def test_another_map_is_another_teacher(tmp_path: Path, file: Path) -> None:
    recipe = black_box(tmp_path, class_map=file)
    first = load_classifier(recipe, CLASSES).fingerprint()
    assert load_classifier(recipe, CLASSES).fingerprint() == first
    assert load_classifier(recipe, CLASSES[::-1]).fingerprint() != first
    listing(tmp_path, CHIHUAHUA, TENCH, POODLE, "-")
    assert load_classifier(recipe, CLASSES).fingerprint() != first
    assert recipe.load(4).fingerprint() != first


def test_outputs_that_do_not_fit(tmp_path: Path, file: Path) -> None:
    with pytest.raises(DistillError, match=r"has 4 outputs, expected 3.*Or name its outputs: teacher\.class_map"):
        load_classifier(black_box(tmp_path), CLASSES)
    with pytest.raises(DistillError, match=r"imagenet names 1000 outputs\. .*vendor\.onnx: has 4 outputs"):
        load_classifier(black_box(tmp_path, class_map="imagenet"), CLASSES)
    with pytest.raises(DistillError, match=r"vendor\.onnx names its 4 outputs itself"):
        load_classifier(black_box(tmp_path, class_map=file, classes=("a", "b", "c", "d")), CLASSES)


def test_two_outputs_of_one_name_are_not_told_apart_by_guessing(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"teacher\.classes: 2 of the 4 outputs of vendor\.onnx are named 'crane'"):
        load_classifier(black_box(tmp_path, classes=("dog", "crane", "cat", "crane")), ("cat", "crane"))
    twice = black_box(tmp_path, classes=("dog", "crane", "crane", "cat"))
    assert load_classifier(twice, ("cat", "dog")).columns.tolist() == [3, 0]


def test_names_in_a_file_of_windows_begin_with_no_mark(tmp_path: Path, file: Path) -> None:
    (tmp_path / "names.txt").write_text("dog\ncat\ncrow\ncrane\n", encoding="utf-8-sig")
    named = load_classifier(black_box(tmp_path, classes=tmp_path / "names.txt"), ("cat", "dog"))
    assert named.columns.tolist() == [1, 0]
    expected = read_class_map(file)
    file.write_text(file.read_text(), encoding="utf-8-sig")
    assert read_class_map(file) == expected


def test_a_student_of_our_own_needs_no_map(tmp_path: Path, file: Path) -> None:
    properties = OnnxMetadata(Probabilities(("a", "b", "c", "d")), 8, 6, "bicubic", 16, 12).to_props()
    recipe = Graph(linear_graph(tmp_path / "student.onnx", properties=properties), class_map=file)
    with pytest.raises(DistillError, match=r"student\.onnx names its 4 outputs itself"):
        load_classifier(recipe, CLASSES)


@pytest.mark.parametrize(
    ("classes", "reason"),
    [
        ((*CLASSES, f"{DALMATIAN}-dalmatian"), r"no output for 1 of the data's 4 classes: n02110341-dalmatian\."),
        ((*CLASSES, "pug", "n0211-short"), r"2 of 5 classes have no WordNet id: pug, n0211-short\."),
        ((*CLASSES, f"{TENCH}-tinca"), r"share a WordNet id: n01440764-tench, n01440764-tinca\."),
    ],
)
def test_classes_that_the_map_cannot_place(file: Path, classes: tuple[str, ...], reason: str) -> None:
    with pytest.raises(DistillError, match=reason):
        columns_of(classes, read_class_map(file), file)


def test_many_classes_without_an_output_are_counted_and_some_named(file: Path) -> None:
    classes = tuple(f"{known}-dog" for known in read_class_map("imagenet")[151:171])
    with pytest.raises(DistillError, match=r"no output for 19 of the data's 20 classes: n02085782-dog, .*, \.\.\.\."):
        columns_of(classes, read_class_map(file), file)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("tench",), r"outputs\.txt, line 1: 'tench', expected a WordNet id"),
        ((TENCH, "", POODLE), r"line 2: '', expected"),
        ((TENCH, "n2085620"), r"line 2: 'n2085620', expected"),
        ((TENCH, "-", "-", TENCH), r"line 4: n01440764 is line 1 already"),
    ],
)
def test_a_file_that_is_no_map(tmp_path: Path, lines: tuple[str, ...], reason: str) -> None:
    with pytest.raises(DistillError, match=reason):
        read_class_map(listing(tmp_path, *lines))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"teacher\.class_map: .*absent\.txt: no such file"):
        read_class_map(tmp_path / "absent.txt")


def test_mirrored_it_still_selects(tmp_path: Path, file: Path) -> None:
    plain, mirrored = (load_classifier(black_box(tmp_path, class_map=file, mirror=on), CLASSES) for on in (False, True))
    assert isinstance(mirrored, MirroredTeacher) and mirrored.classes == CLASSES
    # A mean over each channel does not see a mirror.
    torch.testing.assert_close(mirrored(PICTURES)["logits"], plain(PICTURES)["logits"])
    assert isinstance(mirrored.whole, SelectedTeacher) and isinstance(mirrored.whole.whole, BlackBox)
    # What is selected is of the whole graph's cost: 3 channels to 4 outputs.
    assert (plain.size()["mult_adds"], mirrored.size()["mult_adds"]) == (12, 24)
    assert mirrored.fingerprint() != plain.fingerprint()


def test_is_a_teacher_with_a_size_of_its_own(tmp_path: Path, file: Path) -> None:
    teacher = load_classifier(black_box(tmp_path, class_map=file), CLASSES)
    assert isinstance(teacher, SelectedTeacher)
    assert teacher.preprocess == teacher.whole.preprocess
