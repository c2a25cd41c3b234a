"""What a kill left half written goes at the next start; what is gone on with, or is somebody's work, stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from distill.files.leftovers import remove_leftovers, remove_leftovers_of
from distill.files.run_directory import RunDirectory


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
    return process.pid


def test_they_are_removed_where_a_run_begins_and_nothing_else_is(tmp_path: Path, dead: int) -> None:
    gone = [
        f".results.json.{dead}.part",
        f"stages/transfer-1/.last.ckpt.{dead}.part",
        f"stages/.teach-1.{dead}.part/stage.json",
        ".export.part/student.onnx",
        "export/.web.old.part/index.html",
        f"data/.near_duplicates.csv.{dead}.part",
    ]
    kept = [
        "stages/transfer-1/last.ckpt",
        "data/.set.part/entries-00000.json",
        f"data/.near_duplicates.csv.{os.getpid()}.part",  # of a command that does not hold the run
        "data/set/index.json",
        "part",
        "a.part",
    ]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    with RunDirectory(tmp_path).alone():
        assert [name for name in gone if (tmp_path / name).exists()] == []
        assert [name for name in kept if not (tmp_path / name).exists()] == []
        assert not (tmp_path / ".export.part").exists()


def test_those_of_one_file(tmp_path: Path) -> None:
    for name in (".a[1].json.12.part", ".b.json.12.part", "a[1].json"):
        (tmp_path / name).touch()
    remove_leftovers_of(tmp_path / "a[1].json")
    assert {file.name for file in tmp_path.iterdir()} == {".b.json.12.part", "a[1].json"}


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    remove_leftovers(tmp_path / "none")
