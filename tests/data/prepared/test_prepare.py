"""From a source to a prepared set: what it holds, what is left out, and when it is made again."""

import csv
import dataclasses
import hashlib
import os
import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from distill.data.prepared import loading, pool
from distill.data.prepared.kept import Kept
from distill.data.prepared.prepare import Prepared
from distill.data.sources.celeba import CelebA
from distill.data.sources.folder import Folder
from distill.data.sources.source import SPLITS, Sample, Split
from distill.data.targets import Column, Ragged
from distill.errors import DistillError
from distill.preprocess.preprocess import Fit
from tests.helpers.listed import Listed, pixels, png, put, run
from tests.helpers.marked import BOXES, COUNT
from tests.helpers.noise import every


def ledger(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    assert header == ["name", "reason"]
    return rows


def test_every_row_holds_what_its_sample_said(tmp_path: Path) -> None:
    splits: list[Split] = ["train", "test", "validation"]
    samples = tuple(Sample(f"p{n}", png(pixels(n)), ((n % 2), -1), n * 2**40 - 1, splits[n % 3]) for n in range(100))
    found = run(Listed(samples, ("Bald", "Male")), tmp_path / "set", workers=3)
    assert found.pictures.shape == (100, 10, 8, 3)
    assert len(found) == 100 and found.classes == ("Bald", "Male")
    for row, sample in enumerate(samples):
        assert found.names[row] == sample.name
        assert np.array_equal(every(found)[row], pixels(row))
        expected = hashlib.blake2b(sample.picture, digest_size=8).digest()
        assert int(found.hashes[row]) == int.from_bytes(expected, "little")
        assert tuple(found.labels[row]) == sample.labels
        assert found.identities[row] == sample.identity
        assert SPLITS[found.splits[row]] == sample.split
    for split in SPLITS:
        assert found.indices(split).tolist() == [n for n in range(100) if splits[n % 3] == split]
    assert [found.hashes.dtype, found.labels.dtype, found.identities.dtype, found.splits.dtype] == [
        np.uint64,
        np.int8,
        np.int64,
        np.uint8,
    ]
    assert ledger(tmp_path / "set" / "ledger.csv") == []
    assert sorted(os.listdir(tmp_path)) == ["set"]


def test_the_shards_are_plain_files(tmp_path: Path) -> None:
    put(tmp_path / "in", 5)
    found = run(Folder(root=tmp_path / "in"), tmp_path / "set")
    stored = np.load(tmp_path / "set" / "pictures-00000.npy", allow_pickle=False)
    assert np.array_equal(stored, [pixels(n) for n in range(5)])
    assert len(found.pictures) == 5


def test_neither_workers_nor_the_kind_of_source_change_the_set(tmp_path: Path) -> None:
    put(tmp_path / "in", 40)
    sets = [run(Folder(root=tmp_path / "in"), tmp_path / f"{n}", workers=n) for n in (1, 4)]
    sets.append(run(Listed(tuple(Sample(f"{n:03d}.png", png(pixels(n))) for n in range(40))), tmp_path / "bytes"))
    assert len({found.fingerprint for found in sets}) == 1
    assert all(np.array_equal(every(found), every(sets[0])) for found in sets)


def test_other_sizes_are_cut_in_the_middle_and_resized(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = 200  # the largest square box, centred
    found = run(Listed((Sample("wide", png(wide)), Sample("array", wide))), tmp_path / "set", height=10, width=10)
    assert np.array_equal(every(found), np.full((2, 10, 10, 3), 200))
    assert found.labels.shape == (2, 0)


def test_arrays_are_known_by_shape_and_pixels(tmp_path: Path) -> None:
    picture = pixels(0, 10, 8)
    same_bytes = picture.reshape(8, 10, 3)
    found = run(Listed((Sample("a", picture), Sample("b", same_bytes), Sample("c", picture.copy()))), tmp_path / "set")
    assert found.names == ["a", "b"]
    assert ledger(tmp_path / "set" / "ledger.csv") == [["c", "duplicate of a"]]


def test_unlabelled_pictures_of_a_labelled_source_are_unknown(tmp_path: Path) -> None:
    samples = (Sample("a", png(pixels(0)), (1, 0)), Sample("b", png(pixels(1))))
    assert run(Listed(samples, ("x", "y")), tmp_path / "set").labels.tolist() == [[1, 0], [-1, -1]]
    for labels in ((1,), (1, 2)):
        with pytest.raises(DistillError, match=r"listed: a has the labels .*, expected 2 values"):
            run(Listed((Sample("a", png(pixels(0)), labels),), ("x", "y")), tmp_path / "other")


BAD = {
    "missing": (None, "missing"),
    "truncated": (png(pixels(900))[:-60], "damaged or truncated"),
    "empty": (b"", "empty"),
    "text": (b"not a picture at all", "not a picture"),
    "array": (np.zeros((4, 4), np.uint8), "pixels are uint8 (4, 4), expected uint8"),
}


def with_bad(tmp_path: Path, good: int) -> Listed:
    bad = [Sample(name, tmp_path / "none.jpg" if data is None else data) for name, (data, _) in BAD.items()]
    return Listed((*(Sample(f"good{n}", png(pixels(n))) for n in range(good)), *bad))


def test_bad_pictures_are_named_and_left_out(tmp_path: Path) -> None:
    found = run(with_bad(tmp_path, 7), tmp_path / "set", max_bad_share=0.5)
    assert found.names == [f"good{n}" for n in range(7)]
    rows = dict(ledger(tmp_path / "set" / "ledger.csv"))
    assert list(rows) == list(BAD)
    assert all(rows[name].startswith(reason) for name, (_, reason) in BAD.items())


def test_too_many_bad_pictures_stop_the_run_and_leave_the_ledger(tmp_path: Path) -> None:
    place = tmp_path / "set"
    with pytest.raises(DistillError) as caught:
        run(with_bad(tmp_path, 15), place, max_bad_share=0.24)
    message = str(caught.value)
    assert "5 of 20 pictures are bad (25.00%), more than max_bad_share = 24.00%" in message
    assert all(f"{name}: {reason}" in message for name, (_, reason) in BAD.items())
    assert str(tmp_path / "set.ledger.csv") in message
    assert os.listdir(tmp_path) == ["set.ledger.csv"]
    assert [name for name, _ in ledger(tmp_path / "set.ledger.csv")] == list(BAD)
    run(with_bad(tmp_path, 15), place, max_bad_share=0.25)
    assert os.listdir(tmp_path) == ["set"]
    with pytest.raises(DistillError, match=r"(?s)5 of 20 pictures are bad .*set/ledger\.csv"):
        run(with_bad(tmp_path, 15), place, max_bad_share=0.24)


def test_a_set_that_lost_its_ledger(tmp_path: Path) -> None:
    run(with_bad(tmp_path, 15), tmp_path / "set", max_bad_share=0.25)
    (tmp_path / "set" / "ledger.csv").unlink()
    with pytest.raises(DistillError, match=r"ledger\.csv: missing, or not what index\.json .* Delete .*set to prepare"):
        run(with_bad(tmp_path, 15), tmp_path / "set", max_bad_share=0.25)


def test_a_set_without_a_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"5 of 5 pictures are bad .* none is left"):
        run(with_bad(tmp_path, 0), tmp_path / "set", max_bad_share=1.0)
    with pytest.raises(DistillError, match="lists no picture"):
        run(Listed(()), tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_a_list_row_without_its_picture_is_in_the_ledger(tmp_path: Path) -> None:
    put(tmp_path / "img_align_celeba", 3)
    rows = [f"{n:03d}.png 1 -1" for n in range(4)]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["4", "Bald Male", *rows]))
    (tmp_path / "list_eval_partition.txt").write_text("".join(f"{n:03d}.png {n % 3}\n" for n in range(4)))
    found = run(CelebA(root=tmp_path), tmp_path / "set", max_bad_share=0.25)
    assert ledger(tmp_path / "set" / "ledger.csv") == [["003.png", "missing"]]
    assert found.labels.tolist() == [[1, 0]] * 3 and found.splits.tolist() == [0, 1, 2]


def test_one_of_equal_pictures_stays_and_test_comes_before_train(tmp_path: Path) -> None:
    content = [png(pixels(n)) for n in range(3)]
    samples = (
        Sample("train a", content[0], (1,), 1, "train"),
        Sample("train b", content[1], (1,), 2, "train"),
        Sample("train b again", content[1], (1,), 2, "train"),
        Sample("validation b", content[1], (-1,), 2, "validation"),
        Sample("test b", content[1], (1,), -1, "test"),
        Sample("train c", content[2], (0,), 5, "train"),
        Sample("validation c", content[2], (0,), 5, "validation"),
        Sample("train c again", content[2], (0,), 5, "train"),
    )
    found = run(Listed(samples, ("x",)), tmp_path / "set", max_bad_share=0.0)
    assert found.names == ["train a", "test b", "validation c"]
    assert [SPLITS[split] for split in found.splits] == ["train", "test", "validation"]
    assert found.identities.tolist() == [1, -1, 5] and found.labels.tolist() == [[1], [1], [0]]
    assert np.array_equal(every(found), [pixels(n) for n in range(3)])
    assert ledger(tmp_path / "set" / "ledger.csv") == [
        ["train b again", "duplicate of train b"],
        ["train b", "duplicate of validation b"],
        ["validation b", "duplicate of test b"],
        ["train c", "duplicate of validation c"],
        ["train c again", "duplicate of validation c"],
    ]


def test_targets_follow_the_picture_that_is_kept(tmp_path: Path) -> None:
    columns = Column("boxes", "float32", (4,), ragged=True, place="boxes"), Column("count", "int64", unknown=-9)
    content = [png(pixels(n)) for n in range(3)]
    boxes: list[list[tuple[int, ...]]] = [[(0, 0, 8, 10)], [(2, 5, 4, 10), (0, 0, 8, 5)], [], [(4, 0, 4, 0)]]
    samples = (
        Sample("train a", content[0], targets={"boxes": boxes[0], "count": 1}),
        Sample("train b", content[1], targets={"boxes": boxes[0], "count": 2}),
        Sample("train b again", content[1], targets={"boxes": boxes[2], "count": 3}),
        Sample("test b", content[1], split="test", targets={"boxes": boxes[1]}),
        Sample("bad", b"", targets={"boxes": boxes[3]}),
        Sample("train c", content[2], targets={"boxes": boxes[3], "count": 5}),
    )
    found = run(Listed(samples, further=columns), tmp_path / "set", max_bad_share=0.5)
    ragged, count = found.targets["boxes"], found.targets["count"]
    assert found.names == ["train a", "test b", "train c"] and isinstance(ragged, Ragged)
    assert [ragged[row].tolist() for row in range(3)] == [
        [[0, 0, 1, 1]],
        [[0.25, 0.5, 0.5, 1], [0, 0, 1, 0.5]],
        [[0.5, 0, 0.5, 0]],
    ]
    assert isinstance(count, np.ndarray) and count.tolist() == [1, -9, 5]
    # Other values are another set, and so are the same ones where they mean something else.
    other = dataclasses.replace(samples[0], targets={"boxes": boxes[0], "count": 4})
    redeclared = columns[0], dataclasses.replace(columns[1], unknown=4)
    variants = [
        Listed(samples[:1], further=columns),
        Listed((other,), further=columns),
        Listed((other,), further=redeclared),
    ]
    sets = [run(listed, tmp_path / str(number)).fingerprint for number, listed in enumerate(variants)]
    assert len(set(sets)) == 3


@pytest.mark.parametrize(
    ("further", "targets", "refused"),
    [
        ((), {"count": 1}, r"a has the targets count, which its source does not declare \(it declares none\)"),
        ((COUNT,), {"cuont": 1}, r"a has the targets cuont, .* \(it declares count\)"),
        ((COUNT,), {"count": 1.5}, "listed: a: target count holds numbers that are no int32"),
        ((BOXES,), {"boxes": [(5, 0, 4, 2)]}, "listed: a: target boxes holds a box with its right or lower edge"),
        ((COUNT, COUNT), {}, "declares the column count, a name that is taken"),
        ((Column("hashes", "int8"),), {}, "declares the column hashes, a name that is taken; .* none of hashes, files"),
    ],
)
def test_malformed_targets_are_refused(
    tmp_path: Path, further: tuple[Column, ...], targets: dict[str, Any], refused: str
) -> None:
    samples = (Sample("a", png(pixels(0)), targets=targets),)
    with pytest.raises(DistillError, match=refused):
        run(Listed(samples, further=further), tmp_path / "set")


def test_other_fits_are_other_sets(tmp_path: Path) -> None:
    put(tmp_path / "in", 3)
    sets = [run(Folder(root=tmp_path / "in"), tmp_path / "set", height=9, fit=fit) for fit in get_args(Fit)]
    assert len({found.fingerprint for found in sets}) == len(get_args(Fit))
    assert [found.pixels for found in sets] == [
        "version 1",
        *(f"version 1, fitted by {fit}" for fit in ("stretch", "pad", "pad_corner")),
    ]


def test_the_same_call_opens_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "in", 4)
    first = run(Folder(root=tmp_path / "in"), tmp_path / "set")
    monkeypatch.setattr(loading, "decode", lambda *_: pytest.fail("decoded again"))
    again = run(Folder(root=tmp_path / "in"), tmp_path / "set", workers=1)
    assert again.fingerprint == first.fingerprint and again.names == first.names


def test_a_change_prepares_afresh(tmp_path: Path) -> None:
    put(tmp_path / "in", 4)
    source, place = Folder(root=tmp_path / "in"), tmp_path / "set"
    fingerprints = [run(source, place).fingerprint]
    (tmp_path / "in" / "002.png").write_bytes(png(pixels(99)))
    changed = run(source, place)
    assert np.array_equal(every(changed)[2], pixels(99))
    fingerprints.append(changed.fingerprint)
    put(tmp_path / "in", 1, start=50)
    fingerprints.append(run(source, place).fingerprint)
    (tmp_path / "in" / "050.png").unlink()
    fingerprints.append(run(source, place, width=9).fingerprint)
    assert len(set(fingerprints)) == 4
    assert run(source, place).fingerprint == fingerprints[1]
    assert sorted(os.listdir(tmp_path)) == ["in", "set"]


def test_the_fields_of_a_source_are_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = (Sample("a", b"A"),)
    calls = []
    monkeypatch.setattr(loading, "decode", lambda *_: calls.append(1) or pixels(0))
    for key in (0, 0, 1, 1):
        run(Listed(samples, key=key), tmp_path / "set")
    assert len(calls) == 2


def test_the_fingerprint_follows_labels_identities_splits_classes_and_size(tmp_path: Path) -> None:
    content = png(pixels(0))
    variants = [
        (Listed((Sample("a", content, (1,)),), ("x",)), 10),
        (Listed((Sample("a", png(pixels(1)), (1,)),), ("x",)), 10),
        (Listed((Sample("a", content, (0,)),), ("x",)), 10),
        (Listed((Sample("a", content, (1,), 3),), ("x",)), 10),
        (Listed((Sample("a", content, (1,), split="test"),), ("x",)), 10),
        (Listed((Sample("a", content, (1,)),), ("y",)), 10),
        (Listed((Sample("a", content, (1,)),), ("x",)), 9),
    ]
    found = [run(source, tmp_path / str(n), height=size).fingerprint for n, (source, size) in enumerate(variants)]
    assert len(set(found)) == len(variants)
    redeclared = Listed((Sample("b", content, (1,)),), ("x",))
    assert run(redeclared, tmp_path / "redeclared").fingerprint == found[0]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    put(tmp_path / "in", 3)
    source, place = Folder(root=tmp_path / "in"), tmp_path / "set"
    before = run(source, place).fingerprint
    put(tmp_path / "in", 40)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))  # stands for the last free bytes of a disk
        with pytest.raises(DistillError, match=r"set: cannot be written"):
            run(source, place)
        with pytest.raises(DistillError, match=r"other: cannot be written"):
            run(source, tmp_path / "other")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(os.listdir(tmp_path)) == ["in", "set"]
    assert Prepared.open(place).fingerprint == before
    assert len(run(source, place)) == 40


def test_a_directory_of_something_else_is_not_touched(tmp_path: Path) -> None:
    put(tmp_path / "in", 3)
    place = tmp_path / "mine"
    place.mkdir()
    assert len(run(Folder(root=tmp_path / "in"), place)) == 3
    shutil.rmtree(place)
    for name, text in (("thesis.txt", "ten years"), ("index.json", "{}")):
        place.mkdir()
        (place / name).write_text(text)
        with pytest.raises(DistillError, match="holds something that is not a prepared set"):
            run(Folder(root=tmp_path / "in"), place)
        assert (place / name).read_text() == text
        shutil.rmtree(place)


def test_pictures_are_loaded_in_a_bounded_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed, entered, furthest = 0, 0, 0

    @dataclass(frozen=True)
    class Stream:
        name: str = "stream"

        def classes(self) -> tuple[str, ...]:
            return ()

        def samples(self, height: int, width: int) -> Iterator[Sample]:
            nonlocal listed
            for number in range(300):
                listed += 1
                yield Sample(str(number), pixels(number, height, width))

    add = Kept.add

    def counted(*arguments: object) -> object:
        nonlocal entered, furthest
        entered += 1
        furthest = max(furthest, listed - entered)
        return add(*arguments)

    monkeypatch.setattr(Kept, "add", counted)
    assert len(run(Stream(), tmp_path / "set", workers=2)) == 300
    assert furthest <= 2 * pool.WINDOW * pool.CHUNK


def test_a_photograph_under_two_labels_is_settled_by_no_order(tmp_path: Path) -> None:
    content = [png(pixels(n)) for n in range(3)]
    samples = (
        Sample("pug/a", content[0], (1, 0), split="train"),
        Sample("pug/b", content[1], (1, 0), split="train"),
        Sample("beagle/b", content[1], (0, 1), split="test"),
        Sample("beagle/b again", content[1], (0, 1), split="test"),
        Sample("beagle/c", content[2], (0, 1), split="validation"),
    )
    for number, order in enumerate((samples, samples[::-1])):
        found = run(Listed(order, ("pug", "beagle")), tmp_path / f"{number}", max_bad_share=0.0)
        used = {
            name: SPLITS[split] for name, split in zip(found.names, found.splits, strict=True) if split < len(SPLITS)
        }
        assert used == {"pug/a": "train", "beagle/c": "validation"} and found.listed == len(samples)
        assert found.labels[found.splits == len(SPLITS)].tolist() == [[-1, -1]]
        reasons = dict(ledger(tmp_path / f"{number}" / "ledger.csv"))
        assert set(reasons) == {"pug/b", "beagle/b", "beagle/b again"}
    assert reasons["pug/b"] == "contradiction: pug here, beagle in beagle/b again"


def test_attributes_and_people_contradict_where_both_are_known(tmp_path: Path) -> None:
    content = [png(pixels(n)) for n in range(3)]
    samples = (
        Sample("a1", content[0], (1, -1), 3),
        Sample("a2", content[0], (-1, 0), -1),
        Sample("b1", content[1], (1, 0), 4),
        Sample("b2", content[1], (1, 1), 4),
        Sample("c1", content[2], (1, 0), 5),
        Sample("c2", content[2], (1, 0), 6),
    )
    found = run(Listed(samples, ("Bald", "Male")), tmp_path / "set", max_bad_share=0.0)
    assert ledger(tmp_path / "set" / "ledger.csv") == [
        ["a2", "duplicate of a1"],
        ["b1", "contradiction: not Male here, Male in b2"],
        ["b2", "contradiction: Male here, not Male in b1"],
        ["c1", "contradiction: person 5 here, person 6 in c2"],
        ["c2", "contradiction: person 6 here, person 5 in c1"],
    ]
    assert found.identities.tolist() == [3, -1, -1]
