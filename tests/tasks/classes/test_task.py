"""Exclusive classes through a whole run: how models and files are scored, and what is said of them."""

import csv
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

from distill import cli
from distill.answers import Softmax
from distill.files.schema import misfits
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_session import OnnxSession
from distill.predictors.open import open_predictor
from distill.report.results import Results, read_results
from distill.tasks import open_task
from distill.tasks.classes.entries import ClassEntries, ClassEntry
from distill.tasks.classes.judging import ClassVerdict
from tests.helpers.dogs import BREEDS, dogs, finished, opened, results_of, shown
from tests.helpers.pages import Page
from tests.helpers.running import read
from tests.helpers.schema import together


def test_every_model_is_scored_as_its_file_answers() -> None:
    _, out = finished()
    results, (pictures, truths) = results_of(out), shown(out)
    assert len(truths) == 35
    for model, file in (("student", "export/student.onnx"), ("teacher", "teacher/teacher.onnx")):
        p = onnxruntime.InferenceSession(out / file).run(None, {"pictures": pictures})[0]
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
        answers = p.argmax(axis=1)
        scores = results[model]
        assert scores["metrics"]["top-1"] == pytest.approx((answers == truths).mean())
        assert scores["metrics"]["top-5"] == pytest.approx(
            (np.argsort(-p)[:, :5] == truths[:, None]).any(axis=1).mean()
        )
        each = [(answers[truths == c] == c).mean() for c in range(7)]
        assert scores["metrics"]["mean class accuracy"] == pytest.approx(np.mean(each))
        assert [scores["per_class"][breed]["accuracy"] for breed in BREEDS] == pytest.approx(each)
        assert scores["counts"] == {"pictures": 35, "classes": 7} and scores["unmeasured"] == []
        assert scores["intervals"].keys() == scores["metrics"].keys()
    assert results["teacher"]["metrics"]["top-1"] > 0.3  # of seven colours
    difference = results["student"]["metrics"]["top-1"] - results["teacher"]["metrics"]["top-1"]
    assert results["student"]["difference"]["top-1"] == pytest.approx(difference)
    (export,) = results["exports"]
    assert export["passed"] and export["metrics"] == pytest.approx(results["student"]["metrics"], abs=1e-3)


def test_the_files_say_that_classes_exclude_each_other() -> None:
    _, out = finished()
    manifest = json.loads((out / "student" / "config.json").read_text())
    assert manifest["answers"] == "softmax"
    assert tuple(manifest["classes"]) == BREEDS
    for file in ("export/student.onnx", "teacher/teacher.onnx"):
        metadata = OnnxMetadata.from_props(OnnxSession(out / file).properties)
        assert metadata is not None and metadata.answers == Softmax(BREEDS)


def test_each_stage_says_what_it_added_on_the_test_pictures() -> None:
    _, out = finished()
    results = results_of(out)
    teach, *stages = results["stages"]
    assert "test" not in teach and [stage["name"] for stage in stages] == ["pretrain", "fine_tune", "transfer"]
    scores = [stage["test"]["metrics"]["top-1"] for stage in stages]
    assert "added" not in stages[0]["test"]
    for k in (1, 2):
        added = stages[k]["test"]["added"]
        assert added["top-1"] == pytest.approx(scores[k] - scores[k - 1])
        assert added["interval"][0] <= added["top-1"] <= added["interval"][1]
    assert scores[-1] == results["student"]["metrics"]["top-1"]
    agreement = results["agreement"]
    assert agreement["transfer"]["pictures"] == results["data"]["counts"]["transfer"]
    assert 0 <= agreement["test"]["equal_answers"] <= 1 and agreement["test"]["kl"] > 0


def test_scores_stand_beside_those_without_pictures_seen_in_training() -> None:
    _, out = finished()
    found = results_of(out)["near_duplicates"]
    with (out / found["file"]).open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["transfer", "test"],
            [f"train/{BREEDS[0]}/twin.png", f"test/{BREEDS[0]}/0.png"],
        ]
    pictures, truths = shown(out)
    rest = np.arange(35) != next(n for n in range(35) if truths[n] == 0)  # names are in order
    for model, file in (("student", "export/student.onnx"), ("teacher", "teacher/teacher.onnx")):
        answers = onnxruntime.InferenceSession(out / file).run(None, {"pictures": pictures})[0].argmax(axis=1)
        assert found[model]["metrics"]["top-1"] == pytest.approx((answers == truths)[rest].mean())
        assert found[model]["counts"]["pictures"] == 34


def test_the_report_shows_what_is_confused_mistaken_and_doubted() -> None:
    _, out = finished()
    results, page = results_of(out), Page(out / "report.html")
    for heading in (
        "Which classes are confused",
        "Most confused classes",
        "The surest mistakes",
        "Accuracy per class",
        "Labels of the web that the teacher doubts most",
        "Pictures seen in training",
    ):
        assert heading in page.text
    first = results["confused"][0]
    assert f"{first['classes'][0]} {first['classes'][1]} {first['mistaken'][0]} {first['mistaken'][1]}" in page.text
    for stage in results["stages"][1:]:
        assert f"{stage['test']['metrics']['top-1']:.4f}" in page.text
    confusion = np.array(results["confusion"]["student"])
    assert confusion.sum() == 35 and np.trace(confusion) / 35 == pytest.approx(results["student"]["metrics"]["top-1"])


def test_a_csv_of_the_most_probable_class(tmp_path: Path) -> None:
    _, out = finished()
    pictures, _ = shown(out)
    for k in range(3):
        (tmp_path / "seen").mkdir(exist_ok=True)
        Image.fromarray(pictures[k]).save(tmp_path / "seen" / f"{k}.png")
    for model in ("student", "export/student.onnx"):
        file = tmp_path / "seen.csv"
        assert cli.main(["predict", str(out / model), str(tmp_path / "seen"), "--csv", str(file)]) == 0
        with file.open(newline="") as opened:
            rows = list(csv.DictReader(opened))
        p = onnxruntime.InferenceSession(out / "export" / "student.onnx").run(None, {"pictures": pictures[:3]})[0]
        assert [row["class"] for row in rows] == [BREEDS[c] for c in p.argmax(axis=1)]
        np.testing.assert_allclose([float(row["probability"]) for row in rows], p.max(axis=1), atol=1e-3)
        assert list(rows[0]) == ["file", "class", "probability", *BREEDS]


def test_a_file_is_scored_against_another(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = finished()
    models = ["--model", str(out / "student"), "--against", str(out / "teacher" / "teacher.onnx")]
    assert cli.main(["evaluate", str(path), *models, "--out", str(out), "--json", str(tmp_path / "scores.json")]) == 0
    found, results = json.loads((tmp_path / "scores.json").read_text()), results_of(out)
    assert found["metrics"] == pytest.approx(results["student"]["metrics"], abs=1e-3)
    assert found["difference"]["top-1"] == pytest.approx(results["student"]["difference"]["top-1"], abs=1e-3)
    said = capsys.readouterr().out
    assert "top-1" in said and "35 test pictures of 7 classes" in said


def test_a_class_without_a_test_picture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = finished()
    root = dogs(tmp_path / "dogs")
    for file in (root / "test" / BREEDS[2]).iterdir():
        file.write_bytes(b"no picture")
    keys = ["--data.root", str(root), "--web", "null", "--stages", "[fine_tune]", "--prepare.max_bad_share", "0.1"]
    task = open_task(read(path, keys)[0], tmp_path)
    scores = task.judging.judge(open_predictor(out / "student")).to_dict()
    assert scores["unmeasured"] == [BREEDS[2]] and BREEDS[2] not in scores["per_class"]
    assert scores["counts"] == {"pictures": 30, "classes": 6}
    assert f"1 classes have no test picture and are not scored: {BREEDS[2]}" in " ".join(
        capsys.readouterr().err.split()
    )


def test_classes_that_a_file_gets_wrong_are_named_by_their_pictures() -> None:
    task, teacher = opened()
    student = task.judging.judge(teacher.predictor(task.teaching.kind))
    truths, answers, classes = student.scores.truths, student.answers["probabilities"], task.pictures.classes
    right = np.flatnonzero(answers.argmax(axis=1) == truths)
    worst = np.bincount(truths[right]).argmax()
    spoilt = answers.copy()
    of_worst = right[truths[right] == worst]
    spoilt[of_worst] = np.roll(answers[of_worst], 1, axis=1)
    other = right[truths[right] != worst][:1]
    spoilt[other] = np.roll(answers[other], 1, axis=1)

    def offenders(answers: np.ndarray) -> list[str]:
        return ClassVerdict({"probabilities": answers}, classes, student.scores).offenders(student)

    assert offenders(spoilt) == [
        f"{classes[worst]} {len(of_worst)} of 5 pictures",
        f"{classes[truths[other[0]]]} 1 of 5 pictures",
    ]
    # None lost: by the mean change of a probability.
    sharper = torch.from_numpy(answers).log().mul(1.01).softmax(dim=1).numpy()
    changes = np.abs(sharper - answers).mean(axis=0)
    assert offenders(sharper)[0] == f"{classes[changes.argmax()]} {changes.max():.3f} of probability"


def test_every_key_of_the_results_is_documented() -> None:
    results = read_results(finished()[1] / "results.json")
    assert list(misfits(results, together("AllResults", Results, ClassEntries), closed=True)) == []
    assert list(misfits(results["student"]["per_class"], dict[str, ClassEntry], closed=True)) == []
