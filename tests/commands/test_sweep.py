"""`distill sweep` from the command line: one teacher, every student, and what stands in the table."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import distill.run.stages
from distill import cli
from distill.files.run_directory import write_marker
from tests.helpers.running import finished

ARGUMENTS = ("--student.width", "0.2,0.1", "--jobs", "1")


class InThisProcess:
    """A run of `distill run` without a process of its own, which would take seconds to load torch."""

    def __init__(self, command: list[str], stdout: Any, **arguments: Any) -> None:
        assert command[1:3] == ["-m", "distill.cli"]
        torch.set_num_threads(1)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.returncode = cli.main(command[3:])
        stdout.write(said.getvalue().encode())

    def poll(self) -> int:
        return self.returncode


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Sweep the tiny recipe; files are not exported, for that takes seconds each."""
    recipe = shutil.copy(finished()[0], tmp_path)  # first: the run that others read is to have its files
    monkeypatch.setattr("distill.sweep.jobs.Popen", InThisProcess)
    monkeypatch.setattr("distill.sweep.jobs.POLL", 0.0)
    monkeypatch.setattr("distill.run.stages.export_onnx", lambda path, *arguments: path.touch())
    monkeypatch.setattr("distill.run.pipeline.export_and_score", lambda *arguments: [])
    monkeypatch.setattr("distill.run.pipeline.write_report", lambda path, *arguments: path.touch())

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "sweep"
        status = cli.main(["sweep", str(recipe), "--out", str(out), *arguments])
        content: dict[str, Any] = json.loads((out / "sweep.json").read_text()) if (out / "sweep.json").exists() else {}
        return status, content

    return run


def test_one_teacher_for_all_students(
    sweep: Callable[..., tuple[int, dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    taught: list[str] = []
    train = distill.run.stages.train

    def counted(directory: Path, *arguments: Any) -> Any:
        taught.append(directory.name.partition("-")[0])
        return train(directory, *arguments)

    monkeypatch.setattr("distill.run.stages.train", counted)
    status, content = sweep(*ARGUMENTS, "--labels", "--against", "width=0.1")
    assert status == 0 and sorted(taught) == ["fine_tune", "fine_tune", "teach", "transfer", "transfer"]
    names = ["width=0.2", "width=0.2,labels", "width=0.1", "width=0.1,labels"]
    assert [row["name"] for row in content["points"]] == names
    assert all(row["state"] == "done" for row in content["points"])

    # the same teacher as the recipe's own run, so the student of that run's width is the same to the last bit
    places = [finished()[1], tmp_path / "sweep" / "points" / "width=0.1"]
    assert len({(place / "student" / "student.safetensors").read_bytes() for place in places}) == 1
    alone, point = (json.loads((place / "results.json").read_text()) for place in places)
    assert alone["teacher"]["metrics"] == point["teacher"]["metrics"] == content["teacher"]["metrics"]
    assert [stage["name"] for stage in point["stages"]] == ["teach", "transfer"]

    scores = {row["name"]: row["student"]["metrics"]["mAP"] for row in content["points"]}
    pairs = {(pair["first"], pair["second"]): pair for pair in content["differences"]}
    assert pairs.keys() == {
        ("width=0.2", "width=0.2,labels"),
        ("width=0.1", "width=0.1,labels"),
        ("width=0.2", "width=0.1"),
    }
    for (first, second), pair in pairs.items():
        assert pair["mAP"] == pytest.approx(scores[first] - scores[second])
        assert pair["interval"][0] < pair["interval"][1]

    said = capsys.readouterr().out
    assert "0.2 labels" in said and "of the teacher" in said and "width=0.2 minus width=0.1" in said
    taught.clear()
    assert sweep(*ARGUMENTS, "--labels")[0] == 0 and not taught


def test_a_share_leaves_the_rest_to_others_and_the_table_so_far_can_be_had(
    sweep: Callable[..., tuple[int, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    _, content = sweep(*ARGUMENTS, "--points", "1/2")
    assert [row["state"] for row in content["points"]] == ["done", "not run yet"]
    capsys.readouterr()
    status, unchanged = sweep(*ARGUMENTS, "--so-far")
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    score = content["points"][0]["student"]["metrics"]["mAP"]
    assert status == 0 and unchanged == content  # nothing was run, and nothing written
    assert any(line.startswith(f"0.2 {score:.4f}") for line in said)
    assert any(line.startswith("0.1 not run yet") for line in said)
    _, content = sweep(*ARGUMENTS, "--points", "2/2", "--within", "0,99")
    assert [row["state"] for row in content["points"]] == ["done", "done"]
    assert content["within"].keys() == {"0", "99"} and content["within"]["99"] == "width=0.1"


def test_a_point_that_fails_stands_in_the_table(
    sweep: Callable[..., tuple[int, dict[str, Any]]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, content = sweep("--student.width", "0.1", "--student.weights", f"null,{tmp_path / 'none.safetensors'}")
    assert status == 1
    (failed,) = (row for row in content["points"] if row["state"] == "failed")
    assert "none.safetensors: no such weights file" in failed["reason"] and "none.safetensors" in failed["name"]
    assert sum(row["state"] == "done" for row in content["points"]) == 1
    assert "none.safetensors failed:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--student.width", "0,0.1"), "student.width: 0.0"),
        (("--student.width", "0.1,1.5"), "student.width: 1.5"),
        (("--student.resolution", "32,16"), "student.resolution: 16, expected at least 32 pixels"),
        (("--student.resolution", "32,96"), "prepared at 32 x 32 px, which can give 64 at most"),
        (("--student.width", "0.1,0.2", "--points", "3/2"), "--points is '3/2'"),
        (("--student.width", "0.1,0.2", "--jobs", "0"), "--jobs is 0"),
        (("--student.width", "0.1,0.2", "--within", "1,close"), "--within is '1,close', expected points of the metric"),
        (("--student.width", "0.1,0.2", "--stop-below", "-1"), "--stop-below is -1, expected a score above 0"),
        (("--student.width", "0.1,0.2", "--against", "width=1"), "expected one of the points: width=0.1; width=0.2"),
        (("--student.width", "0.1,0.2", "--teacher", "stored", "--teacher.root", "nowhere"), "nowhere: not a store"),
        (
            ("--student.width", "0.1,0.2", "--objective.label_weight", "0.5", "--stages", "[fine_tune]", "--labels"),
            "is there twice",
        ),
    ],
)
def test_nothing_is_trained_where_a_value_is_refused(
    sweep: Callable[..., tuple[int, dict[str, Any]]],
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("distill.run.stages.train", lambda *arguments: pytest.fail("something was trained"))
    assert cli.main(["sweep", str(finished()[0]), "--out", str(tmp_path / "s"), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not list((tmp_path / "s").glob("points/*"))


def test_a_sweep_of_another_recipe_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sweep", str(finished()[0]), *ARGUMENTS, "--out", str(tmp_path)]
    write_marker(tmp_path / "sweep_of.json", "another")
    assert cli.main(command) == 2 and "holds a sweep of recipe 'another'" in capsys.readouterr().err
    (tmp_path / "sweep_of.json").write_text('{"recipe": "tiny", "version": 1}')
    assert cli.main(command) == 2 and "sweep_of.json: is of version 1, expected 2" in capsys.readouterr().err
    (tmp_path / "sweep_of.json").unlink()
    (tmp_path / "run.json").write_text('{"recipe": "tiny"}')
    assert cli.main(command) == 2 and "exists and is not a sweep" in capsys.readouterr().err


def test_a_directory_that_is_removed_beneath_a_sweep_ends_it_and_is_begun_again(
    sweep: Callable[..., tuple[int, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    removed = []

    class Removing(InThisProcess):
        def __init__(self, command: list[str], *arguments: Any, **keywords: Any) -> None:
            if removed:
                super().__init__(command, *arguments, **keywords)
                return
            removed.append(Path(command[command.index("--out") + 1]).parents[1])
            shutil.rmtree(removed[0])
            (removed[0] / "data").mkdir(parents=True)  # as a run that is at work there makes it again
            self.returncode = 1

    monkeypatch.setattr("distill.sweep.jobs.Popen", Removing)
    status, _ = sweep(*ARGUMENTS, "--points", "1/2")
    assert status == 2
    assert "was removed while this sweep was at work in it" in capsys.readouterr().err
    assert [entry.name for entry in removed[0].iterdir()] == ["data"]
    status, content = sweep(*ARGUMENTS, "--points", "1/2")
    assert status == 0 and [row["state"] for row in content["points"]] == ["done", "not run yet"]


def test_a_sweep_that_is_stopped_shows_what_is_done(
    sweep: Callable[..., tuple[int, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Interrupted(InThisProcess):
        def __init__(self, command: list[str], *arguments: Any, **keywords: Any) -> None:
            if "width=0.1" in command[command.index("--out") + 1]:
                raise KeyboardInterrupt
            super().__init__(command, *arguments, **keywords)

    monkeypatch.setattr("distill.sweep.jobs.Popen", Interrupted)
    status, content = sweep(*ARGUMENTS)
    said = capsys.readouterr()
    assert status == 130 and [row["state"] for row in content["points"]] == ["done", "not run yet"]
    assert f"{content['points'][0]['student']['metrics']['mAP']:.4f}" in said.out and "0.1 not run yet" in said.out
    assert "the same command goes on" in said.err
