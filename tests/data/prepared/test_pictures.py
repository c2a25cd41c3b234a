"""Rows of several prepared sets under one index."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Sample
from distill.data.targets import Column, Ragged, Values
from distill.errors import DistillError
from tests.helpers.listed import Listed, pixels, run
from tests.helpers.marked import BOXES, COUNT, Marked, box_in, spot_in
from tests.helpers.noise import Noise, every, prepare_noise


def test_a_split_alone_is_plain_indexing(labelled: Prepared) -> None:
    pictures = Pictures.of(labelled, "validation")
    rows = labelled.indices("validation")
    assert len(pictures) == len(rows) == 9 and pictures.size == (20, 16)
    assert np.array_equal(pictures.hashes, labelled.hashes[rows])
    assert np.array_equal(pictures.labels, labelled.labels[rows])
    index = np.array([8, 0, 3, 3])
    assert np.array_equal(pictures.gather(index), every(labelled)[rows[index]])


def test_a_union_is_plain_indexing_in_the_sets_laid_end_to_end(labelled: Prepared, unlabelled: Prepared) -> None:
    pictures = Pictures.of(labelled, "train", [unlabelled])
    rows = labelled.indices("train")
    everything = np.concatenate([every(labelled)[rows], every(unlabelled)])
    assert len(pictures) == len(everything) == 46
    index = np.random.default_rng(0).permutation(np.r_[0:46, 32, 33, 45])
    assert np.array_equal(pictures.gather(index), everything[index])
    assert np.array_equal(pictures.hashes, np.concatenate([labelled.hashes[rows], unlabelled.hashes]))
    assert pictures.classes == labelled.classes
    assert np.array_equal(pictures.labels[:33], labelled.labels[rows])
    assert pictures.labels.shape == (46, 3) and (pictures.labels[33:] == -1).all()


def test_labels_of_other_classes_are_not_taken_for_ours(labelled: Prepared, tmp_path: Path) -> None:
    other = prepare_noise(tmp_path / "other", Noise(3, (("train", 5),), ("Hat", "Young", "Chubby")))
    assert other.labels.shape[1] == labelled.labels.shape[1] and (other.labels >= 0).any()
    assert (Pictures.of(labelled, "train", [other]).labels[33:] == -1).all()
    # One attribute of ours alone, so that no picture has two: what it does not know of is not absent.
    assert ((labelled.labels == 1).sum(axis=1) > 1).any()
    one = prepare_noise(tmp_path / "one", Noise(3, (("train", 5),), labelled.classes[:1]))
    assert (Pictures.of(labelled, "train", [one]).labels[33:, 1:] == -1).all()


def test_a_picture_that_is_scored_does_not_come_back_unlabelled(labelled: Prepared, tmp_path: Path) -> None:
    # The same stream of noise: its first pictures are those of the labelled set, and of both splits of it.
    again = prepare_noise(tmp_path / "again", Noise(1, (("train", 50),), labelled.classes))
    assert np.isin(labelled.hashes, again.hashes).all()
    twice = Pictures.of(labelled, "train", [again, again])
    assert len(twice) == 33 + 4 == len(np.unique(twice.hashes))
    held_out = labelled.hashes[np.r_[labelled.indices("validation"), labelled.indices("test")]]
    assert not np.isin(held_out, twice.hashes).any()


def test_every_third_picture_of_each_set(labelled: Prepared, unlabelled: Prepared) -> None:
    pictures = Pictures.of(labelled, "train", [unlabelled])
    fewer = pictures.every(3)
    expected = np.r_[0:33:3, 33:46:3]
    assert np.array_equal(fewer.hashes, pictures.hashes[expected])
    assert np.array_equal(fewer.gather(np.arange(len(fewer))), pictures.gather(expected))


def test_sets_of_two_sizes_are_refused(labelled: Prepared, tmp_path: Path) -> None:
    larger = prepare_noise(tmp_path / "larger", Noise(3, (("train", 2),), height=24))
    with pytest.raises(
        DistillError, match=r"larger: its pictures are \(24, 16, 3\), those of .*labelled are \(20, 16, 3\)"
    ):
        Pictures.of(labelled, "train", [larger])


def test_a_mirror_image_is_another_picture(labelled: Prepared) -> None:
    pictures = Pictures.of(labelled, "validation")
    mirror = pictures.mirror()
    index = np.array([4, 1])
    assert np.array_equal(mirror.gather(index), pictures.gather(index)[:, :, ::-1])
    assert not np.isin(mirror.hashes, labelled.hashes).any()
    assert np.array_equal(mirror.mirror().hashes, pictures.hashes)


def test_some_of_a_union_keep_their_order(labelled: Prepared, unlabelled: Prepared) -> None:
    pictures = Pictures.of(labelled, "train", [unlabelled])
    kept = np.arange(len(pictures)) % 3 == 0
    some = pictures.where(kept)
    assert np.array_equal(some.hashes, pictures.hashes[kept])
    assert np.array_equal(some[2:5], pictures.gather(np.array([6, 9, 12])))


def test_people_of_two_sets_are_different_people(tmp_path: Path) -> None:
    sets = [prepare_noise(tmp_path / name, Noise(seed, (("train", 6),))) for seed, name in ((1, "one"), (2, "other"))]
    known = ([4, -1, 4, 0, 2, 2], [0, 0, 1, -1, 5, 5])
    sets = [
        replace(one, targets={**one.targets, "identities": np.array(numbers)})
        for one, numbers in zip(sets, known, strict=True)
    ]
    pictures = Pictures.of(sets[0], "train", [sets[1]])
    assert pictures.identities.tolist() == [4, -1, 4, 0, 2, 2, 5, 5, 6, -1, 10, 10]


def plain(values: Values) -> list[list[float]]:
    return [values[picture].tolist() for picture in range(len(values))]


def test_columns_of_several_sets_under_one_index(tmp_path: Path, unlabelled: Prepared) -> None:
    splits: Any = ("train", "test", "train")
    first = run(Marked(splits=splits), tmp_path / "first", height=20, width=16)
    sample = Sample("a", pixels(0, 20, 16), targets={"count": 5})
    second = run(Listed((sample,), further=(COUNT, Column("other", "int8"))), tmp_path / "second", height=20, width=16)
    pictures = Pictures.of(first, "train", [unlabelled, second])
    assert [column.name for column in pictures.columns] == ["labels", "identities", "spot", "boxes", "kinds", "count"]
    assert list(pictures.targets) == [column.name for column in pictures.columns]
    rows = first.indices("train")
    for name in ("boxes", "kinds"):
        values = pictures.targets[name]
        assert isinstance(values, Ragged) and values.rows.dtype == first.targets[name].rows.dtype
        known = plain(first.targets[name])
        assert plain(values) == [known[row] for row in rows] + [[]] * 14
    assert pictures.targets["count"].tolist() == [*first.targets["count"][rows].tolist(), *[-1] * 13, 5]
    spots = np.concatenate([first.targets["spot"][rows], np.full((14, 2), np.nan, np.float32)])
    assert np.array_equal(pictures.targets["spot"], spots, equal_nan=True)
    kept = np.arange(len(pictures)) % 3 == 1
    for some, index in ((pictures.where(kept), np.flatnonzero(kept)), (pictures.every(2), np.r_[0:8:2, 8:21:2, 21])):
        assert np.array_equal(some.hashes, pictures.hashes[index])
        for name, values in some.targets.items():
            expected = plain(pictures.targets[name])
            assert str(plain(values)) == str([expected[i] for i in index])
    hidden = replace(pictures, hidden=frozenset({2})).targets
    assert hidden["count"].tolist()[-1] == -1 and plain(hidden["kinds"])[:8] == plain(pictures.targets["kinds"])[:8]


def test_columns_of_one_name_that_hold_different_things_are_refused(tmp_path: Path) -> None:
    sets = [
        run(Listed((Sample(name, pixels(n)),), further=(column,)), tmp_path / name)
        for n, (name, column) in enumerate([("one", BOXES), ("other", replace(BOXES, place=None))])
    ]
    with pytest.raises(DistillError, match=r"other: its column boxes holds .*None.*, that of .*one .*'boxes'"):
        _ = Pictures.of(sets[0], "train", [sets[1]]).targets


def test_places_are_mirrored_with_the_picture(tmp_path: Path) -> None:
    pictures = Pictures.of(run(Marked(), tmp_path / "set", height=60, width=80), "train").mirror()
    shown, targets = pictures.gather(np.arange(12)).astype(float), pictures.targets
    for number in (0, 1, 5):
        np.testing.assert_allclose(spot_in(shown[number, ..., 0]), targets["spot"][number], atol=1e-3)
        for channel, box in enumerate(targets["boxes"][number], start=1):
            np.testing.assert_allclose(box_in(shown[number, ..., channel]), box, atol=1e-3)
    assert np.isnan(targets["spot"][3]).all() and targets["count"].tolist() == [2, 2, 2, -1] * 3
    again = pictures.mirror().targets["boxes"]
    np.testing.assert_array_equal(again.rows, pictures.sets[0].targets["boxes"].rows)


def test_what_is_found_out_about_pictures_goes_where_they_go(tmp_path: Path, unlabelled: Prepared) -> None:
    first = run(Marked(), tmp_path / "set", height=20, width=16)
    pictures = Pictures.of(first, "train", [unlabelled])
    count = len(pictures)
    lengths = np.arange(count) % 3
    low = np.random.default_rng(0).uniform(0, 0.5, (int(lengths.sum()), 2))
    boxes = Ragged(np.hstack([low, low + 0.25]).astype(np.float32), np.r_[0, np.cumsum(lengths)])
    seen, sure = Column("seen", "float32", (4,), ragged=True, place="boxes"), Column("sure", "int32")
    knowing = pictures.knowing(seen, boxes).knowing(sure, np.arange(count, dtype=np.int32))
    assert knowing.columns == (*pictures.columns, seen, sure) and "seen" not in pictures.targets
    kept = np.arange(count) % 4 == 1
    for some, index in ((knowing.where(kept), np.flatnonzero(kept)), (knowing.every(2), np.r_[0:12:2, 12:25:2])):
        assert some.targets["sure"].tolist() == index.tolist()
        assert plain(some.targets["seen"]) == [boxes[number].tolist() for number in index]
        assert np.array_equal(some.hashes, knowing.hashes[index])
    # Mirrored before or after, and both: left and right edges change places, and back.
    for mirrored in (knowing.mirror(), pictures.mirror().knowing(seen, boxes)):
        found = mirrored.targets["seen"]
        assert isinstance(found, Ragged)
        turned = [[1 - x2, y1, 1 - x1, y2] for x1, y1, x2, y2 in boxes.rows.tolist()]
        np.testing.assert_allclose(found.rows, turned, atol=1e-6)
        assert np.array_equal(found.offsets, boxes.offsets)
    back = knowing.mirror().where(kept).mirror().targets["seen"]
    assert plain(back) == [boxes[number].tolist() for number in np.flatnonzero(kept)]
