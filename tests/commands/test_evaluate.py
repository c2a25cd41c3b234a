"""`distill evaluate` says of every file what the run said of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from distill import cli
from distill.data.prepared.prepared import Prepared
from distill.predictors.onnx_metadata import PREFIX
from tests.helpers.running import TINY, copy_of_finished, finished, write_recipe


def results() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((finished()[1] / "results.json").read_text())
    return content


def evaluate(*arguments: str | Path) -> int:
    recipe, out = finished()
    return cli.main(["evaluate", str(recipe), "--out", str(out), *map(str, arguments)])


@pytest.mark.parametrize("name", ["student", "student/student.safetensors", "student/config.json"])
def test_a_student_scores_as_in_its_run(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--model", finished()[1] / name, "--json", tmp_path / "scores.json") == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    expected = results()["student"]
    for key in ("metrics", "intervals", "counts", "per_class", "unmeasured", "split"):
        assert found[key] == expected[key]
    shown = capsys.readouterr().out
    assert f"mAP {expected['metrics']['mAP']:.4f}" in shown and "48 test pictures" in shown
    assert all(attribute in shown for attribute in expected["unmeasured"])


def test_the_exported_file_scores_as_in_its_run(tmp_path: Path) -> None:
    assert evaluate("--model", finished()[1] / "export" / "student.onnx", "--json", tmp_path / "scores.json") == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert found["metrics"] == results()["exports"][0]["metrics"]


def test_against_gives_the_paired_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = finished()
    teacher = out / "teacher" / "teacher.onnx"
    assert evaluate("--model", out / "student", "--against", teacher, "--json", tmp_path / "scores.json") == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    expected = results()["student"]["difference"]
    assert found["difference"]["mAP"] == pytest.approx(found["metrics"]["mAP"] - found["against"]["metrics"]["mAP"])
    assert found["difference"]["mAP"] == pytest.approx(expected["mAP"], abs=1e-3)
    assert found["difference"]["interval"] == pytest.approx(expected["interval"], abs=1e-3)
    assert "difference" in capsys.readouterr().out

    assert evaluate("--model", out / "student", "--against", out / "student", "--json", tmp_path / "same.json") == 0
    assert json.loads((tmp_path / "same.json").read_text())["difference"] == {"mAP": 0.0, "interval": [0.0, 0.0]}


def test_attributes_without_a_threshold_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = finished()
    arguments = ["--model", str(out / "teacher" / "teacher.onnx"), "--data.validation", "12"]
    assert (
        cli.main(["evaluate", str(recipe), "--out", str(tmp_path), *arguments, "--json", str(tmp_path / "f.json")]) == 0
    )
    prepared = Prepared.open(next(tmp_path.glob("data/rendered_faces-*")))
    shown = prepared.labels[prepared.indices("validation")] == 1
    expected = [
        name for name, column in zip(prepared.classes, shown.T, strict=True) if column.all() or not column.any()
    ]
    assert expected and json.loads((tmp_path / "f.json").read_text())["thresholds_unchosen"] == expected
    said = " ".join(capsys.readouterr().err.split())
    assert f"no threshold can be chosen for {', '.join(expected)}: validation has" in said


def test_the_recipes_own_teacher(tmp_path: Path) -> None:
    _, out = finished()
    weights = out / "teacher" / "teacher.safetensors"
    command = ("--model", "teacher", "--stages", "[transfer]", "--teacher.weights", weights)
    assert evaluate(*command, "--json", tmp_path / "scores.json") == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert found["metrics"] == results()["teacher"]["metrics"]


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_teacher_that_is_yet_to_be_made_is_not_scored(capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--model", "teacher") == 2
    assert "teacher/teacher.onnx" in complaint(capsys)


def test_a_model_of_other_classes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import onnx

    _, out = copy_of_finished(tmp_path)
    model = onnx.load(out / "export" / "student.onnx")
    (entry,) = (one for one in model.metadata_props if one.key == f"{PREFIX}classes")
    classes = json.loads(entry.value)
    entry.value = json.dumps(["Moustache", *classes[1:]])
    onnx.save(model, tmp_path / "other.onnx")
    assert evaluate("--model", tmp_path / "other.onnx") == 2
    assert f"they differ in {classes[0]}, Moustache" in complaint(capsys)
    entry.value = json.dumps([classes[1], classes[0], *classes[2:]])
    onnx.save(model, tmp_path / "swapped.onnx")
    assert evaluate("--model", tmp_path / "swapped.onnx") == 2
    assert "they differ in their order" in complaint(capsys)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("none.onnx", "no such file"),
        ("results.json", "not a model"),
        ("export", "no model (config.json is not in it). Name a student"),
        ("", "It is a run's; name "),
    ],
)
def test_what_is_no_model_is_refused(name: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate("--model", finished()[1] / name) == 2
    assert reason in complaint(capsys)


def test_data_without_labels_cannot_be_scored_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    Image.new("RGB", (40, 40), "red").save(tmp_path / "a.png")
    recipe = write_recipe(tmp_path, TINY | {"data": {"name": "folder", "root": str(tmp_path)}})
    command = ["evaluate", str(recipe), "--out", str(tmp_path / "out"), "--model", str(finished()[1] / "student")]
    assert cli.main(command) == 2
    assert "pictures without labels, on which nothing can be scored" in complaint(capsys)


def test_what_is_only_learnt_from_need_not_be_at_hand(tmp_path: Path) -> None:
    out = finished()[1]
    gone = ["--web", "class_folders", "--web.root", str(tmp_path / "gone"), "--teach.web", "true"]
    gone += ["--unlabelled", "folder", "--unlabelled.root", str(tmp_path / "gone")]
    written = tmp_path / "scores.json"
    evaluate("--model", out / "student", "--json", written, *gone)
    assert json.loads(written.read_text())["metrics"] == results()["student"]["metrics"]


def test_a_vendors_file_that_is_the_recipes_teacher_is_scored_as_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnx

    _, out = finished()
    model = onnx.load(out / "teacher" / "teacher.onnx")
    del model.metadata_props[:]  # what a vendor's file does not say
    vendor = tmp_path / "vendor.onnx"
    onnx.save(model, vendor)
    assert evaluate("--model", vendor) == 2
    assert "was not exported here" in complaint(capsys)
    said = ["--teacher", "onnx", "--teacher.file", vendor, "--teacher.gives", "probabilities"]
    said += ["--teacher.interpolation", "bicubic" if "bicubic" in kernel(out) else "bilinear"]
    (tmp_path / "link.onnx").symlink_to(vendor)
    for model_name in (vendor, tmp_path / "link.onnx", "teacher"):
        assert evaluate("--model", model_name, "--json", tmp_path / "scores.json", *said) == 0
        found = json.loads((tmp_path / "scores.json").read_text())
        assert found["metrics"]["mAP"] == pytest.approx(results()["teacher"]["metrics"]["mAP"], abs=1e-4)
    against = ["--model", out / "student", "--against", vendor]
    assert evaluate(*against, "--json", tmp_path / "scores.json", *said) == 0


def kernel(out: Path) -> str:
    """What the teacher's file says of the kernel."""
    import onnx

    props = onnx.load(out / "teacher" / "teacher.onnx").metadata_props
    return next(entry.value for entry in props if entry.key == f"{PREFIX}interpolation")
