"""The official layout, written by scipy as MATLAB writes it, and every way it can be broken."""

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from distill.data.prepared.alignment import Alignment
from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.sources.stanford_dogs import StanfordDogs
from distill.errors import DistillError

BREEDS = ("n02085620-Chihuahua", "n02085782-Japanese_spaniel", "n02087394-Rhodesian_ridgeback")
TRAIN, TEST = 20, 4  # a breed

ANNOTATION = """<annotation><folder>02085620</folder><size><width>40</width><height>30</height></size>
{objects}</annotation>"""
OBJECT = "<object><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def names(breed: str, start: int, count: int) -> list[str]:
    return [f"{breed}/{breed.partition('-')[0]}_{number}.jpg" for number in range(start, start + count)]


def write_list(file: Path, rows: list[tuple[str, float]]) -> None:
    def cells(texts: list[str]) -> np.ndarray:
        array = np.empty((len(texts), 1), object)
        array[:, 0] = texts
        return array

    file.parent.mkdir(exist_ok=True)
    pictures = [picture for picture, _ in rows]
    content = {
        "file_list": cells(pictures),
        "annotation_list": cells([picture.removesuffix(".jpg") for picture in pictures]),
        "labels": np.array([[float(label)] for _, label in rows]),
    }
    savemat(file, content)


def rows(start: int, count: int) -> list[tuple[str, float]]:
    return [(name, label) for label, breed in enumerate(BREEDS, 1) for name in names(breed, start, count)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for breed in BREEDS:
        (tmp_path / "Images" / breed).mkdir(parents=True)
        for name in names(breed, 0, TRAIN + TEST):
            (tmp_path / "Images" / name).write_bytes(b"picture")
    write_list(tmp_path / "lists" / "train_list.mat", rows(0, TRAIN))
    write_list(tmp_path / "lists" / "test_list.mat", rows(TRAIN, TEST))
    return tmp_path


def refused(root: Path, match: str) -> None:
    with pytest.raises(DistillError, match=match):
        StanfordDogs(root=root).samples(8, 8)


def test_the_lists_are_read(root: Path) -> None:
    source = StanfordDogs(root=root)
    assert source.classes() == BREEDS
    samples = source.samples(8, 8)
    assert [sample.name for sample in samples] == [name for name, _ in rows(0, TRAIN) + rows(TRAIN, TEST)]
    for sample in samples:
        assert sample.picture == root / "Images" / sample.name
        assert sample.labels == tuple(int(sample.name.startswith(breed)) for breed in BREEDS)
        assert (sample.split == "test") == (int(sample.name[:-4].rpartition("_")[2]) >= TRAIN)
    held = Counter(sample.labels for sample in samples if sample.split == "validation")
    assert sorted(held.values()) == [2, 2, 2]


def test_what_is_held_out_depends_on_names_alone(root: Path) -> None:
    def held(validation: float) -> set[str]:
        source = StanfordDogs(root=root, validation=validation)
        return {sample.name for sample in source.samples(8, 8) if sample.split == "validation"}

    usual = held(0.1)
    assert held(0.0) == set() and usual < held(0.5) and len(held(0.001)) == 3
    write_list(root / "lists" / "train_list.mat", rows(0, TRAIN)[::-1])
    assert held(0.1) == usual
    with pytest.raises(DistillError, match=r"validation is 1\.0, expected a share"):
        StanfordDogs(root=root, validation=1.0)


def test_labels_say_the_order_of_classes(root: Path) -> None:
    for file, start, count in (("train_list.mat", 0, TRAIN), ("test_list.mat", TRAIN, TEST)):
        write_list(root / "lists" / file, [(name, 4 - label) for name, label in rows(start, count)])
    assert StanfordDogs(root=root).classes() == BREEDS[::-1]


def test_missing_photographs_are_counted_and_named(root: Path) -> None:
    (root / "Images" / names(BREEDS[1], 0, 1)[0]).unlink()
    refused(root, r"train_list\.mat: 1 of its 60 photographs are not in .*Images: n02085782-Japanese_spaniel/.*_0\.jpg")
    shutil.rmtree(root / "Images" / BREEDS[1])
    refused(root, r"20 of its 60 photographs .*_1\.jpg, \.\.\.\. Unpack the whole")
    shutil.rmtree(root / "Images")
    refused(root, r"Images is missing; unpack images\.tar")


def test_a_tar_that_was_not_unpacked_is_named(root: Path) -> None:
    (root / "lists" / "test_list.mat").unlink()
    refused(root, r"test_list\.mat: no such file; expected a MATLAB file")
    with pytest.raises(DistillError, match=r"root: not set; expected the directory that holds Images/ and lists/"):
        StanfordDogs().classes()
    with pytest.raises(DistillError, match=r"Annotation/.*: no such file; unpack annotation\.tar"):
        write_list(root / "lists" / "test_list.mat", rows(TRAIN, TEST))
        StanfordDogs(root=root, boxes=True).samples(8, 8)


@pytest.mark.parametrize("count", [20, 200, 2000])
@pytest.mark.parametrize(
    "content", [b"", b"<annotation/>", b"\0", b"\x89HDF\r\n\x1a\n", b"MATLAB 5.0 MAT-file\xff\x01"]
)
def test_what_is_not_a_list_file_is_refused(root: Path, content: bytes, count: int) -> None:
    (root / "lists" / "train_list.mat").write_bytes(content * count)
    refused(root, r"train_list\.mat: .*expected a MATLAB file with file_list and labels")


def test_a_damaged_list_is_refused_or_the_same(root: Path) -> None:
    file, random = root / "lists" / "train_list.mat", np.random.default_rng(0)
    content = np.frombuffer(file.read_bytes(), np.uint8)
    expected, refusals = StanfordDogs(root=root).samples(8, 8), 0
    for size in random.integers(0, len(content), 20):
        file.write_bytes(content[:size].tobytes())
        refused(root, r"train_list\.mat")
    for _ in range(60):
        damaged = content.copy()
        damaged[random.integers(0, len(content), 3)] ^= 0xFF
        file.write_bytes(damaged.tobytes())
        try:
            assert StanfordDogs(root=root).samples(8, 8) == expected
        except DistillError:
            refusals += 1
    assert refusals > 30


def test_another_matlab_file_is_refused(root: Path) -> None:
    file = root / "lists" / "train_list.mat"
    savemat(file, {"train_data": np.eye(3)})
    refused(root, r"train_list\.mat: has no file_list and no labels")
    savemat(file, {"file_list": np.eye(3), "labels": np.eye(3)})
    refused(root, r"train_list\.mat: has no file_list; expected")
    write_list(file, [])
    refused(root, r"0 files and 0 labels")


@pytest.mark.parametrize("picture", ["../../secret.jpg", "/etc/passwd", "a.jpg", "a/b/c.jpg", "../a.jpg", "a/..", ""])
def test_a_list_cannot_reach_outside_of_the_pictures(root: Path, picture: str) -> None:
    write_list(root / "lists" / "train_list.mat", [*rows(0, TRAIN), (picture, 1)])
    refused(root, r"train_list\.mat: lists .*expected <folder>/<file>")


def test_breeds_in_one_list_only_are_named(root: Path) -> None:
    whole = rows(TRAIN, TEST)
    write_list(root / "lists" / "test_list.mat", whole[:TEST])
    refused(
        root, r"test_list\.mat: lists no photograph of 2 breeds that train_list\.mat has: n02085782-Japanese_spaniel"
    )
    write_list(root / "lists" / "test_list.mat", whole)
    write_list(root / "lists" / "train_list.mat", rows(0, TRAIN)[:TRAIN])
    refused(root, r"train_list\.mat: lists no photograph of 2 breeds")


def test_labels_are_one_to_one_and_in_range(root: Path) -> None:
    file, whole = root / "lists" / "train_list.mat", rows(0, TRAIN)
    for label in (0, 4, -1):
        write_list(file, [*whole[:-1], (whole[-1][0], label)])
        refused(root, rf"train_list\.mat: n02087394.* has the label {label}; expected 1 to 3")
    for number in (2.5, float("inf"), float("nan")):
        write_list(file, [*whole[:-1], (whole[-1][0], number)])
        refused(root, r"train_list\.mat: labels are not whole numbers")
    write_list(file, [*whole[:-1], (whole[-1][0], 1)])
    refused(root, r"label 1 stands for n02085620-Chihuahua and for n02087394-Rhodesian_ridgeback")
    swapped = [(name, {1: 2, 2: 1, 3: 3}[int(label)]) for name, label in whole]
    write_list(file, swapped)
    refused(root, r"test_list\.mat: label 1 stands for n02085782-Japanese_spaniel and for n02085620-Chihuahua")
    write_list(file, [*whole, whole[0]])
    refused(root, r"names 1 photographs twice")
    write_list(file, whole)
    write_list(root / "lists" / "test_list.mat", [*rows(TRAIN, TEST), whole[0]])
    refused(root, r"1 photographs are in both lists")
    for name in (file, root / "lists" / "test_list.mat"):
        write_list(
            name, [(picture, min(label, 2)) for picture, label in (whole if name == file else rows(TRAIN, TEST))]
        )
    refused(root, r"label 2 stands for")


def annotate(root: Path, picture: str, text: str) -> None:
    file = root / "Annotation" / picture.removesuffix(".jpg")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def annotated(root: Path, boxes: tuple[tuple[int, int, int, int], ...]) -> None:
    text = ANNOTATION.format(objects="".join(OBJECT.format(*box) for box in boxes))
    for name, _ in rows(0, TRAIN + TEST):
        annotate(root, name, text)


def test_photographs_are_cut_to_the_dogs_in_them(root: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    annotated(root, ((4, 6, 20, 22), (10, 3, 24, 23)))
    photographs = {}
    for name, _ in rows(0, TRAIN + TEST):
        photographs[name] = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(photographs[name]).save(root / "Images" / name, "PNG")
    source = StanfordDogs(root=root, boxes=True)
    assert {sample.box for sample in source.samples(8, 8)} == {(4, 3, 24, 23)}
    state = source.state()
    prepared = prepare(source, tmp_path / "set", Frame(20, 20), workers=1)
    pictures = prepared.pictures.gather(np.arange(len(prepared)))
    assert len(prepared) == 72
    for name, picture in zip(prepared.names, pictures, strict=True):
        assert np.array_equal(picture, photographs[name][3:23, 4:24])
    whole = prepare(StanfordDogs(root=root), tmp_path / "whole", Frame(20, 20), workers=1)
    assert not set(whole.hashes.tolist()) & set(prepared.hashes.tolist())
    # The photographs that are scored are not learnt from, though they come whole from somewhere else.
    assert len(Pictures.of(prepared, "train", [whole])) == len(prepared.indices("train")) < len(whole)
    annotated(root, ((4, 6, 20, 22),))
    assert source.state() != state
    with pytest.raises(DistillError, match="is to be cut to its box and aligned"):
        prepare(source, tmp_path / "b", Frame(8, 8, align=Alignment("celeba")), workers=1)
    annotated(root, ((41, 6, 60, 22),))
    with pytest.raises(DistillError, match=r"its box \(41, 6, 60, 22\) is outside of the 40 x 30 pixels"):
        prepare(source, tmp_path / "c", Frame(8, 8), workers=1)


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb">]><annotation>&b;</annotation>'
BOX = ANNOTATION.format(objects=OBJECT)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "is no annotation"),
        ("<annotation>", "is no annotation"),
        ("<annotation/>", "marks nothing"),
        (BOX.format(1, "x", 3, 4), "is no annotation"),
        (BOX.format(5, 2, 5, 4), r"its box is \(5, 2, 5, 4\)"),
        (BOX.format(-1, 2, 5, 4), r"its box is \(-1, 2, 5, 4\)"),
        ("<annotation><object><bndbox><xmin>1</xmin></bndbox></object></annotation>", "is no annotation"),
        (BOMB, "has a document type"),
        ("x" * (1 << 20) + "x", "larger than 1 MB"),
    ],
)
def test_what_is_not_an_annotation_is_refused(root: Path, text: str, match: str) -> None:
    annotated(root, ((4, 6, 20, 22),))
    annotate(root, names(BREEDS[2], TRAIN, 1)[0], text)
    with pytest.raises(DistillError, match=rf"n02087394_20: {match}"):
        StanfordDogs(root=root, boxes=True).samples(8, 8)


@pytest.mark.real_data
def test_photographs() -> None:
    source = StanfordDogs(root=Path(os.environ["DISTILL_REAL_DATA"]) / "stanford_dogs")
    assert len(source.classes()) == 120 and list(source.classes()) == sorted(source.classes())
    counts = Counter(sample.split for sample in source.samples(160, 160))
    assert counts == {"train": 3240, "validation": 360, "test": 1200}
