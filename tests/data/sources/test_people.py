from pathlib import Path

import pytest

from distill.data.sources.people import People
from distill.errors import DistillError
from tests.data.sources.test_folder import put


def test_a_folder_is_a_person(tmp_path: Path) -> None:
    put(tmp_path, "Bo/Bo_0002.jpg", "Bo/Bo_0001.jpg", "Al/x.PNG", "Zoe/2020/a.jpg", "Empty/notes.txt", "pairs.txt")
    source = People(root=tmp_path)
    samples = source.samples(8, 8)
    assert {sample.name: sample.identity for sample in samples} == {
        "Al/x.PNG": 0,
        "Bo/Bo_0001.jpg": 1,
        "Bo/Bo_0002.jpg": 1,
        "Zoe/2020/a.jpg": 2,
    }
    assert [sample.name for sample in samples] == sorted(sample.name for sample in samples)
    assert all(sample.picture == tmp_path / sample.name for sample in samples)
    assert {(sample.labels, sample.split) for sample in samples} == {((), "train")}
    assert source.classes() == ()


def test_persons_are_numbered_by_name_though_their_pictures_sort_otherwise(tmp_path: Path) -> None:
    """`Al-Bo/a.jpg` sorts before `Al/a.jpg`, but the folder Al before Al-Bo."""
    put(tmp_path, "Al-Bo/a.jpg", "Al/a.jpg", "Al!/a.jpg")
    identities = {sample.name: sample.identity for sample in People(root=tmp_path).samples(8, 8)}
    assert identities == {"Al/a.jpg": 0, "Al!/a.jpg": 1, "Al-Bo/a.jpg": 2}


def test_the_state_follows_who_is_shown(tmp_path: Path) -> None:
    put(tmp_path, "Al/a.jpg", "Bo/a.jpg")
    source = People(root=tmp_path)
    before = source.state()
    put(tmp_path, "pairs.txt")
    assert source.state() == before
    (tmp_path / "Bo").rename(tmp_path / "Cy")
    assert source.state() != before


def test_pictures_of_nobody_are_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"root: not set"):
        People().samples(8, 8)
    put(tmp_path, "Al/a.jpg", "stray.jpg")
    with pytest.raises(DistillError, match=r"holds 1 pictures of no person: stray\.jpg\. Expected a folder for each"):
        People(root=tmp_path).samples(8, 8)


def test_one_person_alone_is_refused_with_the_likely_root(tmp_path: Path) -> None:
    put(tmp_path, "lfw-deepfunneled/Ann/1.jpg", "lfw-deepfunneled/Bob/1.jpg")
    expected = (
        rf"one person alone, 'lfw-deepfunneled'\. The folders of the people are likely those in {tmp_path}/lfw-dee"
    )
    with pytest.raises(DistillError, match=expected):
        People(root=tmp_path).samples(8, 8)


def test_shares_are_held_out_of_people_and_not_of_their_pictures(tmp_path: Path) -> None:
    put(tmp_path, *(f"P{person}/{number}.jpg" for person in range(10) for number in range(3)))
    samples = People(root=tmp_path, validation=0.2, test=0.3).samples(8, 8)
    splits = {sample.identity: set[str]() for sample in samples}
    for sample in samples:
        splits[sample.identity].add(sample.split)
    assert all(len(found) == 1 for found in splits.values())
    assert sorted(found.pop() for found in splits.values()) == ["test"] * 3 + ["train"] * 5 + ["validation"] * 2
    put(tmp_path / "few", "Al/a.jpg", "Bo/a.jpg")
    with pytest.raises(DistillError, match="holds 2 people, too few to hold some out"):
        People(root=tmp_path / "few", validation=0.2, test=0.3).samples(8, 8)


def test_parts_are_no_people(tmp_path: Path) -> None:
    put(tmp_path, "Train/Al/a.jpg", "Train/Bo/a.jpg", "val/Cy/a.jpg", "val/Cy/b.jpg")
    samples = People(root=tmp_path).samples(8, 8)
    assert [(sample.identity, sample.split) for sample in samples] == [
        (0, "train"),
        (1, "train"),
        (2, "validation"),
        (2, "validation"),
    ]
    with pytest.raises(DistillError, match=r"is in parts .* already; leave out validation and test"):
        People(root=tmp_path, test=0.2).samples(8, 8)
    put(tmp_path / "called", "Val/a.jpg", "Ann/a.jpg")  # a person's name
    assert {sample.split for sample in People(root=tmp_path / "called").samples(8, 8)} == {"train"}
