"""The task from top to bottom on rectangles: taught, transferred, scored, exported, told of in report and table."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from distill.answers.detections import Detections
from distill.cli import main
from distill.errors import DistillError
from distill.files.weights import weights_checksum
from distill.predictors.open import open_predictor
from distill.registries import TASKS
from students.files import load_student
from tests.helpers.listed import put
from tests.helpers.rectangles import CLASSES, recipe_of_rectangles, voc_of_rectangles
from tests.helpers.running import read, run_recipe, without_files, write_recipe


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Where a recipe lies, beside the directory of a run of it, and its results."""
    place = tmp_path_factory.mktemp("boxes")
    content = recipe_of_rectangles(voc_of_rectangles(place / "voc"))
    recipe = write_recipe(place, content)
    return place, run_recipe(recipe, place / "run")


def test_a_run_ends_with_scores_of_boxes_for_everyone(ran: tuple[Path, dict[str, Any]]) -> None:
    place, results = ran
    for model in (results["teacher"], results["student"], *results["exports"]):
        assert list(model["metrics"])[:3] == ["AP", "AP50", "AP75"]
        assert model["counts"]["pictures"] == 12
        assert set(model["per_class"]) == set(CLASSES)
    assert results["exports"][0]["passed"] is True
    assert results["teacher"]["parameters"] > results["student"]["parameters"]
    assert set(results["agreement"]) == {"transfer", "test"}
    assert len(results["precision_recall"]["student"]) == 101
    page = (place / "run" / "report.html").read_text()
    assert "Precision and recall" in page and "What was found" in page
    assert "draw.rectangle" in (place / "run" / "README.md").read_text()


def test_the_file_answers_as_the_student_does(ran: tuple[Path, dict[str, Any]]) -> None:
    place, _ = ran
    pictures = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    ours, theirs = (open_predictor(place / "run" / at)(pictures) for at in ("student", "export/student.onnx"))
    assert list(ours) == ["boxes", "scores"] and ours["scores"].shape[2] == len(CLASSES)
    for name, values in ours.items():
        assert np.abs(values - theirs[name]).max() < 1e-4


def test_the_teachers_file_teaches_as_a_black_box_that_needs_no_keys(ran: tuple[Path, dict[str, Any]]) -> None:
    place, _ = ran
    content = json.loads((place / "tiny.yaml").read_text())
    file = place / "run" / "teacher" / "teacher.onnx"
    recipe, _text = read(
        write_recipe(place, content | {"teacher": {"name": "onnx_detector", "file": str(file)}}, "box")
    )
    black_box = recipe.teacher.teacher(Detections(CLASSES))
    white = read(place / "tiny.yaml")[0].teacher.with_weights(Detections(CLASSES), file.with_suffix(".safetensors"))
    # Of noise, a network so little trained may find boxes beyond the picture alone, which is refused.
    files = sorted((place / "voc" / "JPEGImages").iterdir())[-2:]
    pixels = torch.from_numpy(np.stack([np.asarray(Image.open(file), np.float32) for file in files])).movedim(3, 1)
    answers, expected = black_box(pixels), white(pixels)
    # Of scores that are nearly equal the order may differ: what is compared is the set of scores.
    torch.testing.assert_close(answers["scores"].amax(2), expected["scores"].amax(2), atol=1e-4, rtol=0)


def test_stored_answers_teach_the_same_student_to_the_last_bit(
    ran: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, _ = ran
    without_files(monkeypatch)
    file = place / "run" / "teacher" / "teacher.onnx"
    keys = {"stages": ["transfer"], "teacher": {"name": "onnx_detector", "file": str(file)}}
    content = {key: value for key, value in json.loads((place / "tiny.yaml").read_text()).items() if key != "teach"}
    online = write_recipe(place, content | keys, "online")
    run_recipe(online, place / "online")
    assert main(["store", str(online), "--out", str(place / "store"), "--dtype", "float32"]) == 0
    stored = content | keys | {"teacher": {"name": "stored", "root": str(place / "store")}}
    run_recipe(write_recipe(place, stored, "stored"), place / "stored")
    sums = {name: weights_checksum(load_student(place / name / "student")[0]) for name in ("online", "stored")}
    assert sums["online"] == sums["stored"]


def test_the_inside_of_a_teacher_is_learnt_from_online_alone(
    ran: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place, _ = ran
    without_files(monkeypatch)
    teacher = {"name": "ssd_mobilenet_v1", "width": 0.25, "resolution": 64}
    teacher["weights"] = str(place / "run" / "teacher" / "teacher.safetensors")
    content = {key: value for key, value in json.loads((place / "tiny.yaml").read_text()).items() if key != "teach"}
    content |= {"stages": ["transfer"], "teacher": teacher}
    terms = {"name": "boxes", "feature_weight": 1.0, "anchor_weight": 0.5}
    recipe = write_recipe(place, content | {"objective": terms}, "inside")
    run_recipe(recipe, place / "inside")
    sums = {weights_checksum(load_student(place / name / "student")[0]) for name in ("run", "inside")}
    assert len(sums) == 2  # and a student's folder holds no projections: it was loaded
    assert main(["store", str(recipe), "--out", str(place / "views")]) == 2
    assert "objective.feature_weight is 1.0: for that the teacher is asked about each view" in capsys.readouterr().err
    box = {"name": "onnx_detector", "file": str(place / "run" / "teacher" / "teacher.onnx")}
    black = write_recipe(place, content | {"objective": terms, "teacher": box}, "black")
    with pytest.raises(DistillError, match=r"feature_weight is 1\.0: the teacher is asked about each view"):
        run_recipe(black, place / "black")


def test_pictures_without_boxes_are_transferred_on_as_many_as_are_asked_for(
    ran: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, _ = ran
    without_files(monkeypatch)
    put(tmp_path / "more", 5)
    content = json.loads((place / "tiny.yaml").read_text())
    content |= {"stages": ["transfer"], "unlabelled": {"name": "folder", "root": str(tmp_path / "more")}}
    content |= {"teacher": {"name": "onnx_detector", "file": str(place / "run" / "teacher" / "teacher.onnx")}}
    content["transfer"] |= {"epochs": 1, "unlabelled": 3}
    results = run_recipe(write_recipe(tmp_path, content), tmp_path / "run")
    (transfer,) = results["stages"]
    assert transfer["pictures"] == 24 + 3 and results["data"]["counts"]["transfer"] == 24 + 5
    assert results["agreement"]["transfer"]["pictures"] == 24 + 5


def test_a_file_that_gives_each_thing_once_scores_as_its_student_does(
    ran: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    place, results = ran
    run = shutil.copytree(place / "run", tmp_path / "run")
    assert main(["export", str(run), "--formats", "onnx", "--export.nms", "true"]) == 0
    (file,) = json.loads((run / "results.json").read_text())["exports"]
    assert file["nms"] is True and file["passed"] is True and "largest_difference" not in file
    assert file["metrics"] == pytest.approx(results["student"]["metrics"], abs=1e-4)
    assert open_predictor(run / "export" / "student.onnx").kind == Detections(CLASSES)
    assert "non-maximum suppression inside" in (run / "README.md").read_text()
    assert main(["export", str(run), "--formats", "onnx,web", "--export.nms", "true"]) == 2


def test_a_table_has_a_row_for_each_box(ran: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, _ = ran
    folder, out = place / "voc" / "JPEGImages", tmp_path / "boxes.csv"
    assert main(["predict", str(place / "run" / "export" / "student.onnx"), str(folder), "--csv", str(out)]) == 0
    with out.open(newline="") as file:
        heading, *rows = list(csv.reader(file))
    assert heading == ["file", "class", "score", "x1", "y1", "x2", "y2"]
    assert all(row[1] in CLASSES and float(row[2]) >= 0.3 for row in rows)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"objective": {"name": "softmax_kl"}}, "objective.name is softmax_kl"),
        ({"student": {"width": 0.1, "resolution": 64}}, "ssd_mobilenet_v1"),
        ({"stages": ["probe", "transfer"]}, "`probe` fits a classifier"),
        ({"data": {"name": "rendered_dogs"}}, "says nothing of boxes"),
        ({"transfer": {"views": {"mixup": 0.3}}}, r"transfer\.views: mixup or cutmix shows two pictures in one"),
        ({"teach": {"views": {"cutmix": 0.5}}}, r"teach\.views: mixup or cutmix shows two pictures in one"),
        ({"transfer": {"keep": "best"}}, r"transfer\.keep is best: while boxes are learnt nothing is scored"),
        ({"teach": {"loss": "generalized_cross_entropy"}}, r"teach\.loss is .*, and the task is boxes"),
        ({"teach": {"metric_loss": "triplet"}}, r"teach\.metric_loss is triplet: of embeddings"),
        ({"evaluate": {"none_rate": 0.1}}, r"evaluate\.none_rate: of classes that exclude each other"),
    ],
)
def test_what_boxes_cannot_be_learnt_by_is_refused(
    ran: tuple[Path, dict[str, Any]], tmp_path: Path, keys: dict[str, Any], said: str
) -> None:
    content = json.loads((ran[0] / "tiny.yaml").read_text())
    with pytest.raises(Exception, match=said):
        run_recipe(write_recipe(tmp_path, content | keys), tmp_path / "run")


def test_a_black_box_of_boxes_is_an_onnx_detector() -> None:
    task = TASKS.get("boxes")
    assert task.teacher_of("onnx") == "onnx_detector" and task.teacher_kind() is Detections
    with pytest.raises(DistillError, match=r"a file of litert.* as an ONNX file"):
        task.teacher_of("litert")
    assert TASKS.get("classes").teacher_of("litert") == "litert"
