"""Exclusive classes through a whole run: taught, pretrained on a noisy set, distilled; and what is refused."""

import csv
import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image

from distill import cli
from distill.data.prepared import Prepared
from distill.errors import DistillError
from distill.modules import FineTuner
from distill.objectives.labels import generalized_cross_entropy, softmax_cross_entropy
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_session import OnnxSession
from distill.predictors.open import open_predictor
from distill.sets import open_sets
from distill.tasks import open_task
from students.student import build_student
from tests.report.pages import Page
from tests.running import TINY, read, run_recipe, write_recipe

BREEDS = tuple(f"n0208562{c}-breed_{c}" for c in range(7))
WEB_BREEDS = tuple(f"n0208562{c}-raca_{c}" for c in reversed(range(7)))  # other names, by which another order
PICTURES = {"train": 6, "test": 5}
STAGE = TINY["fine_tune"] | {"views": {}}
_PLACES: list[tempfile.TemporaryDirectory[str]] = []


def draw(file: Path, color: int, seed: int) -> None:
    """A picture of noise about one of seven colours."""
    generator = np.random.default_rng(seed)
    middle = np.array(
        [[40, 40, 40], [220, 40, 40], [40, 220, 40], [40, 40, 220], [220, 220, 40], [40, 220, 220], [220, 220, 220]]
    )
    pixels = np.clip(middle[color] + generator.normal(0, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def dogs(root: Path) -> Path:
    for c, breed in enumerate(BREEDS):
        for split, count in PICTURES.items():
            for k in range(count):
                draw(root / split / breed / f"{k}.png", c, 1000 * c + 10 * k + (split == "test"))
    twin = Image.open(root / "test" / BREEDS[0] / "0.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    twin.save(root / "train" / BREEDS[0] / "twin.png")
    return root


def web(root: Path) -> Path:
    """Eight pictures a breed, the last of them of another; one is a training picture, and one of a breed unknown."""
    for breed in WEB_BREEDS:
        c = int(breed[8])
        for k in range(8):
            draw(root / breed / f"{k}.png", c if k < 7 else (c + 1) % 7, 1000 * c + 100 + k)
    draw(root / WEB_BREEDS[-1] / "again.png", 0, 0)
    draw(root / "n02099999-wolf" / "0.png", 3, 77)
    return root


@functools.cache
def finished() -> tuple[Path, Path]:
    """The recipe's file and the directory of a run of it: made once, to be read only."""
    _PLACES.append(tempfile.TemporaryDirectory())
    place = Path(_PLACES[0].name)
    recipe = TINY | {
        "task": "classes",
        "stages": ["teach", "pretrain", "fine_tune", "transfer"],
        "data": {"name": "class_folders", "root": str(dogs(place / "dogs"))},
        "web": {"name": "class_folders", "root": str(web(place / "web"))},
        "objective": {"name": "softmax_kl", "temperature": 2.0},
        "teach": STAGE | {"epochs": 12},
        "pretrain": STAGE,
        "fine_tune": STAGE,
        "transfer": STAGE | {"views": {"mixup": 0.3}},
    }
    path = write_recipe(place, recipe, "dogs")
    run_recipe(path, place / "run")
    return path, place / "run"


def results_of(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "results.json").read_text())
    return content


def shown(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test pictures and their classes, read without the code that scores."""
    for place in (out / "data").glob("class_folders-*"):
        prepared = Prepared.open(place)
        rows = np.flatnonzero(prepared.splits == 2)
        if len(rows):
            return prepared.pictures.gather(rows), prepared.labels[rows].argmax(axis=1)
    raise AssertionError("no test pictures")


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
    assert manifest["activation"] == "softmax" and manifest["thresholds"] is None
    assert tuple(manifest["classes"]) == BREEDS
    for file in ("export/student.onnx", "teacher/teacher.onnx"):
        metadata = OnnxMetadata.from_props(OnnxSession(out / file).properties)
        assert metadata is not None and metadata.gives == "softmax" and metadata.classes == BREEDS


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


def test_the_web_is_matched_by_wordnet_id_and_its_labels_teach_nothing_in_transfer() -> None:
    path, out = finished()
    sets = open_sets(read(path)[0], out / "data")
    assert sets.web is not None
    assert results_of(out)["data"]["counts"] == {"train": 43, "validation": 0, "test": 35, "web": 56, "transfer": 100}
    for row in range(len(sets.web)):
        name, label = sets.web.name(row), sets.web.labels[row]
        assert label.sum() == 1 and BREEDS[label.argmax()][:9] == name[:9]  # neither the wolf nor the picture again
    assert sets.of_stage("pretrain") == (sets.web, "web")
    assert sets.of_stage("fine_tune")[0] is sets.labelled and sets.of_stage("transfer")[0] is sets.transfer
    known = (sets.transfer.labels == 1).any(axis=1)
    assert known.sum() == 43 and all("raca" not in sets.transfer.name(row) for row in np.flatnonzero(known))


def test_a_teacher_may_learn_from_the_web_too() -> None:
    path, out = finished()
    sets = open_sets(read(path, ["--teach.web", "true"])[0], out / "data")
    pictures, _ = sets.of_stage("teach")
    assert len(pictures) == 43 + 56 and (pictures.labels.sum(axis=1) == 1).all()
    assert open_sets(read(path)[0], out / "data").of_stage("teach")[0].labels.tolist() == sets.labelled.labels.tolist()


@pytest.mark.parametrize(
    ("loss", "function"),
    [("cross_entropy", softmax_cross_entropy), ("generalized_cross_entropy", generalized_cross_entropy)],
)
def test_a_stage_on_labels_minimises_the_loss_it_names(loss: str, function: object) -> None:
    path, out = finished()
    recipe = read(path, ["--pretrain.loss", loss])[0]
    student = build_student(recipe.student, 7)
    module = open_task(recipe, out / "data").learner(student, recipe.student.preprocess, recipe.pretrain, seed=0)
    assert isinstance(module, FineTuner) and module.loss is function


def black_box(out: Path) -> list[str]:
    """The taught teacher as a file, and labels it has sorted as all there is to learn from."""
    file = str(out / "teacher" / "teacher.onnx")
    return ["--teacher", "onnx", "--teacher.file", file, "--stages", "[pretrain]", "--pretrain.teacher_top", "1"]


def test_only_labels_that_the_teacher_believes_are_pretrained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = finished()
    recipe = read(path, black_box(out))[0]
    task = open_task(recipe, out / "data")
    kept = task.training_pictures("pretrain", task.load_teacher())
    web = task.sets.web
    assert web is not None
    p = onnxruntime.InferenceSession(out / "teacher" / "teacher.onnx").run(None, {"pictures": web[:]})[0]
    expected = [n for n in range(len(web)) if p[n].argmax() == web.labels[n].argmax()]
    assert [kept.name(n) for n in range(len(kept))] == [web.name(n) for n in expected] and 0 < len(kept) < len(web)
    assert task.training_pictures("fine_tune", None) is task.sets.labelled

    run_recipe(path, tmp_path / "run", black_box(out))
    said = " ".join(capsys.readouterr().err.split())
    assert f"believes the labels of {len(kept)} of 56 pictures" in said
    assert f"pretrain: {STAGE['epochs']} passes over {len(kept)} pictures" in said
    results = results_of(tmp_path / "run")
    assert results["suspects"]["suspected"] == 56 - len(kept)
    assert results["stages"][0]["pictures"] == len(kept)
    card = " ".join((tmp_path / "run" / "README.md").read_text().split())
    assert "learnt from the pictures alone whose label is among its 1 most probable classes" in card
    assert f"pretrain ({len(kept)} pictures," in card
    assert results["teacher"]["metrics"] == pytest.approx(results_of(out)["teacher"]["metrics"], abs=1e-3)
    everything = ["--stages", "[pretrain]"]
    run_recipe(path, tmp_path / "run", everything)
    assert len(list((tmp_path / "run" / "stages").glob("pretrain-*"))) == 2


def test_a_teacher_that_believes_no_label_is_refused(tmp_path: Path) -> None:
    path, out = finished()
    with (out / "data" / "suspects.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            place = tmp_path / "doubted" / row["picture"]
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((out.parent / "web" / row["picture"]).read_bytes())
    keys = [*black_box(out), "--web.root", str(tmp_path / "doubted")]
    with pytest.raises(DistillError, match=r"teacher_top is 1: of \d+ pictures of web .* finds the label of none"):
        run_recipe(path, tmp_path / "run", keys)


def test_labels_of_the_web_that_the_teacher_doubts_are_written_worst_first() -> None:
    path, out = finished()
    web = open_sets(read(path)[0], out / "data").web
    assert web is not None
    p = onnxruntime.InferenceSession(out / "teacher" / "teacher.onnx").run(None, {"pictures": web[:]})[0]
    with (out / "data" / "suspects.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = web.labels.argmax(axis=1)
    suspected = np.flatnonzero(p.argmax(axis=1) != labels)
    assert results_of(out)["suspects"] == {"pictures": 56, "suspected": len(rows), "file": "data/suspects.csv"}
    expected = {web.name(n): (BREEDS[labels[n]], BREEDS[p[n].argmax()], p[n, labels[n]]) for n in suspected}
    assert {row["picture"]: (row["label"], row["opinion"]) for row in rows} == {k: v[:2] for k, v in expected.items()}
    given = [float(row["label_probability"]) for row in rows]
    assert given == sorted(given) and len(rows) > 3
    np.testing.assert_allclose(given, [expected[row["picture"]][2] for row in rows], rtol=0.02, atol=1e-5)


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
        "Which classes are confused", "Most confused classes", "The surest mistakes", "Accuracy per class",
        "Labels of the web that the teacher doubts most", "Pictures seen in training",
    ):  # fmt: skip
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


def test_the_taught_teacher_teaches_as_a_black_box(tmp_path: Path) -> None:
    path, out = finished()
    keys = ["--teacher", "onnx", "--teacher.file", str(out / "teacher" / "teacher.onnx"), "--stages", "[transfer]"]
    task = open_task(read(path, keys)[0], out / "data")
    task.check()
    teacher = task.load_teacher()
    task.check_teacher(teacher)
    scores = task.judge(task.teacher_predictor(teacher)).to_dict()["metrics"]
    assert scores == pytest.approx(results_of(out)["teacher"]["metrics"], abs=1e-3)


def test_a_black_box_may_have_the_classes_in_another_order(tmp_path: Path) -> None:
    path, out = finished()
    model = onnx.load(out / "teacher" / "teacher.onnx")
    del model.metadata_props[:]  # of a vendor, who says nothing
    onnx.save(model, tmp_path / "vendor.onnx")
    asked = ["--stages", "[transfer]", "--teacher", "onnx", "--teacher.file", str(tmp_path / "vendor.onnx")]
    asked += ["--teacher.gives", "softmax", "--teacher.interpolation", "bilinear"]
    keys = [*asked, f"--teacher.classes={json.dumps(BREEDS[::-1])}"]
    task = open_task(read(path, keys)[0], out / "data")
    teacher, whole = task.load_teacher(), open_task(read(path, asked)[0], out / "data").load_teacher()
    task.check_teacher(teacher)
    assert teacher.classes == BREEDS
    pictures = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 255
    assert torch.equal(teacher(pictures), whole(pictures).flip(1))


def test_a_class_without_a_test_picture_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = finished()
    root = dogs(tmp_path / "dogs")
    for file in (root / "test" / BREEDS[2]).iterdir():
        file.write_bytes(b"no picture")
    keys = ["--data.root", str(root), "--web", "null", "--stages", "[fine_tune]", "--prepare.max_bad_share", "0.1"]
    task = open_task(read(path, keys)[0], tmp_path)
    scores = task.judge(open_predictor(out / "student")).to_dict()
    assert scores["unmeasured"] == [BREEDS[2]] and BREEDS[2] not in scores["per_class"]
    assert scores["counts"] == {"pictures": 30, "classes": 6}
    assert f"1 classes have no test picture and are not scored: {BREEDS[2]}" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["--objective", "bernoulli_kl", "--objective.temperature", "1"], "is bernoulli_kl, and the task is classes"),
        (["--objective", "dkd"], "is dkd, which needs the class of every picture, and of 57 of the 100 to transfer on"),
        (["--objective.label_weight", "-1"], "label_weight is -1"),
        (["--teach.web", "true", "--web", "null"], "teach.web is true, and the recipe has no web"),
        (["--pretrain.teacher_top", "0"], "pretrain.teacher_top is 0, expected at least 1 class"),
        (["--stages", "[probe,transfer]"], "`probe` fits each attribute by itself"),
        (["--evaluate.lfw", "lfw"], "scores embeddings, and the task is classes"),
        (
            ["--task", "attributes", "--objective", "bernoulli_kl", "--objective.temperature", "1"],
            "no validation pictures",
        ),
        (
            ["--web", "folder", "--web.root", "WEB"],
            "`pretrain` needs labels of the data's classes, and no picture.*web",
        ),
        (["--data", "folder", "--data.root", "WEB"], "pictures without labels, on which nothing can be scored"),
    ],
)
def test_what_classes_cannot_be_learnt_from(keys: list[str], message: str, tmp_path: Path) -> None:
    path, out = finished()
    given = [str(out.parent / "web") if key == "WEB" else key for key in keys]
    with pytest.raises(DistillError, match=message):
        run_recipe(path, tmp_path / "run", given)
    assert not (tmp_path / "run" / "stages").exists()


def test_attributes_are_no_classes(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, TINY | {"task": "classes", "objective": {"name": "softmax_kl"}})
    with pytest.raises(DistillError, match=r"rendered_faces, train: .*not of one class.*task: attributes"):
        run_recipe(recipe, tmp_path / "run")


def test_a_model_of_another_kind_is_not_scored(tmp_path: Path) -> None:
    path, out = finished()
    student = tmp_path / "student"
    student.mkdir()
    config = json.loads((out / "student" / "config.json").read_text())
    (student / "config.json").write_text(json.dumps(config | {"activation": "sigmoid"}))
    (student / "student.safetensors").write_bytes((out / "student" / "student.safetensors").read_bytes())
    assert cli.main(["evaluate", str(path), "--model", str(student), "--out", str(out)]) == 2


def test_the_largest_logits_are_stored_and_learnt_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = finished()
    teacher = ["--teacher", "onnx", "--teacher.file", str(out / "teacher" / "teacher.onnx"), "--stages", "[transfer]"]
    place, keys = tmp_path / "answers", ["--web", "null", "--transfer.views.mixup", "0"]
    command = ["store", str(path), "--views", "1", "--out", str(place), *teacher, *keys]
    assert cli.main([*command, "--top", "7"]) == 2
    assert "top is 7, expected 1 to 6: the teacher has 7 classes" in capsys.readouterr().err
    assert not place.exists() and not place.with_name("answers.building").exists()
    assert cli.main([*command, "--top", "3"]) == 0
    monkeypatch.setattr("distill.run.export_and_score", lambda *arguments: [])
    stored = ["--teacher", "stored", "--teacher.root", str(place), "--stages", "[transfer]"]
    results = run_recipe(path, tmp_path / "run", [*stored, *keys])
    assert results["teacher"]["metrics"] == pytest.approx(results_of(out)["teacher"]["metrics"], abs=2e-3)
