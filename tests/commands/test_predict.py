"""`distill predict` writes what a student sees, and leaves out what is no picture, by name."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from distill import cli
from distill.answers import Boxes, Embedding, Probabilities
from distill.answers.located import SHOWN_FROM
from distill.answers.suppression import suppressed
from distill.data.prepared.alignment import warp
from distill.predictors.open import student_predictor
from distill.preprocess.landmarks import ARCFACE, LANDMARKS, similarity
from distill.preprocess.preprocess import fit
from students.files import load_student, save_student
from students.manifest import StudentManifest
from students.ssd import Ssd, SsdMobilenetV1
from students.student import build_student
from tests.helpers.detectors import OFFSETS, SIZE, middle, photograph, yunet_graph
from tests.helpers.graphs import projection_graph
from tests.helpers.running import finished


def picture(seed: int, height: int = 32, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures at several depths, one of another aspect, one with a name that is markup to some, and a wreck."""
    root = tmp_path / "pictures"
    (root / "deep" / "deeper").mkdir(parents=True)
    Image.fromarray(picture(0)).save(root / "a.png")
    wide = np.zeros((32, 72, 3), np.uint8)
    wide[:, 20:52] = picture(1)
    wide[:, :20], wide[:, 52:] = 255, 77  # cut away, so that it does not matter
    Image.fromarray(wide).save(root / "deep" / "wide.png")
    Image.fromarray(picture(2)).save(root / "deep" / "deeper" / "[red]c.PNG")
    (root / "deep" / "[bold]wreck:smile:.jpg").write_bytes(b"\xff\xd8 no picture")
    (root / "notes.txt").write_text("not listed")
    return root


def predict(model: str, folder: Path, file: Path) -> int:
    return cli.main(["predict", str(finished()[1] / model), str(folder), "--csv", str(file)])


@pytest.mark.parametrize("model", ["student", "export/student.onnx"])
def test_a_row_a_picture_at_any_depth(
    model: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(model, folder, tmp_path / "seen.csv") == 0
    with (tmp_path / "seen.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    network, manifest = load_student(finished()[1] / "student")
    kind = manifest.answers
    assert isinstance(kind, Probabilities) and kind.classes and kind.thresholds
    assert header == ["file", "present", *kind.classes]
    assert [row[0] for row in rows] == ["a.png", "deep/deeper/[red]c.PNG", "deep/wide.png"]

    pixels = torch.from_numpy(np.stack([picture(seed) for seed in (0, 2, 1)])).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (manifest.preprocess.mean, manifest.preprocess.std))
    with torch.no_grad():
        expected = network((pixels - mean) / std).sigmoid().numpy()
    found = np.array([[float(value) for value in row[2:]] for row in rows])
    np.testing.assert_allclose(found, expected, atol=1e-3)  # the file has four decimals
    for row, probabilities in zip(rows, expected, strict=True):
        sure = np.abs(probabilities - kind.thresholds) > 1e-4
        present = {name for name, p, t in zip(kind.classes, probabilities, kind.thresholds, strict=True) if p >= t}
        unsure = {name for name, one in zip(kind.classes, sure, strict=True) if not one}
        assert set(row[1].split()) - unsure == present - unsure

    errors = capsys.readouterr().err
    assert "left out: deep/[bold]wreck:smile:.jpg" in errors
    assert "3 pictures, 1 left out" in errors


def test_pictures_are_fitted_as_the_student_was_trained(folder: Path, tmp_path: Path) -> None:
    network, manifest = load_student(finished()[1] / "student")
    save_student(tmp_path / "student", network, dataclasses.replace(manifest, fit="stretch"))
    assert cli.main(["predict", str(tmp_path / "student"), str(folder), "--csv", str(tmp_path / "seen.csv")]) == 0
    with Image.open(folder / "deep" / "wide.png") as wide:
        pixels = fit(np.array(wide), *manifest.picture, "stretch")
    expected = student_predictor(network, manifest)(pixels[None])["probabilities"][0]
    with (tmp_path / "seen.csv").open(newline="", encoding="utf-8") as file:
        row = next(row for row in csv.reader(file) if row[0] == "deep/wide.png")
    np.testing.assert_allclose([float(value) for value in row[2:]], expected, atol=1e-4)


def test_the_thresholds_are_the_models_own(folder: Path, tmp_path: Path) -> None:
    config = json.loads((finished()[1] / "student" / "config.json").read_text())
    assert predict("student", folder, tmp_path / "before.csv") == 0
    changed = tmp_path / "student"
    changed.mkdir()
    (changed / "student.safetensors").write_bytes((finished()[1] / "student" / "student.safetensors").read_bytes())
    config["thresholds"] = [0.0, *[1.1] * (len(config["classes"]) - 1)]
    (changed / "config.json").write_text(json.dumps(config))
    assert cli.main(["predict", str(changed), str(folder), "--csv", str(tmp_path / "after.csv")]) == 0
    with (tmp_path / "after.csv").open(newline="") as file:
        assert [row["present"] for row in csv.DictReader(file)] == [config["classes"][0]] * 3
    assert (tmp_path / "before.csv").read_text() != (tmp_path / "after.csv").read_text()


@pytest.mark.parametrize(("threshold", "none"), [(0.99, True), (0.01, False)])
def test_a_picture_of_none_of_the_classes(threshold: float, none: bool, folder: Path, tmp_path: Path) -> None:
    model = projection_graph(tmp_path / "classes.onnx", "softmax", threshold=threshold)
    assert cli.main(["predict", str(model), str(folder), "--csv", str(tmp_path / "seen.csv")]) == 0
    with (tmp_path / "seen.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] == "none of these" for row in rows] == [none] * 3
    for row in rows:  # the likeliest is still in the row
        likeliest = max((name for name in row if name.startswith("n0")), key=lambda name: float(row[name]))
        assert float(row["probability"]) == float(row[likeliest])


def test_a_folder_with_nothing_to_see(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    for folder, reason in ((tmp_path / "empty", "holds no picture"), (tmp_path / "none", "none")):
        assert predict("student", folder, tmp_path / "seen.csv") == 2
        error = capsys.readouterr().err
        assert str(folder) in error and reason in error
    assert not (tmp_path / "seen.csv").exists()


def test_a_folder_of_wrecks_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrecks").mkdir()
    for name in ("a.jpg", "b.png"):
        (tmp_path / "wrecks" / name).write_bytes(b"no picture")
    (tmp_path / "seen.csv").write_text("mine")
    assert predict("student", tmp_path / "wrecks", tmp_path / "seen.csv") == 2
    error = capsys.readouterr().err
    assert "none of its 2 pictures can be used" in error and "a.jpg" in error and "b.png" in error
    assert (tmp_path / "seen.csv").read_text() == "mine"


def test_a_file_that_is_no_student_is_refused(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert predict("report.html", folder, tmp_path / "seen.csv") == 2
    assert "not a model this can run" in capsys.readouterr().err


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """A student of boxes at random that is about half sure of all of them."""
    config = SsdMobilenetV1(width=0.1, resolution=32)
    torch.manual_seed(0)
    network = build_student(config, Boxes(("cat", "dog")).head()).eval()
    assert isinstance(network, Ssd)
    network.predictors[0].classes.bias.data += 4.5  # from a hundredth to about one half
    kind = Boxes(("cat", "dog"), network.anchors.shape[1])
    manifest = StudentManifest(config, kind, config.preprocess, (32, 32), seed=0, teacher="none")
    save_student(tmp_path / "student", network, manifest)
    return tmp_path / "student"


def rows_of(model: Path, folder: Path, file: Path, *keys: str) -> list[list[str]]:
    assert cli.main(["predict", str(model), str(folder), "--csv", str(file), *keys]) == 0
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.reader(opened))


def test_a_detector_writes_a_row_for_each_thing(detector: Path, folder: Path, tmp_path: Path) -> None:
    header, *rows = rows_of(detector, folder, tmp_path / "found.csv")
    assert header == ["file", "class", "score", "x1", "y1", "x2", "y2"]
    student = student_predictor(*load_student(detector))
    # Edges are shares of the whole picture: of the wide one, the middle 32 of 72 columns were shown.
    for name, seed, (scale, shift) in (("a.png", 0, (1.0, 0.0)), ("deep/wide.png", 1, (32 / 72, 20 / 72))):
        answers = student(np.stack([picture(seed)]))
        boxes, scores, classes = suppressed(answers["boxes"], answers["scores"], least=SHOWN_FROM)
        of_one = [row for row in rows if row[0] == name]
        assert len(of_one) == len(scores.rows) > 1
        assert [row[1] for row in of_one] == [("cat", "dog")[number] for number in classes.rows]
        np.testing.assert_allclose([float(row[2]) for row in of_one], scores.rows, atol=1e-4)
        places = (boxes.rows * [scale, 1, scale, 1] + [shift, 0, shift, 0]).clip(0, 1)
        np.testing.assert_allclose([[float(edge) for edge in row[3:]] for row in of_one], places, atol=1e-4)


def test_what_was_found_is_drawn_over_the_whole_pictures(detector: Path, folder: Path, tmp_path: Path) -> None:
    plain = rows_of(detector, folder, tmp_path / "found.csv")
    assert rows_of(detector, folder, tmp_path / "again.csv", "--draw", str(tmp_path / "drawn")) == plain
    drawn = sorted(file.relative_to(tmp_path / "drawn").as_posix() for file in (tmp_path / "drawn").rglob("*.*"))
    assert drawn == ["a.png", "deep/deeper/[red]c.PNG", "deep/wide.png"]
    with Image.open(folder / "deep" / "wide.png") as before, Image.open(tmp_path / "drawn/deep/wide.png") as after:
        assert before.size == after.size == (72, 32)
        changed = (np.array(before) != np.array(after)).any(axis=2)
    edges = np.array([row[3:] for row in plain if row[0] == "deep/wide.png"], np.float64)
    touched = np.flatnonzero(changed.any(axis=0))
    assert abs(touched.min() - max(0, 72 * edges[:, 0].min())) <= 1  # from the leftmost box on


def test_nothing_is_drawn_where_pictures_are_read(
    detector: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (folder, folder / "drawn", folder.parent):
        assert cli.main(["predict", str(detector), str(folder), "--draw", str(place)]) == 2
        assert f"--draw {place}: is not apart from {folder}" in capsys.readouterr().err
    assert not (folder / "drawn").exists()


def test_probabilities_cannot_be_drawn(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = projection_graph(tmp_path / "classes.onnx", "softmax")
    keys = ["--csv", str(tmp_path / "seen.csv"), "--draw", str(tmp_path / "drawn")]
    assert cli.main(["predict", str(model), str(folder), *keys]) == 2
    assert "classes.onnx: gives" in (said := capsys.readouterr().err) and "nothing lies in a picture" in said
    assert not (tmp_path / "seen.csv").exists() and not (tmp_path / "drawn").exists()


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """One face, two, none, over noise; and a wreck."""
    root = tmp_path / "photographs"
    root.mkdir()
    cells = {"one": [(4, 4, 250)], "two": [(4, 3, 240), (10, 11, 255)], "none": []}
    for number, (name, faces) in enumerate(cells.items()):
        noise = np.random.default_rng(number).integers(0, 60, (120, 128, 3), dtype=np.uint8)
        Image.fromarray(np.maximum(noise, photograph(120, 128, faces))).save(root / f"{name}.png")
    (root / "wreck.jpg").write_bytes(b"\xff\xd8 no picture")
    return root


def table_of(file: Path) -> tuple[list[str], list[list[str]]]:
    with file.open(newline="", encoding="utf-8") as opened:
        header, *rows = list(csv.reader(opened))
    return header, rows


def test_each_face_of_a_photograph_is_a_row_with_its_box(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector, student = yunet_graph(tmp_path / "detector.onnx"), finished()[1] / "student"
    command = ["predict", str(student), str(photographs), "--csv", str(tmp_path / "seen.csv")]
    command += ["--align.file", str(detector), "--draw", str(tmp_path / "drawn")]
    assert cli.main(command) == 0
    header, rows = table_of(tmp_path / "seen.csv")
    network, manifest = load_student(student)
    assert isinstance(manifest.answers, Probabilities) and manifest.answers.classes
    assert header[:7] == ["file", "face", "score", "left", "top", "right", "bottom"]
    assert header[7:] == ["present", *manifest.answers.classes]
    assert [row[:2] for row in rows] == [["one.png", "1"], ["two.png", "1"], ["two.png", "2"]]
    places = [(4, 4), (10, 11), (4, 3)]
    corners = [[*(middle(*cell) - SIZE / 2), *(middle(*cell) + SIZE / 2)] for cell in places]
    np.testing.assert_allclose([[float(value) for value in row[3:7]] for row in rows], corners, atol=0.1)
    predictor = student_predictor(network, manifest)
    assert predictor.picture is not None
    for row, cell in zip(rows, places, strict=True):
        points = dict(zip(LANDMARKS, (middle(*cell) + OFFSETS).tolist(), strict=True))
        picture = np.asarray(Image.open(photographs / row[0]))
        face = warp(picture, similarity(points, ARCFACE.cut(*predictor.picture)), *predictor.picture)
        expected = predictor(face[None])["probabilities"][0]
        np.testing.assert_allclose([float(value) for value in row[8:]], expected, atol=2e-3)
    errors = capsys.readouterr().err
    assert "left out: none.png: face: none found" in errors and "left out: wreck.jpg" in errors
    assert "2 pictures, 3 faces, 2 left out" in errors
    before, after = (np.asarray(Image.open(place / "two.png")) for place in (photographs, tmp_path / "drawn"))
    changed = np.argwhere((before != after).any(axis=2))
    first, last = np.min(corners[1:], axis=0)[:2], np.max(corners[1:], axis=0)[2:]
    assert (changed.min(axis=0)[::-1] >= first - 1).all() and (changed.max(axis=0)[::-1] <= last + 1).all()
    assert sorted(file.name for file in (tmp_path / "drawn").iterdir()) == ["one.png", "two.png"]


def test_embeddings_of_faces_are_written(photographs: Path, tmp_path: Path) -> None:
    _, manifest = load_student(finished()[1] / "student")
    save_student(
        tmp_path / "student", build_student(manifest.config, 9), dataclasses.replace(manifest, answers=Embedding(9))
    )
    command = ["predict", str(tmp_path / "student"), str(photographs), "--csv", str(tmp_path / "seen.csv")]
    assert cli.main(command) == 2
    detector = yunet_graph(tmp_path / "detector.onnx")
    assert cli.main([*command, "--align.file", str(detector), "--align.face", "largest"]) == 0
    header, rows = table_of(tmp_path / "seen.csv")
    assert header[7:] == [f"embeddings_{number}" for number in range(9)]
    assert [row[0] for row in rows] == ["one.png", "two.png"]
    lengths = np.linalg.norm([[float(value) for value in row[7:]] for row in rows], axis=1)
    np.testing.assert_allclose(lengths, 1, atol=1e-4)


def test_nothing_but_photographs_without_faces(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = yunet_graph(tmp_path / "detector.onnx")
    command = ["predict", str(finished()[1] / "student"), str(photographs), "--csv", str(tmp_path / "seen.csv")]
    assert cli.main([*command, "--align.file", str(detector), "--align.least_size", "41"]) == 2
    assert "none of its 4 pictures can be used. Check that they show faces, upright" in capsys.readouterr().err
    assert cli.main([*command, "--align.least_size", "41"]) == 2
    assert "--align.file: not set" in capsys.readouterr().err


def test_where_faces_lie_in_pictures_of_celebas_shape_must_be_said(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network, manifest = load_student(finished()[1] / "student")
    save_student(tmp_path / "student", network, dataclasses.replace(manifest, picture=(109, 89)))
    detector = yunet_graph(tmp_path / "detector.onnx")
    command = ["predict", str(tmp_path / "student"), str(photographs), "--csv", str(tmp_path / "seen.csv")]
    command += ["--align.file", str(detector)]
    assert cli.main(command) == 2
    assert "109 x 89, of the shape of CelebA's" in capsys.readouterr().err
    assert cli.main([*command, "--align.to", "celeba"]) == 0
