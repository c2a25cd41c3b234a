"""A store holds the teacher's answers to the views that training draws; it grows, and refuses what does not fit."""

import errno
import json
import os
import resource
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch

from distill.answers import Embedding, Probabilities
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.views.cutting import cut
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.files.locks import exclusive
from distill.files.sealed import write_sealed
from distill.preprocess.preprocess import Channels
from distill.store import estimate
from distill.store.asking import Asking
from distill.store.building import views_begun
from distill.store.store import Store, building_place
from distill.store.writer import write_store
from tests.helpers.answering import BATCH, VIEWS, CountingTeacher, files, manifest_of, shown, store
from tests.helpers.nets import ConvEmbedder, ConvTeacher


@pytest.mark.parametrize("views", [VIEWS, Views(scale=(0.5, 1.0), mixup=0.4), Views(cutmix=0.5), Views(zoom_out=0.5)])
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
            answers = teacher(cut(batch, teacher.preprocess))["logits"].detach().numpy()
            rows = [hashes.tolist().index(one) for one in pictures.transfer.hashes[batch.index.numpy()].tolist()]
            np.testing.assert_allclose(kept[view][rows], answers, atol=1e-5)
            seen += len(rows)
    assert seen == 2 * 32


def test_views_that_depend_on_boxes_are_not_stored(labelled: Prepared, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"views\.keep_object is 0\.5: such views depend on boxes, .* Set it to 0\."):
        store(tmp_path / "s", shown(labelled), views=Views(keep_object=0.5))


def test_whole_pictures_are_answered_as_they_are_evaluated(labelled: Prepared, tmp_path: Path) -> None:
    pictures = shown(labelled)
    store(tmp_path / "s", pictures)
    hashes = np.load(tmp_path / "s" / "whole.npy").tolist()
    kept = np.concatenate([np.load(tmp_path / "s" / f"whole-{part:05d}.npy") for part in range(5)])
    teacher = ConvTeacher().eval()
    for group in (pictures.transfer, *pictures.evaluated):
        whole = torch.from_numpy(group.gather(np.arange(len(group))))
        answers = teacher(teacher.preprocess.resize(whole).permute(0, 3, 1, 2).float())["logits"].detach().numpy()
        np.testing.assert_allclose(kept[[hashes.index(one) for one in group.hashes.tolist()]], answers, atol=1e-5)


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


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_a_manifest_says_in_which_order_a_teacher_eats_channels(
    labelled: Prepared, tmp_path: Path, channels: Channels
) -> None:
    teacher = CountingTeacher()
    teacher.preprocess = replace(teacher.preprocess, channels=channels)
    written = store(tmp_path / "s", shown(labelled), teacher)
    assert Store.open(tmp_path / "s").manifest.teacher.preprocess == teacher.preprocess
    for content in (json.loads((tmp_path / "s" / "manifest.json").read_text()), written.manifest.describe()):
        # Stores of before have no such key, and stay what they are.
        assert content["teacher"]["preprocess"].get("channels") == (None if channels == "rgb" else channels)


def test_a_store_of_an_older_view_policy_is_not_written_over(labelled: Prepared, tmp_path: Path) -> None:
    place = store(tmp_path / "s", shown(labelled)).directory
    content = json.loads((place / "manifest.json").read_text())
    write_sealed(place / "manifest.json", content | {"view_policy": 0})
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


def test_a_begun_store_has_views_up_to_the_last_that_is_whole(labelled: Prepared, tmp_path: Path) -> None:
    written = store(tmp_path / "s", shown(labelled), count=3)
    building, manifest = building_place(tmp_path / "t"), written.manifest
    assert views_begun(tmp_path / "t") == 0
    building.mkdir()
    for whole, expected in (((), 0), ((0,), 1), ((1,), 2), ((0, 1), 2), ((2,), 3)):
        kept = [name for view in whole for name in manifest.files_of(view)]
        kept += manifest.files_of(0)[:-1]  # all but one of its files
        replace(manifest, checksums={name: manifest.checksums[name] for name in kept}).write(building / "manifest.json")
        assert views_begun(tmp_path / "t") == expected


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
        taken = {int(number) for number in os.listdir("/proc/self/fd")}  # with gaps between them
        limit = [number for number in range(soft) if number not in taken][3]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
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
    pictures, teacher = shown(labelled), ConvTeacher()
    asking = Asking(teacher, Probabilities, pictures, BATCH, workers=1)
    fabric = L.Fabric(accelerator="cpu", devices=1)
    written = write_store(tmp_path / "s", manifest_of(teacher, pictures), asking, fabric)
    assert written is not None
    assert files(tmp_path / "s") == files(store(tmp_path / "alone", pictures).directory)
    assert Pictures.of(labelled, "train").hashes.size == len(written.viewed)


@pytest.mark.parametrize("embeds", [True, False])
def test_a_zero_vector_is_no_embedding(labelled: Prepared, tmp_path: Path, embeds: bool) -> None:
    teacher, pictures = ConvEmbedder() if embeds else CountingTeacher(), shown(labelled)
    teacher.requires_grad_(False)
    for parameter in teacher.network[-1].parameters():
        parameter.zero_()
    manifest = manifest_of(teacher, pictures)
    if not embeds:
        assert store(tmp_path / "s", pictures, teacher).manifest.teacher == manifest.teacher
        return
    fabric = L.Fabric(accelerator="cpu", devices=1)
    with pytest.raises(DistillError, match=r"teacher conv: answers the zero vector.* while whole-00000\.npy"):
        write_store(tmp_path / "s", manifest, Asking(teacher, Embedding, pictures, BATCH), fabric)
