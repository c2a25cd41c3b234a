"""A store holds the teacher's answers to the views that training draws, whatever happened while it was written."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from distill.data.cutting import cut
from distill.data.loader import ViewLoader
from distill.data.pictures import Pictures
from distill.data.prepared import Prepared
from distill.data.views import Views
from distill.errors import DistillError
from distill.locks import exclusive
from distill.store import estimate
from distill.store import writer as writer_module
from distill.store.store import Store, building_place
from distill.store.writer import views_begun, write_store
from tests.modules.nets import ConvTeacher
from tests.store.answering import BATCH, VIEWS, CountingTeacher, files, manifest_of, shown, store


@pytest.mark.parametrize("views", [VIEWS, Views(scale=(0.5, 1.0), mixup=0.4), Views(cutmix=0.5)])
def test_answers_are_those_to_the_views_of_the_loader(labelled: Prepared, tmp_path: Path, views: Views) -> None:
    pictures = shown(labelled)
    store(tmp_path / "s", pictures, views=views)
    # Read as the format is described, without this project's reader.
    manifest = json.loads((tmp_path / "s" / "manifest.json").read_text())
    hashes = np.load(tmp_path / "s" / "pictures.npy")
    kept = {
        view: np.concatenate([np.load(tmp_path / "s" / f"view-{view:04d}-{part:05d}.npy") for part in range(4)])
        for view in range(manifest["count"])
    }
    teacher, seen = ConvTeacher().eval(), 0
    loader = ViewLoader(pictures.transfer, views, batch_size=BATCH, seed=manifest["seed"])
    for view in range(manifest["count"]):
        for batch in loader:
            answers = teacher(cut(batch, teacher.preprocess)).detach().numpy()
            rows = [hashes.tolist().index(one) for one in pictures.transfer.hashes[batch.index.numpy()].tolist()]
            np.testing.assert_allclose(kept[view][rows], answers, atol=1e-5)
            seen += len(rows)
    assert seen == 2 * 32


def test_whole_pictures_are_answered_as_they_are_evaluated(labelled: Prepared, tmp_path: Path) -> None:
    pictures = shown(labelled)
    store(tmp_path / "s", pictures)
    hashes = np.load(tmp_path / "s" / "whole.npy").tolist()
    kept = np.concatenate([np.load(tmp_path / "s" / f"whole-{part:05d}.npy") for part in range(5)])
    teacher = ConvTeacher().eval()
    for group in (pictures.transfer, *pictures.evaluated):
        whole = torch.from_numpy(group.gather(np.arange(len(group))))
        answers = teacher(teacher.preprocess.resize(whole).permute(0, 3, 1, 2).float()).detach().numpy()
        np.testing.assert_allclose(kept[[hashes.index(one) for one in group.hashes.tolist()]], answers, atol=1e-5)


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
from distill.data.prepared import Prepared
from tests.store.answering import CountingTeacher, shown, store

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
        patch.setattr("distill.files.os.replace", _stop_at(tmp_path / "s", os.replace))
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
        patch.setattr("distill.files.os.replace", _stop_at(target, os.replace))
        with pytest.raises(KeyboardInterrupt):  # of which nothing is undone, as of a kill
            store(tmp_path / "s", shown(labelled), count=3)
    again = CountingTeacher()
    store(tmp_path / "s", shown(labelled), again, count=3)
    assert again.shown == 0 and [path.name for path in tmp_path.iterdir()] == ["s"]


def test_more_views_and_pictures_cost_only_themselves(labelled: Prepared, unlabelled: Prepared, tmp_path: Path) -> None:
    store(tmp_path / "s", shown(labelled))
    teacher = CountingTeacher()
    grown = store(tmp_path / "s", shown(labelled, unlabelled), teacher, count=3)
    # 13 new pictures whole and in two views, all 46 in a third; each file's in batches of eight, two to time it.
    new = 13 * 3 + 46
    assert new <= teacher.shown - 2 * BATCH < new + 20 * BATCH
    assert files(tmp_path / "s") == files(store(tmp_path / "afresh", shown(labelled, unlabelled), count=3).directory)
    again = CountingTeacher()
    assert store(tmp_path / "s", shown(labelled, unlabelled), again, count=3).fingerprint == grown.fingerprint
    assert again.shown == 0


@pytest.mark.parametrize("mixed", [Views(mixup=0.4), Views(cutmix=0.4)], ids=["mixup", "cutmix"])
def test_mixtures_with_other_pictures_are_asked_again(
    labelled: Prepared, unlabelled: Prepared, tmp_path: Path, mixed: Views
) -> None:
    store(tmp_path / "s", shown(labelled), views=mixed)
    store(tmp_path / "s", shown(labelled, unlabelled), views=mixed)
    afresh = store(tmp_path / "afresh", shown(labelled, unlabelled), views=mixed)
    assert files(tmp_path / "s") == files(afresh.directory)


def test_answers_about_pictures_that_are_gone_are_kept_aside(
    labelled: Prepared, unlabelled: Prepared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = files(store(tmp_path / "s", shown(labelled, unlabelled)).directory)
    teacher = CountingTeacher()
    store(tmp_path / "s", shown(labelled), teacher)
    assert teacher.shown == 0  # it has been asked about these
    assert files(tmp_path / "s") == files(store(tmp_path / "afresh", shown(labelled)).directory)
    assert files(tmp_path / "s.old") == both
    assert f"{tmp_path / 's.old'}: the store before, for it has answers about 13 pictures" in capsys.readouterr().err
    store(tmp_path / "s", shown(labelled, unlabelled))
    store(tmp_path / "s", shown(labelled))
    assert {path.name for path in tmp_path.iterdir()} == {"s", "s.old", "s.old2", "afresh"}


@pytest.mark.parametrize("name", ["pictures.npy", "whole.npy"])
def test_a_damaged_list_of_pictures_is_made_again(labelled: Prepared, tmp_path: Path, name: str) -> None:
    expected = files(store(tmp_path / "s", shown(labelled)).directory)
    (tmp_path / "s" / name).write_bytes(b"torn")
    teacher = CountingTeacher()
    store(tmp_path / "s", shown(labelled), teacher)
    assert teacher.shown == 0 and files(tmp_path / "s") == expected


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


def test_a_store_of_an_older_view_policy_is_not_written_over(labelled: Prepared, tmp_path: Path) -> None:
    place = store(tmp_path / "s", shown(labelled)).directory
    content = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps(content | {"view_policy": 0}))
    before = files(place)
    with pytest.raises(DistillError, match=r"view_policy is 0.*Delete .*s, or name another place, and store"):
        store(tmp_path / "s", shown(labelled))
    assert files(place) == before


def test_a_damaged_file_is_asked_again_and_no_other(labelled: Prepared, tmp_path: Path) -> None:
    written = store(tmp_path / "s", shown(labelled))
    expected = files(written.directory)
    damaged = written.directory / "view-0001-00002.npy"
    content = bytearray(damaged.read_bytes())
    content[-3] ^= 4
    damaged.write_bytes(content)
    teacher = CountingTeacher()
    store(tmp_path / "s", shown(labelled), teacher)
    assert files(tmp_path / "s") == expected
    assert teacher.shown == 4 * BATCH  # ten rows are two batches, and one is timed twice


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"seed": 6}, "seed is 5 there and 6 here"),
        ({"views": Views(scale=(0.6, 1.0))}, r"views\.scale is \[0\.5, 1\.0\] there and \[0\.6, 1\.0\] here"),
        ({"dtype": "float16"}, "dtype is 'float32' there and 'float16' here"),
    ],
)
def test_a_place_of_other_answers_is_refused(
    labelled: Prepared, tmp_path: Path, facts: dict[str, Any], said: str
) -> None:
    written = store(tmp_path / "s", shown(labelled))
    before = files(written.directory)
    with pytest.raises(DistillError, match=rf"s: holds answers to something else: {said}"):
        store(tmp_path / "s", shown(labelled), **facts)
    assert files(written.directory) == before


def test_another_teacher_is_refused(labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path / "s", shown(labelled))
    monkeypatch.setattr(ConvTeacher, "fingerprint", lambda _: "another")
    with pytest.raises(DistillError, match=r"teacher\.fingerprint is 'conv' there and 'another' here"):
        store(tmp_path / "s", shown(labelled))


def test_two_writers_on_one_place(labelled: Prepared, tmp_path: Path) -> None:
    busy = pytest.raises(DistillError, match=r"s\.building: another process is writing to it")
    with exclusive(building_place(tmp_path / "s"), lambda: None), busy:
        store(tmp_path / "s", shown(labelled))
    store(tmp_path / "s", shown(labelled))


def test_a_place_of_something_else(labelled: Prepared, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "diary.txt").write_text("dear")
    with pytest.raises(DistillError, match=r"s: exists and is not a store of teacher answers"):
        store(tmp_path / "s", shown(labelled))
    assert [file.name for file in (tmp_path / "s").iterdir()] == ["diary.txt"]


def test_nan_is_not_kept(labelled: Prepared, tmp_path: Path) -> None:
    teacher = CountingTeacher()
    teacher.adds = float("nan")
    with pytest.raises(DistillError, match=r"teacher conv: answers NaN or infinity while whole-00000\.npy"):
        store(tmp_path / "s", shown(labelled), teacher)
    assert not list(tmp_path.rglob("*.npy"))


def test_logits_that_float16_cannot_hold(labelled: Prepared, tmp_path: Path) -> None:
    teacher = CountingTeacher()
    teacher.adds = 7e4
    with pytest.raises(DistillError, match=r"float16 ends at 65504\. Store float32: --dtype float32"):
        store(tmp_path / "s", shown(labelled), teacher, dtype="float16")
    assert store(tmp_path / "s", shown(labelled), teacher).manifest.dtype == "float32"  # nothing was kept


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_below_a_file(labelled: Prepared, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(DistillError, match=r"file.*Name another with --out"):
        store(tmp_path / place, shown(labelled))
    assert (tmp_path / "file").read_text() == "kept"


def test_more_files_than_a_process_may_open(labelled: Prepared, tmp_path: Path) -> None:
    written = store(tmp_path / "s", shown(labelled))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 2, hard))
        with pytest.raises(
            DistillError, match=r"\.npy: cannot be opened beside as many others.*the store has 13 files"
        ):
            written.map_all()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    written.map_all()


def test_too_small_a_disk_is_found_before_the_first_answer(
    labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(DistillError, match=r"are needed and 100.B are free"):
        store(tmp_path / "s", shown(labelled))


def test_a_disk_that_fills_keeps_what_was_answered(
    labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, saved = np.save, 0

    def fill(*arguments: Any, **keywords: Any) -> None:
        nonlocal saved
        saved += 1
        if saved > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*arguments, **keywords)

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", fill)
        with pytest.raises(DistillError, match=r"cannot be written \(No space left on device\)"):
            store(tmp_path / "s", shown(labelled))
    assert len(list(building_place(tmp_path / "s").glob("*.npy"))) == 3
    teacher, whole = CountingTeacher(), CountingTeacher()
    store(tmp_path / "s", shown(labelled), teacher)
    store(tmp_path / "unbroken", shown(labelled), whole)
    assert whole.shown - teacher.shown == 3 * 2 * BATCH
    assert files(tmp_path / "s") == files(tmp_path / "unbroken")


def test_the_pictures_can_be_loaded_by_workers(labelled: Prepared, tmp_path: Path) -> None:
    import lightning as L

    pictures, teacher = shown(labelled), ConvTeacher()
    written = writer_module.write_store(
        tmp_path / "s", manifest_of(teacher, pictures), teacher, pictures,
        batch_size=BATCH, fabric=L.Fabric(accelerator="cpu", devices=1), workers=1,
    )  # fmt: skip
    assert written is not None
    assert files(tmp_path / "s") == files(store(tmp_path / "alone", pictures).directory)
    assert Pictures.of(labelled, "train").hashes.size == len(written.viewed)


@pytest.mark.parametrize("embeds", [True, False])
def test_a_zero_vector_is_no_embedding(labelled: Prepared, tmp_path: Path, embeds: bool) -> None:
    teacher, pictures = CountingTeacher(), shown(labelled)
    teacher.requires_grad_(False)
    for parameter in teacher.network[-1].parameters():
        parameter.zero_()
    who = manifest_of(teacher, pictures).teacher
    if not embeds:
        assert store(tmp_path / "s", pictures, teacher).manifest.teacher == who
        return
    manifest = replace(manifest_of(teacher, pictures), teacher=replace(who, classes=None))
    fabric = L.Fabric(accelerator="cpu", devices=1)
    with pytest.raises(DistillError, match=r"teacher conv: answers the zero vector.* while whole-00000\.npy"):
        write_store(tmp_path / "s", manifest, teacher, pictures, batch_size=BATCH, fabric=fabric)
