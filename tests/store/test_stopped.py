"""A store that was stopped or killed at any moment goes on: nothing is lost, double or torn."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distill.data.prepared.prepared import Prepared
from distill.errors import DistillError
from distill.store.building import views_begun
from distill.store.store import Store, building_place
from tests.helpers.answering import CountingTeacher, files, shown, store


def test_what_was_stopped_goes_on_with_the_files_that_are_whole(labelled: Prepared, tmp_path: Path) -> None:
    pictures, teacher = shown(labelled), CountingTeacher()
    store(tmp_path / "unbroken", pictures)
    teacher.fails_after = 70  # 46 whole ones in 56 asked, and half a view
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path / "s", pictures, teacher)
    begun = building_place(tmp_path / "s")
    assert not (tmp_path / "s").exists()
    with pytest.raises(DistillError, match=r"s: not complete; .*\.building\. The `distill store` command"):
        Store.open(tmp_path / "s")
    (begun / "view-0000-00001.npy").write_bytes(b"torn")  # without a checksum beside it, it does not count
    again = CountingTeacher()
    store(tmp_path / "s", pictures, again)
    assert not begun.exists()
    assert files(tmp_path / "s") == files(tmp_path / "unbroken")
    everything = CountingTeacher()
    store(tmp_path / "other", pictures, everything)
    assert again.shown < everything.shown - 40


@pytest.mark.parametrize("count", [1, 2, 4])
def test_what_was_begun_is_finished_with_fewer_or_more_views(labelled: Prepared, tmp_path: Path, count: int) -> None:
    pictures, teacher = shown(labelled), CountingTeacher()
    teacher.fails_after = 165  # in the second view
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path / "s", pictures, teacher, count=3)
    assert views_begun(tmp_path / "s") == 1
    again = CountingTeacher()
    store(tmp_path / "s", pictures, again, count=count)
    assert views_begun(tmp_path / "s") == 0  # it is complete
    everything = CountingTeacher()
    store(tmp_path / "unbroken", pictures, everything, count=count)
    assert files(tmp_path / "s") == files(tmp_path / "unbroken")
    assert again.shown <= everything.shown - 80


def test_what_was_begun_of_something_else_is_refused_once_there_is_an_answer(
    labelled: Prepared, tmp_path: Path
) -> None:
    def stopped(after: int, **facts: Any) -> dict[str, bytes]:
        teacher = CountingTeacher()
        teacher.fails_after = after
        with pytest.raises(KeyboardInterrupt):
            store(tmp_path / "s", shown(labelled), teacher, **facts)
        return files(building_place(tmp_path / "s"))

    assert stopped(5, seed=6).keys() == {"manifest.json"}
    before = stopped(70)  # not refused: nothing had been answered
    assert "whole-00000.npy" in before and b'"seed": 5' in before["manifest.json"]
    with pytest.raises(DistillError, match=r"\.building: holds answers to something else: seed is 5 there and 6 here"):
        store(tmp_path / "s", shown(labelled), seed=6)
    assert files(building_place(tmp_path / "s")) == before


_KILLED = """
import sys, time, pathlib
sys.path.insert(0, {root!r})
from distill.data.prepared.prepared import Prepared
from tests.helpers.answering import CountingTeacher, shown, store

class Slow(CountingTeacher):
    def forward(self, pictures):
        time.sleep(0.05)
        return super().forward(pictures)

print("ready", flush=True)
store(pathlib.Path({place!r}), shown(Prepared.open(pathlib.Path({data!r}))), Slow())
"""


@pytest.mark.parametrize("after", [0.2, 0.5])
def test_a_killed_writer_leaves_nothing_double_or_torn(labelled: Prepared, tmp_path: Path, after: float) -> None:
    root = str(Path(__file__).parents[2])
    script = _KILLED.format(root=root, place=str(tmp_path / "s"), data=str(labelled.directory))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 60
    while not list(building_place(tmp_path / "s").glob("whole-*.sha256")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    store(tmp_path / "s", shown(labelled))
    store(tmp_path / "unbroken", shown(labelled))
    assert files(tmp_path / "s") == files(tmp_path / "unbroken")


def test_stopped_between_completing_and_taking_its_place(
    labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = shown(labelled)
    with monkeypatch.context() as patch:
        patch.setattr("distill.files.atomic.os.replace", _stop_at(tmp_path / "s", os.replace))
        with pytest.raises(KeyboardInterrupt):
            store(tmp_path / "s", pictures)
    again = CountingTeacher()
    store(tmp_path / "s", pictures, again)
    assert again.shown == 0
    assert Store.open(tmp_path / "s").manifest.count == 2


def _stop_at(place: Path, replace: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    def replaced(source: Any, target: Any) -> None:
        if Path(target) == place:
            raise KeyboardInterrupt
        replace(source, target)

    return replaced


@pytest.mark.parametrize("rename", ["the old store aside", "the new one to its place"])
def test_killed_between_the_renames_that_replace_a_store(
    labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rename: str
) -> None:
    store(tmp_path / "s", shown(labelled))
    target = tmp_path / ".s.old.part" if rename.startswith("the old") else tmp_path / "s"
    with monkeypatch.context() as patch:
        patch.setattr("distill.files.atomic.os.replace", _stop_at(target, os.replace))
        with pytest.raises(KeyboardInterrupt):  # of which nothing is undone, as of a kill
            store(tmp_path / "s", shown(labelled), count=3)
    again = CountingTeacher()
    store(tmp_path / "s", shown(labelled), again, count=3)
    assert again.shown == 0 and [path.name for path in tmp_path.iterdir()] == ["s"]


def test_a_begun_store_is_finished_before_pictures_are_added(
    labelled: Prepared, unlabelled: Prepared, tmp_path: Path
) -> None:
    teacher = CountingTeacher()
    teacher.fails_after = 70
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path / "s", shown(labelled), teacher)
    begun = files(building_place(tmp_path / "s"))
    with pytest.raises(
        DistillError, match=r"was begun with 33 pictures .* now there are 46, or others\. Finish it with"
    ):
        store(tmp_path / "s", shown(labelled, unlabelled))
    assert files(building_place(tmp_path / "s")) == begun
    store(tmp_path / "s", shown(labelled))
    store(tmp_path / "s", shown(labelled, unlabelled))


def test_what_a_process_that_outlived_its_store_writes_is_not_taken_for_answers(
    labelled: Prepared, tmp_path: Path
) -> None:
    teacher = CountingTeacher()
    teacher.fails_after = 70
    with pytest.raises(KeyboardInterrupt):
        store(tmp_path / "s", shown(labelled), teacher, seed=6)
    building = building_place(tmp_path / "s")
    (building / "manifest.json").unlink()  # it went with what was completed
    assert list(building.glob("*.npy.sha256"))
    store(tmp_path / "s", shown(labelled))
    assert files(tmp_path / "s") == files(store(tmp_path / "afresh", shown(labelled)).directory)
