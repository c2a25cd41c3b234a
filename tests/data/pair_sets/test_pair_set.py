"""Folds of listed pairs, and where the pictures lie that a list names."""

from pathlib import Path

import pytest

from distill.data.pair_sets.pair_set import Place, in_folds, picture_name
from distill.errors import DistillError
from tests.data.sources.test_folder import put


def test_each_kind_is_shared_over_the_folds_in_its_order() -> None:
    pairs = [(f"g{k}", "x", True) for k in range(6)] + [(f"i{k}", "x", False) for k in range(9)]
    blocks = {pair.first: pair.fold for pair in in_folds(pairs, 3, Path("list"))}
    assert blocks == {f"g{k}": 1 + k // 2 for k in range(6)} | {f"i{k}": 1 + k // 3 for k in range(9)}
    mixed = sorted(pairs, key=lambda pair: (int(pair[0][1:]), pair[0]))
    assert {pair.first: pair.fold for pair in in_folds(mixed, 3, Path("list"))} == blocks
    assert [pair.first for pair in in_folds(mixed, 3, Path("list"))] == [first for first, _, _ in mixed]
    with pytest.raises(DistillError, match=r"list: 6 genuine and 9 impostor pairs for 7 folds.*evaluate\.pairs\.folds"):
        in_folds(pairs, 7, Path("list"))


@pytest.mark.parametrize(
    ("text", "name"),
    [("../Data/Images/001/a.jpg", "Data/Images/001/a.jpg"), ("a\\b.png", "a/b.png"), ("/x//y.jpg", "x/y.jpg")],
)
def test_names_of_any_system(text: str, name: str) -> None:
    assert picture_name(text, "list:1") == name


@pytest.mark.parametrize("text", ["..", "", "./", "a\0b.jpg", "a\x1b[2J.jpg"])
def test_names_of_no_file_are_refused(text: str) -> None:
    with pytest.raises(DistillError, match=r"^list:4: .* is the name of no picture"):
        picture_name(text, "list:4")


def test_pictures_are_found_by_the_end_of_their_path_whatever_the_suffix(tmp_path: Path) -> None:
    put(tmp_path, "deep/faces/Ann/1.png", "deep/faces/Bob/1.png", "2.jpg", "deep/faces/Ann/notes.txt")
    samples = Place(tmp_path).samples({"Ann/1.jpg": 5, "faces/Bob/1.jpg": -1, "set/2.jpg": 0, "Cy/1.jpg": 3})
    assert [(one.name, one.picture, one.identity) for one in samples] == [
        ("Ann/1.jpg", tmp_path / "deep/faces/Ann/1.png", 5),
        ("faces/Bob/1.jpg", tmp_path / "deep/faces/Bob/1.png", -1),
        ("set/2.jpg", tmp_path / "2.jpg", 0),
    ]


def test_what_may_be_two_pictures_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "aligned images/1.jpg", "images/1.jpg", "2.jpg")
    with pytest.raises(DistillError, match=r"'1\.jpg' may be aligned images/1\.jpg, images/1\.jpg\. Name the one fold"):
        Place(tmp_path).samples({"1.jpg": 0})
    with pytest.raises(DistillError, match=r"'a/2\.jpg' and 'b/2\.jpg' of the list may both be 2\.jpg"):
        Place(tmp_path).samples({"a/2.jpg": 0, "b/2.jpg": 0})
    with pytest.raises(DistillError, match=r"root: .*gone is not a directory"):
        Place(tmp_path / "gone").samples({"1.jpg": 0})
