"""`distill store` from the command line: store, learn, verify."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from distill import cli
from distill.files.run_directory import RunDirectory
from tests.helpers.running import copy_of_finished, finished, run_recipe, without_files

OVERRIDES = ("--transfer.epochs", "3", "--transfer.views.count", "2")


def stored(out: Path, *arguments: str) -> int:
    """The answers of the finished run's teacher, made in a copy of that run."""
    recipe, run = finished()
    copy = out.with_name(out.name + ".run")
    if not copy.exists():
        shutil.copytree(run, copy)
    return cli.main(["store", str(recipe), "--out", str(out), "--views", "2", "--dtype", "float32", *arguments])


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("store") / "answers"
    assert stored(place) == 0
    return place


def results(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "results.json").read_text())
    return content


def test_a_run_learns_from_the_store_what_it_learns_from_the_teacher(
    answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, run = copy_of_finished(tmp_path)
    without_files(monkeypatch)
    online = run_recipe(recipe, run, OVERRIDES)
    shutil.rmtree(run / "teacher")  # no teacher is at hand
    by_answers = [*OVERRIDES, "--teacher", "stored", "--teacher.root", str(answers)]
    learnt = run_recipe(recipe, tmp_path / "stored", by_answers)
    assert learnt["student"] == online["student"]
    prints = [results["teacher"].pop("fingerprint") for results in (learnt, online)]
    assert learnt["teacher"] == online["teacher"] and prints[0] != prints[1]  # of the answers, and of the network
    assert learnt["agreement"] == online["agreement"]
    weights = [place / "student" / "student.safetensors" for place in (run, tmp_path / "stored")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert [stage["name"] for stage in learnt["stages"]] == ["transfer"]


def test_views_of_another_stage_are_refused(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, _ = finished()
    arguments = ["--teacher", "stored", "--teacher.root", str(answers), "--transfer.views.flip", "0.1"]
    assert cli.main(["run", str(recipe), "--out", str(tmp_path / "run"), *arguments]) == 2
    assert "views.flip is 0.5 there and 0.1 here" in capsys.readouterr().err


def test_verify_asks_again(answers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["store", "verify", str(answers)]) == 0
    said = capsys.readouterr().out
    assert "3 files, each as it was written" in said
    assert "64 answers asked again of test_resnet: largest difference of a logit" in said


def files_of(place: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in sorted(place.rglob("*"))}


def test_verify_writes_nothing_where_nothing_can_be_written(
    answers: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store on a read-only file system, its run beside it."""
    before = files_of(answers.parent)
    monkeypatch.setattr(os, "access", lambda place, mode: not mode & os.W_OK)
    assert cli.main(["store", "verify", str(answers)]) == 0
    assert "64 answers asked again" in capsys.readouterr().out
    assert files_of(answers.parent) == before


def test_a_finished_run_keeps_its_results(answers: Path, tmp_path: Path) -> None:
    _, run = copy_of_finished(tmp_path)
    places = [*run.iterdir(), *(run / "teacher").iterdir()]
    files = {file: file.read_bytes() for file in places if file.is_file() and file.name != "run.json"}
    assert {"results.json", "report.html", "README.md", "recipe.yaml", "teacher.onnx"} <= {file.name for file in files}
    another = ["--teach.optimization.learning_rate", "0.001", "--teach.checkpoint_steps", "100"]
    assert stored(tmp_path / "other", "--run", str(run), "--evaluate.resamples", "21", *another) == 0
    assert cli.main(["store", "verify", str(answers), "--run", str(run)]) == 0
    assert all(file.read_bytes() == content for file, content in files.items())


def test_a_teacher_made_for_the_store_can_teach_as_a_file(tmp_path: Path) -> None:
    _, run = copy_of_finished(tmp_path)
    taught = (run / "teacher" / "teacher.safetensors").read_bytes()
    for name in ("teacher", "student", "export"):
        shutil.rmtree(run / name)
    (run / "results.json").unlink()  # as if nothing but the teacher's stage had been there
    assert stored(tmp_path / "answers", "--run", str(run)) == 0
    assert (run / "teacher" / "teacher.safetensors").read_bytes() == taught
    assert (run / "teacher" / "teacher.onnx").is_file()


def test_a_directory_in_use_is_not_stored_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, run = copy_of_finished(tmp_path)
    with RunDirectory(run).alone():
        assert stored(tmp_path / "answers", "--run", str(run)) == 2
    assert "another process is running in it" in capsys.readouterr().err


def test_a_place_without_a_name(
    answers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert stored(tmp_path / "file") == 2
    assert "file: a file, expected the directory of a store" in capsys.readouterr().err
    monkeypatch.chdir(answers)
    assert cli.main(["store", "verify", "."]) == 0
    assert "64 answers asked again" in capsys.readouterr().out
    assert cli.main(["store", str(finished()[0]), "--out", ".", "--views", "2", "--dtype", "float32"]) == 0
    assert "2 views of 64 pictures, answered by test_resnet" in capsys.readouterr().out


def test_a_teacher_that_was_taught_elsewhere_is_not_taught_again(
    answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = Path(shutil.copytree(answers, tmp_path / "alone"))
    assert cli.main(["store", "verify", str(alone)]) == 0
    assert "alone.run is not the run that taught it; name that with --run" in capsys.readouterr().out.replace("\n", "")
    assert not (tmp_path / "alone.run").exists()


def test_verify_without_the_teacher(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    assert cli.main(["store", "verify", str(answers), "--run", str(tmp_path / "other")]) == 0
    assert "the teacher is not at hand, so nothing was asked again: " in capsys.readouterr().out


def test_verify_finds_answers_that_are_not_the_teachers(
    answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill.store.store.Store.view_answers", lambda store, rows, view: store.whole_answers(rows))
    assert cli.main(["store", "verify", str(answers)]) == 2
    assert "the teacher's answer to view 0 of picture" in capsys.readouterr().err


def test_verify_finds_a_flipped_bit(answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = Path(shutil.copytree(answers, tmp_path / "answers"))
    content = bytearray((damaged / "view-0000-00000.npy").read_bytes())
    content[200] ^= 8
    (damaged / "view-0000-00000.npy").write_bytes(content)
    assert cli.main(["store", "verify", str(damaged)]) == 2
    assert "view-0000-00000.npy: missing, or not what manifest.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--views", "0"), "--views is 0, expected at least 1"),
        (("--stages", "[fine_tune]"), "expected a teacher that can be asked, and a stage that asks it"),
        (("--dtype", "float16"), "dtype is 'float32' there and 'float16' here"),
    ],
)
def test_what_cannot_be_stored(
    answers: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stored(answers, *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.long
def test_two_processes_share_the_work_and_go_on_after_one_is_killed(answers: Path, tmp_path: Path) -> None:
    recipe, run = copy_of_finished(tmp_path)
    shared = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.accelerator", "cpu"]
    places = ["--out", str(tmp_path / "s"), "--run", str(run), "--dtype", "float32"]
    command = [sys.executable, "-m", "distill.cli", "store", str(recipe), *places, *shared]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def started(views: int) -> subprocess.Popen[str]:
        call = [*command, "--views", str(views)]
        return subprocess.Popen(call, cwd=Path(__file__).parents[2], env=environment, stderr=subprocess.PIPE, text=True)

    # Of a hundred views, so that both are at work when one is killed; two are enough to finish with.
    first, deadline = started(100), time.monotonic() + 120
    while not list(tmp_path.glob("s.building/*.sha256")) and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    assert children, first.communicate()[1]
    os.kill(int(children[-1]), signal.SIGKILL)
    assert first.wait(timeout=120) != 0
    assert not (tmp_path / "s").exists()
    again = started(2)
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    for file in answers.glob("*.npy"):
        assert (tmp_path / "s" / file.name).read_bytes() == file.read_bytes()


def test_the_recipe_beside_the_answers_is_not_trusted_where_it_is_damaged(
    answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place, run = tmp_path / "answers", answers.with_name(answers.name + ".run")
    shutil.copytree(answers, place)
    shutil.copytree(run, tmp_path / "answers.run")
    good = (place / "tiny.yaml").read_bytes()
    (place / "tiny.yaml").write_bytes(good.replace(b"seed: 3", b"seed: 2"))
    assert cli.main(["store", "verify", str(place)]) == 2
    assert "tiny.yaml: is not the file SHA256SUMS beside it has the checksum of" in capsys.readouterr().err
    # The command that wrote it says so and writes it again; the answers stay.
    assert stored(place) == 0
    assert "tiny.yaml: damaged" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in place.iterdir()} == {
        file.name: file.read_bytes() for file in answers.iterdir()
    }
    # One that an earlier distill left has none.
    (place / "SHA256SUMS").unlink()
    assert cli.main(["store", "verify", str(place)]) == 0
    assert "has no checksum in SHA256SUMS beside it" in capsys.readouterr().out
