"""Rows of several prepared sets under one index."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.errors import DistillError
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
    sets = [replace(one, identities=np.array(numbers)) for one, numbers in zip(sets, known, strict=True)]
    pictures = Pictures.of(sets[0], "train", [sets[1]])
    assert pictures.identities.tolist() == [4, -1, 4, 0, 2, 2, 5, 5, 6, -1, 10, 10]
