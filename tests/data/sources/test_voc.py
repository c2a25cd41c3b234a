"""PASCAL VOC's layout: every number of a box recomputed, and every way the layout can be broken."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.voc import CLASSES, Voc
from distill.errors import DistillError

SIZE = "<size><width>40</width><height>30</height><depth>3</depth></size>"
PARTS = "<part><name>head</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></part>"


def one(name: str, *sides: float, difficult: int = 0, further: str = "") -> str:
    edges = "".join(f"<{key}>{side}</{key}>" for key, side in zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True))
    bndbox = f"<bndbox>{edges}</bndbox>"
    return f"<object><name>{name}</name><difficult>{difficult}</difficult>{further}{bndbox}</object>"


def annotate(root: Path, name: str, *objects: str, size: str = SIZE) -> None:
    (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{size}{''.join(objects)}</annotation>")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four photographs of 40 x 30 pixels, two to train on."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    for number, name in enumerate(("000001", "000002", "000003", "000004")):
        picture = np.random.default_rng(number).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / "JPEGImages" / f"{name}.{'png' if number == 3 else 'jpg'}")
    for part, names in {"train": "000002\n000001\n", "val": "000003\n\n", "test": "000004"}.items():
        (tmp_path / f"ImageSets/Main/{part}.txt").write_text(names)
    annotate(tmp_path, "000001", one("dog", 1, 1, 40, 30, further=PARTS), one("cat", 5, 6.5, 5, 10, difficult=1))
    annotate(tmp_path, "000002")
    annotate(tmp_path, "000003", one("car", 11, 2, 20, 3))
    annotate(tmp_path, "000004", one("dog", 2, 2, 3, 3), size="")
    return tmp_path


def refused(root: Path, match: str, **keys: str | None) -> None:
    with pytest.raises(DistillError, match=match):
        Voc(root=root, **keys).samples(0, 0)


def test_boxes_count_pixels_from_one_and_hold_their_last(root: Path) -> None:
    source = Voc(root=root)
    assert source.classes() == CLASSES and len(CLASSES) == 20 and list(CLASSES) == sorted(CLASSES)
    samples = {sample.name: sample for sample in source.samples(0, 0)}
    assert list(samples) == ["000002", "000001", "000003", "000004"]
    assert [sample.split for sample in samples.values()] == ["train", "train", "validation", "test"]
    dog, cat = CLASSES.index("dog"), CLASSES.index("cat")
    first = samples["000001"]
    assert first.targets["boxes"].tolist() == [[0, 0, 40, 30], [4, 5.5, 5, 10]]
    assert first.targets["box_classes"].tolist() == [dog, cat]
    assert first.targets["box_ignored"].tolist() == [0, 1]
    # A difficult box is no sign that its class is there, or not.
    assert [number for number, present in enumerate(first.labels) if present] == [dog]
    assert all(sample.size == sample.targets["picture_size"] == (30, 40) for sample in samples.values())
    empty = samples["000002"]
    assert len(empty.targets["boxes"]) == 0 and set(empty.labels) == {0} and not empty.left_out
    assert [column.name for column in source.columns()] == list(first.targets)


def test_a_prepared_set_has_shares_of_the_picture(root: Path, tmp_path: Path) -> None:
    prepared = prepare(Voc(root=root), tmp_path / "set", Frame(30, 20, "pad"), workers=1)
    row = prepared.names.index("000001")
    # 40 x 30 pixels become 20 x 15, after 7 of 30 rows.
    expected = [[x / 40, (7 + y / 2) / 30] for x, y in ((0, 0), (40, 30), (4, 5.5), (5, 10))]
    np.testing.assert_allclose(prepared.targets["boxes"][row].reshape(-1, 2), expected, atol=1e-6)
    assert prepared.targets["picture_size"].tolist() == [[30, 40]] * 4
    assert prepared.targets["box_classes"].offsets.tolist() == prepared.targets["boxes"].offsets.tolist()


def test_other_classes_are_those_that_are_found(root: Path) -> None:
    annotate(root, "000003", one("tram", 11, 2, 20, 3))
    source = Voc(root=root)
    assert source.classes() == ("cat", "dog", "tram")
    assert source.samples(0, 0)[1].targets["box_classes"].tolist() == [1, 0]


def test_what_no_picture_could_hold_is_left_out_and_named(root: Path) -> None:
    annotate(
        root,
        "000003",
        *(one("car", 20, 2, 11, 3), one("car", 11, 9, 20, 3), one("bus", 11, 5, 10, 9), one("cow", 30, 1, 42, 9)),
        *(one("cow", 0, 0, 41, 31), one("sofa", "nan", 1, 2, 3), one("bird", 7, 7, 7, 7)),
    )
    (sample,) = Voc(root=root, train=None, test=None).samples(0, 0)
    assert sample.left_out == (
        "car 19 1 11 3 has its corners swapped",
        "car 10 8 20 3 has its corners swapped",
        "bus 10 4 10 9 has no area",
        "cow 29 0 42 9 is outside of the 40 x 30 pixels",
        "sofa nan 0 2 3 is no box",
    )
    # One that counts from 0 reaches over by a pixel, and is cut there; one pixel is a box.
    assert sample.targets["boxes"].tolist() == [[0, 0, 40, 30], [6, 6, 7, 7]]
    assert sum(sample.labels) == 2 and sample.labels[CLASSES.index("cow")] and not sample.labels[CLASSES.index("car")]


def test_a_picture_of_another_size_is_bad(root: Path, tmp_path: Path) -> None:
    annotate(root, "000003", one("car", 11, 2, 20, 3), size=SIZE.replace("40", "80"))
    with pytest.raises(DistillError, match=r"000003: is 40 x 30 pixels, and its places were marked in 80 x 30"):
        prepare(Voc(root=root), tmp_path / "set", Frame(30, 40), workers=1)


def test_what_is_marked_decides_whether_a_set_is_prepared_again(root: Path) -> None:
    source, before = Voc(root=root), Voc(root=root).state()
    assert source.state() == before
    for changed in (one("car", 11, 2, 20, 4), one("bus", 11, 2, 20, 3), one("car", 11, 2, 20, 3, difficult=1)):
        annotate(root, "000003", changed)
        assert source.state() != before
    annotate(root, "000003", one("car", 11, 2, 20, 3))
    assert source.state() == before
    for name in ("000001", "000004"):  # the one class of a name is the other of another
        text = (root / "Annotations" / f"{name}.xml").read_text()
        (root / "Annotations" / f"{name}.xml").write_text(text.replace("dog", "dingo"))
    dingo = source.state()
    for name in ("000001", "000004"):
        text = (root / "Annotations" / f"{name}.xml").read_text()
        (root / "Annotations" / f"{name}.xml").write_text(text.replace("dingo", "dodo"))
    assert source.state() != dingo


def test_lists_and_what_they_name(root: Path) -> None:
    refused(root, r"test: .*absent\.txt is missing; .* Name another list, or set test to null", test="absent")
    (root / "ImageSets/Main/val.txt").write_text("000003\n000002\n")
    refused(root, r"val\.txt:2: '000002' is listed already, for train; expected it once")
    (root / "ImageSets/Main/val.txt").write_text("000003\n000009\n")
    refused(root, r"1 of the 5 photographs listed have no annotation in .*Annotations: 000009\. A photograph without")
    for name in ("000007", "000008", "000009"):
        annotate(root, name)
    (root / "ImageSets/Main/val.txt").write_text("000003\n000009\n")
    missing = [sample for sample in Voc(root=root).samples(0, 0) if sample.name == "000009"]
    assert missing[0].picture == root / "JPEGImages" / "000009.jpg"  # a bad picture, which prepare counts
    (root / "ImageSets/Main/train.txt").write_text("000007\n000008\n")
    refused(root, r"3 of the 5 photographs listed are not in .*JPEGImages: 000007, 000008, 000009")
    with pytest.raises(DistillError, match=r"root: not set; expected the directory that holds Annotations/"):
        replace(Voc(root=root), root=None).classes()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("<annotation><object>", r"is no annotation \(no element found"),
        ("{}", r"is no annotation \(not well-formed"),
        ("<html><object/></html>", r"begins with <html>; expected an annotation with <bndbox>"),
        ("<annotation><object><name>dog</name></object></annotation>", r"dog has no box of four numbers"),
        ("<annotation><object><name> </name></object></annotation>", r"an object has no name"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><annotation/>", r"has a document type or a comment"),
        ("<annotation><size><width>4x</width></size></annotation>", r"is no annotation \(could not convert"),
    ],
)
def test_what_is_no_annotation_is_named(root: Path, text: str, match: str) -> None:
    (root / "Annotations/000003.xml").write_text(text)
    refused(root, rf"000003\.xml: .*{match}")


@pytest.mark.real_data
def test_real_photographs() -> None:
    samples = Voc(root=Path(os.environ["DISTILL_REAL_DATA"]) / "voc2007").samples(0, 0)
    assert len(samples) == 2500 and sum(len(sample.targets["boxes"]) for sample in samples) == 7696
    assert not any(sample.left_out for sample in samples)
    assert sum(sample.targets["box_ignored"].sum() for sample in samples) == 1529
