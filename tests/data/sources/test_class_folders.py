import shutil
from collections import Counter
from pathlib import Path

import pytest

from distill.data.sources.class_folders import ClassFolders
from distill.errors import DistillError
from tests.data.sources.test_folder import put


def splits(source: ClassFolders) -> dict[str, str]:
    return {sample.name: sample.split for sample in source.samples(8, 8)}


def test_a_folder_is_a_class(tmp_path: Path) -> None:
    put(tmp_path, "pug/2.jpg", "beagle/a/1.png", "beagle/2.JPG", "beagle/notes.txt")
    source = ClassFolders(root=tmp_path)
    assert source.classes() == ("beagle", "pug")
    found = {(sample.name, sample.labels, sample.split) for sample in source.samples(8, 8)}
    assert found == {
        ("beagle/2.JPG", (1, 0), "train"),
        ("beagle/a/1.png", (1, 0), "train"),
        ("pug/2.jpg", (0, 1), "train"),
    }
    state = source.state()
    (tmp_path / "pug" / "2.jpg").rename(tmp_path / "pug" / "3.jpg")
    assert source.state() != state
    (tmp_path / "pug" / "3.jpg").rename(tmp_path / "beagle" / "3.jpg")
    with pytest.raises(DistillError, match=r"holds one class alone, 'beagle'"):
        source.classes()


def test_shares_of_each_class_are_held_out(tmp_path: Path) -> None:
    put(tmp_path, *(f"{breed}/{number}.jpg" for breed in ("pug", "beagle") for number in range(20)))
    found = splits(ClassFolders(root=tmp_path, validation=0.1, test=0.25))
    counts = Counter((name.partition("/")[0], split) for name, split in found.items())
    assert counts == {(b, s): n for b in ("pug", "beagle") for s, n in (("train", 13), ("validation", 2), ("test", 5))}
    fewer = splits(ClassFolders(root=tmp_path, test=0.25))
    assert {name for name, split in fewer.items() if split == "test"} == {
        name for name, split in found.items() if split == "test"
    }
    put(tmp_path, "corgi/1.jpg")
    with pytest.raises(DistillError, match=r"corgi/1\.jpg is of a class of 1 pictures, too few"):
        splits(ClassFolders(root=tmp_path, test=0.25))
    with pytest.raises(DistillError, match=r"validation and test together is 1\.1"):
        ClassFolders(validation=0.6, test=0.5)


def test_parts_are_splits(tmp_path: Path) -> None:
    put(tmp_path, "train/pug/1.jpg", "train/beagle/1.jpg", "val/pug/2.jpg", "val/beagle/2.jpg", "test/pug/3.jpg")
    with pytest.raises(DistillError, match=r"1 classes are in only one of train and test: beagle"):
        splits(ClassFolders(root=tmp_path))
    put(tmp_path, "test/beagle/x/3.jpg")
    source = ClassFolders(root=tmp_path)
    assert source.classes() == ("beagle", "pug")
    assert Counter(splits(source).values()) == {"train": 2, "validation": 2, "test": 2}
    assert {sample.labels for sample in source.samples(8, 8) if "pug" in sample.name} == {(0, 1)}
    with pytest.raises(DistillError, match=r"is in parts .*leave out validation"):
        splits(ClassFolders(root=tmp_path, validation=0.1))


def test_parts_beside_something_else_are_no_classes(tmp_path: Path) -> None:
    put(tmp_path, *(f"{part}/{breed}/1.jpg" for part in ("train", "valid", "test") for breed in ("pug", "corgi")))
    assert set(splits(ClassFolders(root=tmp_path)).values()) == {"train", "validation", "test"}
    put(tmp_path, "extra/pug/4.jpg")
    with pytest.raises(DistillError, match="has the parts test, train, valid and beside them extra"):
        splits(ClassFolders(root=tmp_path))
    shutil.rmtree(tmp_path / "test")
    with pytest.raises(DistillError, match="has the parts train, valid and beside them extra"):
        splits(ClassFolders(root=tmp_path))
    shutil.rmtree(tmp_path / "valid")
    assert ClassFolders(root=tmp_path).classes() == ("extra", "train")  # a class may be called so


@pytest.mark.parametrize(
    ("spelled", "splits_of"),
    [
        (("Train", "VAL", "Test"), {"train", "validation", "test"}),
        (("training", "dev", "testing"), {"train", "validation", "test"}),
        (("TRAIN", "eval"), {"train", "validation"}),
        (("Training", "Validation"), {"train", "validation"}),
    ],
)
def test_parts_in_any_spelling(tmp_path: Path, spelled: tuple[str, ...], splits_of: set[str]) -> None:
    put(tmp_path, *(f"{part}/{breed}/{part}.jpg" for part in spelled for breed in ("pug", "beagle")))
    source = ClassFolders(root=tmp_path)
    assert source.classes() == ("beagle", "pug") and set(splits(source).values()) == splits_of


def test_two_folders_for_one_part_are_refused(tmp_path: Path) -> None:
    put(tmp_path, *(f"{part}/{breed}/1.jpg" for part in ("train", "val", "eval") for breed in ("pug", "beagle")))
    with pytest.raises(DistillError, match=r"has eval and val, and both are called as the pictures for validation"):
        splits(ClassFolders(root=tmp_path))


def test_parts_of_other_names_are_no_classes(tmp_path: Path) -> None:
    put(tmp_path, *(f"{part}/{breed}/1.jpg" for part in ("fold1", "fold2") for breed in ("pug", "beagle", "corgi")))
    expected = r"folders fold1, fold2 of .* all hold the same folders \(beagle, corgi, pug\), so they are parts"
    with pytest.raises(DistillError, match=expected):
        splits(ClassFolders(root=tmp_path))
    shutil.rmtree(tmp_path / "fold2" / "corgi")
    with pytest.raises(DistillError, match="so they are parts"):
        splits(ClassFolders(root=tmp_path))
    put(tmp_path, "fold1/2.jpg")  # a picture of its own: a class
    assert ClassFolders(root=tmp_path).classes() == ("fold1", "fold2")


def test_classes_may_have_folders_of_one_name(tmp_path: Path) -> None:
    put(tmp_path, "pug/images/1.jpg", "beagle/images/1.jpg")
    assert ClassFolders(root=tmp_path).classes() == ("beagle", "pug")


def test_one_class_alone_is_refused_with_the_likely_root(tmp_path: Path) -> None:
    put(tmp_path, "archive/dogs/pug/1.jpg", "archive/dogs/beagle/1.jpg", "archive/@eaDir/1.jpg")
    expected = rf"one class alone, 'archive', .* likely those in {tmp_path}/archive/dogs, beagle, pug: name that"
    with pytest.raises(DistillError, match=expected):
        splits(ClassFolders(root=tmp_path))
    put(tmp_path, "archive/dogs/pug/front/1.jpg")
    (tmp_path / "archive" / "dogs" / "pug" / "1.jpg").unlink()
    with pytest.raises(DistillError, match=rf"above the folders of all classes, {tmp_path}/archive/dogs perhaps"):
        splits(ClassFolders(root=tmp_path / "archive" / "dogs" / "pug"))


def test_pictures_of_no_class_are_named(tmp_path: Path) -> None:
    put(tmp_path, "pug/2.jpg", "1.jpg")
    with pytest.raises(DistillError, match=r"holds 1 pictures of no class: 1\.jpg"):
        splits(ClassFolders(root=tmp_path))
    (tmp_path / "1.jpg").unlink()
    (tmp_path / "pug").rename(tmp_path / "train")
    with pytest.raises(DistillError, match=r"pictures of no class: train/2\.jpg"):
        splits(ClassFolders(root=tmp_path))
