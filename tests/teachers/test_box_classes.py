"""Classes of a detector by their names: COCO's, VOC's, and what neither knows."""

from pathlib import Path

import pytest

from distill.errors import DistillError
from teachers.box_classes import class_names, columns_of

VOC = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep"
)
VOC_CLASSES = tuple(f"{VOC} sofa train tvmonitor".split())


def test_coco_has_80_names_in_the_order_of_its_categories() -> None:
    names = class_names("coco")
    assert len(names) == len(set(names)) == 80
    # The places of a few, as every detector of COCO has them.
    assert [names.index(name) for name in ("person", "airplane", "dog", "tv", "toothbrush")] == [0, 4, 16, 62, 79]


def test_the_packaged_map_finds_each_class_of_voc_among_cocos() -> None:
    columns = columns_of(VOC_CLASSES, class_names("coco"), "coco_to_voc")
    renamed = {"aeroplane": "airplane", "motorbike": "motorcycle", "sofa": "couch", "tvmonitor": "tv"} | {
        "pottedplant": "potted plant",
        "diningtable": "dining table",
    }
    assert [class_names("coco")[column] for column in columns] == [renamed.get(name, name) for name in VOC_CLASSES]


def test_without_a_map_what_is_not_known_is_named() -> None:
    with pytest.raises(DistillError, match=r"does not know 6 of the data's 20 classes: aeroplane.*teacher.class_map"):
        columns_of(VOC_CLASSES, class_names("coco"), None)


def test_a_map_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("teacher,data\nauto,car\n", encoding="utf-8")
    assert columns_of(("bus", "car"), ("auto", "bus"), file) == (1, 0)
    with pytest.raises(DistillError, match="renames auto"):
        columns_of(("bus",), ("bus", "tram"), file)
    file.write_text("teacher,data\nauto,car\nvoiture,car\n", encoding="utf-8")
    with pytest.raises(DistillError, match="2 of the detector's classes are called 'car'"):
        columns_of(("car",), ("auto", "voiture"), file)
    file.write_text("auto,car\n", encoding="utf-8")
    with pytest.raises(DistillError, match="expected teacher,data"):
        columns_of(("car",), ("auto",), file)
    file.write_text("teacher,data\nauto\n", encoding="utf-8")
    with pytest.raises(DistillError, match="line 2"):
        columns_of(("car",), ("auto",), file)
    file.write_text("teacher,data\n", encoding="utf-8")
    with pytest.raises(DistillError, match=r"teacher\.class_map: .* names no class after its heading"):
        columns_of(("car",), ("car",), file)
