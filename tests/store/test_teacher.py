"""A store in a teacher's place: the same answers, or a refusal that shows what differs."""

import hashlib
import json
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.answers import Probabilities
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules import Distiller
from distill.objectives import BernoulliKl
from distill.store.asking import Shown
from distill.store.manifest import Manifest
from distill.store.store import Store
from distill.store.teacher import Stored
from distill.store.verify import ask_again
from tests.helpers.answering import VIEWS, CountingTeacher, TwoHeads, opened, shown, store
from tests.helpers.nets import SMALL, ConvTeacher, clone, conv_student, same, trainer
from tests.helpers.noise import Noise, prepare_noise


@pytest.fixture(scope="module")
def kept(labelled: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store(tmp_path_factory.mktemp("stores") / "s", shown(labelled))


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(("dtype", "equal"), [("float32", True), ("float16", False)])
def test_a_student_of_a_store_is_that_of_the_teacher(
    labelled: Prepared, tmp_path: Path, dtype: str, equal: bool, workers: int
) -> None:
    pictures = shown(labelled).transfer
    root = store(tmp_path / "s", shown(labelled), dtype=dtype).directory
    views = replace(VIEWS, count=2)

    def trained(stored: bool) -> dict[str, torch.Tensor]:
        answers = opened(root).answers_to(pictures, views, 5) if stored else None
        teacher = None if stored else ConvTeacher()
        module = Distiller(conv_student(dropout=0.2), teacher, BernoulliKl(), preprocess=SMALL, seed=1)
        loader = ViewLoader(pictures, views, batch_size=8, seed=5, answers=answers, workers=workers if stored else 0)
        trainer(max_epochs=3).fit(module, loader)
        loader.close()
        return clone(module.result().state_dict().items())

    online, stored = trained(False), trained(True)
    assert same(online, stored) == equal
    for name, tensor in online.items():
        torch.testing.assert_close(tensor, stored[name], atol=2e-3, rtol=0, msg=name)


def test_a_store_from_before_there_was_cutmix_is_one_without(labelled: Prepared, tmp_path: Path) -> None:
    written = store(tmp_path / "s", shown(labelled))
    content = json.loads((written.directory / "manifest.json").read_text())
    del content["views"]["cutmix"], content["sha256"]
    (written.directory / "manifest.json").write_text(json.dumps(content))
    teacher, pictures = opened(written.directory), shown(labelled).transfer
    assert teacher.store.manifest == written.manifest
    teacher.answers_to(pictures, VIEWS, 5)
    with pytest.raises(DistillError, match=r"views\.cutmix is 0\.0 there and 0\.3 here"):
        teacher.answers_to(pictures, replace(VIEWS, cutmix=0.3), 5)


def test_siblings_may_see_the_views_in_another_order(labelled: Prepared, kept: Store) -> None:
    pictures = shown(labelled).transfer
    answers = opened(kept.directory).answers_to(pictures, VIEWS, 5)
    mine = ViewLoader(pictures, VIEWS, batch_size=8, seed=5, answers=answers)
    sibling = ViewLoader(pictures, VIEWS, batch_size=8, seed=6, view_seed=5, answers=answers)
    facts = []
    for loader in (mine, sibling):
        batches = list(loader)
        order = torch.cat([batch.index for batch in batches]).tolist()
        boxes = torch.cat([batch.box for batch in batches])
        said = torch.cat([batch.answers["logits"] for batch in batches])  # type: ignore[index, misc]
        facts.append((order, {i: (b.tolist(), a.tolist()) for i, b, a in zip(order, boxes, said, strict=True)}))
    assert facts[0][0] != facts[1][0]
    both = facts[0][1].keys() & facts[1][1].keys()
    assert len(both) > 20 and all(facts[0][1][i] == facts[1][1][i] for i in both)


def test_a_batch_without_answers_and_nobody_to_ask() -> None:
    module = Distiller(conv_student(), None, BernoulliKl(), preprocess=SMALL)
    with pytest.raises(DistillError, match="there is no teacher to ask"):
        trainer(max_epochs=1).fit(module, torch.utils.data.DataLoader(torch.rand(4, 3, 8, 8), batch_size=2))


@pytest.mark.parametrize(
    ("views", "seed", "said"),
    [
        (replace(VIEWS, flip=0.0), 5, "views.flip is 0.5 there and 0.0 here"),
        (VIEWS, 4, "seed is 5 there and 4 here"),
        (replace(VIEWS, count=9), 5, "views.count is at most 2 there and 9 here"),
    ],
)
def test_other_views_are_refused(labelled: Prepared, kept: Store, views: Views, seed: int, said: str) -> None:
    with pytest.raises(DistillError, match=f"holds answers to other views: {re.escape(said)}"):
        opened(kept.directory).answers_to(shown(labelled).transfer, views, seed)


def test_a_picture_added_or_changed_is_named(labelled: Prepared, unlabelled: Prepared, kept: Store) -> None:
    teacher = opened(kept.directory)
    with pytest.raises(DistillError, match=r"no answers to views of 13 of 46 pictures, the first of them train 0"):
        teacher.answers_to(shown(labelled, unlabelled).transfer, VIEWS, 5)
    with pytest.raises(DistillError, match=r"no answers to 13 of 46 pictures"):
        teacher.recall(shown(labelled, unlabelled).transfer)


def test_a_picture_removed_is_counted(labelled: Prepared, kept: Store) -> None:
    fewer = Pictures.of(labelled, "train").every(2)
    with pytest.raises(DistillError, match=r"about 33 pictures, and 16 of them are not among the 17 of the data"):
        opened(kept.directory).answers_to(fewer, VIEWS, 5)


def test_pictures_prepared_at_another_size(kept: Store, tmp_path: Path) -> None:
    other = prepare_noise(tmp_path / "other", Noise(1, (("train", 3),), height=24))
    with pytest.raises(DistillError, match=r"prepared at 20 x 16, version \d+, and these are 24 x 16, version"):
        opened(kept.directory).recall(Pictures.of(other, "train"))


@pytest.mark.parametrize("name", ["view-0001-00003.npy", "whole-00000.npy", "pictures.npy", "whole.npy"])
def test_a_flipped_bit_is_found(labelled: Prepared, tmp_path: Path, name: str) -> None:
    root = store(tmp_path / "s", shown(labelled)).directory
    content = bytearray((root / name).read_bytes())
    content[-1] ^= 1
    (root / name).write_bytes(content)
    with pytest.raises(DistillError, match=rf"{name}: missing, or not what manifest\.json has the checksum of"):
        opened(root)
    (root / name).unlink()
    with pytest.raises(DistillError, match=rf"{name}: missing"):
        opened(root)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("view_policy", 0, "view_policy is 0, and this program's is"),
        ("version", 99, r"version is 99, and this program's is .* Delete .*s, or name another place, and store"),
        ("dtype", "float15", "not the manifest of a store"),
        ("rows", 11, "its list of files is not that of its counts"),
        ("count", 1, "its list of files is not that of its counts"),
        ("count", 10**18, "its list of files is not that of its counts"),
        ("teacher", {"name": "x"}, r"manifest\.json: teacher\.classes is missing\. .* store the answers again"),
        ("seed", "3", r"manifest\.json: seed is '3', expected a whole number"),
        ("rows", 0, "a count is below"),
    ],
)
def test_a_manifest_of_another_time(labelled: Prepared, tmp_path: Path, key: str, value: object, said: str) -> None:
    root = store(tmp_path / "s", shown(labelled)).directory
    content = json.loads((root / "manifest.json").read_text())
    del content["sha256"]  # as another program may
    (root / "manifest.json").write_text(json.dumps(content | {key: value}))
    with pytest.raises(DistillError, match=said):
        opened(root)


def test_a_manifest_whose_views_are_none(labelled: Prepared, tmp_path: Path) -> None:
    root = store(tmp_path / "s", shown(labelled)).directory
    content = json.loads((root / "manifest.json").read_text())
    del content["sha256"]
    content["views"]["scale"] = [0.5]
    (root / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(DistillError, match=r"manifest\.json: not the manifest of a store"):
        opened(root)


def test_a_flipped_bit_of_the_manifest_is_found(labelled: Prepared, tmp_path: Path) -> None:
    root = store(tmp_path / "s", shown(labelled)).directory
    good = (root / "manifest.json").read_bytes()
    for place in range(0, 8 * len(good), 53):
        content = bytearray(good)
        content[place // 8] ^= 1 << place % 8
        (root / "manifest.json").write_bytes(content)
        with pytest.raises(DistillError, match=r"manifest\.json"):
            Manifest.read(root / "manifest.json")


def test_answers_of_another_shape_are_refused(labelled: Prepared, tmp_path: Path) -> None:
    root = store(tmp_path / "s", shown(labelled)).directory
    narrow = np.load(root / "view-0001-00000.npy")[:, :2]
    np.save(root / "view-0001-00000.npy", narrow, allow_pickle=False)
    with pytest.raises(
        DistillError, match=r"view-0001-00000\.npy: is float32 \(10, 2\), and manifest\.json says float32 \(10, 3\)"
    ):
        Store.open(root).map_all()


def test_more_views_change_nothing_for_a_stage_that_draws_fewer(labelled: Prepared, tmp_path: Path) -> None:
    place, pictures = tmp_path / "s", shown(labelled)
    few, open_ended = replace(VIEWS, count=2), VIEWS
    before = opened(store(place, pictures).directory)
    after = opened(store(place, pictures, count=3).directory)
    assert before.fingerprint() != after.fingerprint()
    assert before.fingerprint_of(few) == after.fingerprint_of(few) != after.fingerprint_of(replace(few, count=1))
    assert before.fingerprint_of(open_ended) != after.fingerprint_of(open_ended)


def test_answers_asked_again(labelled: Prepared, tmp_path: Path) -> None:
    teacher, pictures = CountingTeacher(), shown(labelled)
    written = store(tmp_path / "s", pictures, teacher)
    count, worst = ask_again(written, teacher, pictures)
    assert count == 64 and worst < 1e-4  # of 46 whole ones and 33 in two views
    teacher.adds = float("nan")
    with pytest.raises(DistillError, match=r"to whole picture .* is off by nan"):
        ask_again(written, teacher, pictures)
    teacher.adds = 0.0
    for name, said in (("whole-00004.npy", "to whole picture"), ("view-0001-00003.npy", "to view 1 of picture")):
        good = np.load(written.directory / name)
        np.save(written.directory / name, good + np.float32(0.1), allow_pickle=False)
        with pytest.raises(DistillError, match=f"{said} .* is off by 0.1"):
            ask_again(Store.open(written.directory), teacher, pictures)
        np.save(written.directory / name, good, allow_pickle=False)


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"teacher\.root: not set"):
        Stored().teacher(Probabilities())
    with pytest.raises(DistillError, match=r"not a store of teacher answers \(manifest\.json is missing\)"):
        opened(tmp_path)


def test_a_store_travels_to_workers_by_its_place(kept: Store) -> None:
    parcel = pickle.dumps(kept)
    assert len(parcel) < 500
    again = pickle.loads(parcel)
    rows = np.array([32, 0, 7])
    np.testing.assert_array_equal(again.view_answers(rows, 1), kept.view_answers(rows, 1))


def test_pictures_aligned_otherwise(labelled: Prepared, kept: Store) -> None:
    """Their content hashes, of files, are the same."""
    aligned = replace(labelled, pixels="version 1, aligned by another template")
    with pytest.raises(
        DistillError, match=r"20 x 16, version \d+, and these are 20 x 16, version 1, aligned by another"
    ):
        opened(kept.directory).answers_to(shown(aligned).transfer, VIEWS, 5)


def test_pictures_to_evaluate_on_may_be_aligned_otherwise(
    labelled: Prepared, unlabelled: Prepared, tmp_path: Path
) -> None:
    """LFW's are by another template than CelebA's; each is known by how it was shown."""
    aligned = Pictures.of(replace(unlabelled, pixels="version 1, aligned by another template"), "train")
    pictures = Shown(Pictures.of(labelled, "train"), (aligned,))
    teacher = opened(store(tmp_path / "s", pictures).directory)
    assert {name: tuple(one.shape) for name, one in teacher.recall(aligned).items()} == {"logits": (13, 3)}
    assert len(teacher.answers_to(pictures.transfer, VIEWS, 5).rows) == 33
    with pytest.raises(DistillError, match="holds answers to pictures prepared at"):
        teacher.answers_to(aligned, VIEWS, 5)


def test_one_picture_aligned_in_two_ways_is_two(labelled: Prepared, tmp_path: Path) -> None:
    train = Pictures.of(labelled, "train")
    other = prepare_noise(tmp_path / "other", Noise(9, (("train", 33), ("validation", 9), ("test", 4))))
    aligned = Pictures.of(replace(other, hashes=labelled.hashes, pixels="version 1, another template"), "train")
    assert np.array_equal(aligned.hashes, train.hashes) and not np.array_equal(aligned[:], train[:])
    teacher = CountingTeacher()
    recalled = opened(store(tmp_path / "s", Shown(train, (aligned,)), teacher).directory)
    for pictures in (train, aligned):
        said = teacher(teacher.preprocess.resize(torch.from_numpy(pictures[:])).permute(0, 3, 1, 2).float())
        np.testing.assert_allclose(recalled.recall(pictures)["logits"], said["logits"].detach(), atol=1e-5)


def test_what_was_answered_of_another_alignment_is_not_recalled(
    labelled: Prepared, unlabelled: Prepared, tmp_path: Path
) -> None:
    aligned = Pictures.of(replace(unlabelled, pixels="version 1, aligned by another template"), "train")
    recalled = opened(store(tmp_path / "s", Shown(Pictures.of(labelled, "train"), (aligned,))).directory)
    with pytest.raises(DistillError, match="has no answers to 13 of 13 pictures"):
        recalled.recall(Pictures.of(unlabelled, "train"))


def test_a_store_that_grows_changes_nothing_for_who_learns_from_it(
    labelled: Prepared, unlabelled: Prepared, tmp_path: Path
) -> None:
    small = Pictures.of(labelled, "train")
    teacher = opened(store(tmp_path / "s", shown(labelled)).directory)
    parcel, answers = pickle.dumps(teacher.store), teacher.answers_to(small, VIEWS, 5)
    unread = opened(tmp_path / "s")
    expected = [answers(np.arange(33), view)["logits"] for view in range(2)]

    store(tmp_path / "s", shown(labelled, unlabelled))
    fresh = opened(tmp_path / "s")
    assert len(fresh.store.viewed) == 46 and fresh.fingerprint() != teacher.fingerprint()
    for view in range(2):
        assert torch.equal(answers(np.arange(33), view)["logits"], expected[view])
    for stale in (lambda: unread.recall(small), lambda: pickle.loads(parcel)):
        with pytest.raises(DistillError, match="answers were stored there anew while it was in use"):
            stale()


def test_a_store_of_pictures_aligned_otherwise_does_not_grow_into_another(labelled: Prepared, tmp_path: Path) -> None:
    store(tmp_path / "s", shown(labelled))
    with pytest.raises(DistillError, match=r"pictures\.pixels is \['version 1'\] there and \['version 1, aligned by"):
        store(tmp_path / "s", shown(replace(labelled, pixels="version 1, aligned by another template")))


def test_places_without_a_name_of_their_own(
    labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DistillError, match=f"{tmp_path}: not a store of teacher answers"):
        opened(Path("."))
    with pytest.raises(DistillError, match="/: no place for a store"):
        opened(Path("/"))


def test_a_teacher_of_several_tensors_is_stored_and_asked_again(labelled: Prepared, tmp_path: Path) -> None:
    teacher, pictures = TwoHeads(), shown(labelled)
    written = store(tmp_path / "s", pictures, teacher)
    recalled = opened(written.directory)
    assert recalled.store.manifest == written.manifest and recalled.shapes == teacher.shapes
    test = pictures.evaluated[1]
    said = teacher(teacher.preprocess.resize(torch.from_numpy(test[:])).permute(0, 3, 1, 2).float())
    found = recalled.recall(test)
    assert found.keys() == said.keys()
    for name, values in said.items():
        np.testing.assert_allclose(found[name], values.detach(), atol=1e-5)
    plain = opened(store(tmp_path / "plain", pictures).directory).answers_to(pictures.transfer, VIEWS, 5)
    views = recalled.answers_to(pictures.transfer, VIEWS, 5)(np.array([5, 0]), 1)
    torch.testing.assert_close(views["logits"], plain(np.array([5, 0]), 1)["logits"])
    assert tuple(views["plane"].shape) == (2, 3, 2)
    assert ask_again(written, teacher, pictures)[0] == 64
    file = written.directory / "view-0001-00000.npy"
    altered = np.load(file)
    altered["plane"] += 0.1
    np.save(file, altered, allow_pickle=False)
    with pytest.raises(DistillError, match=r"to view 1 of picture .* is off by 0\.1"):
        ask_again(Store.open(written.directory), teacher, pictures)


@pytest.mark.parametrize("name", ["pictures.npy", "whole-00000.npy", "view-0001-00000.npy"])
@pytest.mark.parametrize("content", [b"", "short", "objects", "none"])
def test_arrays_that_are_none_of_a_store_are_refused(
    name: str, content: bytes | str, labelled: Prepared, tmp_path: Path
) -> None:
    """Whoever wrote them wrote their checksums too."""
    root = store(tmp_path / "s", shown(labelled)).directory
    file, manifest = root / name, json.loads((root / "manifest.json").read_text())
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "short":
        np.save(file, np.load(file)[:-1])
    elif content == "objects":
        np.save(file, np.array([{}, None], object), allow_pickle=True)
    else:
        np.save(file, np.zeros(()))
    del manifest["sha256"]
    manifest["checksums"][name] = hashlib.sha256(file.read_bytes()).hexdigest()
    (root / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DistillError, match=rf"{name}: .* Run the `distill store` command"):
        Store.open(root).map_all()
