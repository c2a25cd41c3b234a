"""Labels of the web: whose they are, what learns from them, and which of them the teacher doubts."""

import csv
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from distill.errors import DistillError
from distill.modules import FineTuner
from distill.objectives.labels import generalized_cross_entropy, softmax_cross_entropy
from distill.tasks import open_task
from distill.tasks.sets import open_sets
from students.student import build_student
from tests.helpers.dogs import BREEDS, STAGE, asked, finished, results_of
from tests.helpers.running import read, run_recipe, without_files


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
    teaching = open_task(recipe, out / "data").teaching
    module = teaching.learner(student, recipe.student.preprocess, recipe.pretrain, seed=0)
    assert isinstance(module, FineTuner) and module.loss is function


def black_box(out: Path) -> list[str]:
    """The taught teacher as a file, and labels it has sorted as all there is to learn from."""
    file = str(out / "teacher" / "teacher.onnx")
    return ["--teacher", "onnx", "--teacher.file", file, "--stages", "[pretrain]", "--pretrain.teacher_top", "1"]


def test_only_labels_that_the_teacher_believes_are_pretrained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = finished()
    without_files(monkeypatch)
    recipe = read(path, black_box(out))[0]
    task = open_task(recipe, out / "data")
    kept = task.teaching.training_pictures("pretrain", asked(task))
    web = task.pictures.sets.web
    assert web is not None
    p = onnxruntime.InferenceSession(out / "teacher" / "teacher.onnx").run(None, {"pictures": web[:]})[0]
    expected = [n for n in range(len(web)) if p[n].argmax() == web.labels[n].argmax()]
    assert [kept.name(n) for n in range(len(kept))] == [web.name(n) for n in expected] and 0 < len(kept) < len(web)
    assert task.teaching.training_pictures("fine_tune", None) is task.pictures.sets.labelled

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
