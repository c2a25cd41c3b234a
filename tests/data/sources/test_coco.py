"""COCO's layout: ids with gaps, crowds, every number of a box recomputed, and every way the layout can be broken."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.coco import Coco
from distill.data.sources.held_out import held_out
from distill.data.sources.marked import header_size
from distill.errors import DistillError

CATEGORIES = [{"id": 90, "name": "toothbrush"}, {"id": 1, "name": "person"}, {"id": 13, "name": "stop sign"}]
COUNT = 20


def box(number: int, image: int, category: int, *bbox: float, **further: Any) -> dict[str, Any]:
    outline = {"segmentation": [[1, 2, 3, 4]]}
    return {"id": number, "image_id": image, "category_id": category, "bbox": bbox, **outline, **further}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """20 pictures to train on and one to test on, 40 x 30 pixels."""
    (tmp_path / "annotations").mkdir()
    for part, count in (("train2017", COUNT), ("val2017", 1)):
        (tmp_path / part).mkdir()
        images = []
        for number in range(count):
            seed = number + (500 if part == "val2017" else 0)
            pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / part / f"{number:012d}.jpg")
            size = {"width": 40, "height": 30} if number != 3 else {}
            images.append({"id": 7 * number, "file_name": f"{number:012d}.jpg", **size})
        annotations = [box(1, 0, 90, 1.5, 2, 10, 20, iscrowd=0)]
        if count > 1:
            annotations += [
                box(2, 7, 13, 0, 0, 40, 30.5),
                box(3, 7, 1, 3, 4, 5, 6, iscrowd=1),
                box(4, 21, 1, 1, 1, 2, 2),
            ]
        content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
        (tmp_path / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))
    return tmp_path


def change(root: Path, edit: Callable[[dict[str, Any]], object], part: str = "train2017") -> None:
    file = root / "annotations" / f"instances_{part}.json"
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))  # the clock of a file may be coarser than a test is fast


def refused(root: Path, match: str, **keys: str | None) -> None:
    with pytest.raises(DistillError, match=match):
        Coco(root=root, **keys).samples(0, 0)


def test_ids_have_gaps_and_boxes_have_width_and_height(root: Path) -> None:
    source = Coco(root=root)
    assert source.classes() == ("person", "stop sign", "toothbrush")
    samples = source.samples(0, 0)
    names = [sample.name for sample in samples]
    assert names == [f"train2017/{number:012d}.jpg" for number in range(COUNT)] + ["val2017/000000000000.jpg"]
    first, second, third, fourth = samples[:4]
    assert first.targets["boxes"].tolist() == [[1.5, 2, 11.5, 22]]
    assert first.labels == (0, 0, 1) and first.targets["box_classes"].tolist() == [2]
    assert second.targets["boxes"].tolist() == [[0, 0, 40, 30], [3, 4, 8, 10]]  # half a pixel too far is cut
    assert second.targets["box_ignored"].tolist() == [0, 1] and second.labels == (0, 1, 0)
    assert len(third.targets["boxes"]) == 0 and third.labels == (0, 0, 0)
    # Where nobody wrote it down, the size is that of the file.
    assert fourth.size == fourth.targets["picture_size"] == (30, 40) and fourth.labels == (1, 0, 0)


def test_a_share_of_the_training_pictures_is_held_out_and_val_is_the_test(root: Path) -> None:
    samples = Coco(root=root, validation=0.2).samples(0, 0)
    names = [f"{number:012d}.jpg" for number in range(COUNT)]
    held = {sample.picture.name for sample in samples if sample.split == "validation"}
    assert held == held_out(names, 0.2) and len(held) == 4
    assert [sample.name for sample in samples if sample.split == "test"] == ["val2017/000000000000.jpg"]
    alone = Coco(root=root, train=None).samples(0, 0)
    assert [(sample.name, sample.split) for sample in alone] == [("val2017/000000000000.jpg", "test")]
    with pytest.raises(DistillError, match=r"validation is 1\.5, expected a share"):
        Coco(root=root, validation=1.5)
    refused(root, r"train and test are both val2017", train="val2017")


def test_boxes_that_nobody_can_use_are_in_the_ledger_and_the_picture_is_kept(root: Path, tmp_path: Path) -> None:
    bad = [box(10, 14, 1, 5, 5, -2, 3), box(11, 14, 13, 5, 5, 0, 3), box(12, 14, 1, 30, 5, 20, 3)]
    change(root, lambda content: content["annotations"].extend(bad))
    prepared = prepare(Coco(root=root), tmp_path / "set", Frame(30, 40), workers=1)
    assert len(prepared) == prepared.listed == COUNT + 1
    assert prepared.ledger == [
        ("train2017/000000000002.jpg", "left out: person 5 5 3 8 has its corners swapped"),
        ("train2017/000000000002.jpg", "left out: stop sign 5 5 5 8 has no area"),
        ("train2017/000000000002.jpg", "left out: person 30 5 50 8 is outside of the 40 x 30 pixels"),
    ]


def test_what_is_marked_decides_whether_a_set_is_prepared_again(root: Path) -> None:
    before = Coco(root=root).state()
    assert Coco(root=root).state() == before
    change(root, lambda content: content["annotations"][0].update(iscrowd=1))
    crowd = Coco(root=root).state()
    change(root, lambda content: content["annotations"][0].update(iscrowd=0))
    assert crowd != before and Coco(root=root).state() == before
    change(root, lambda content: content["annotations"][0].update(bbox=[1.5, 2, 10, 21]))
    assert Coco(root=root).state() != before
    change(root, lambda content: content["annotations"][0].update(bbox=[1.5, 2, 10, 20]))
    assert Coco(root=root).state() == before
    for part in ("train2017", "val2017"):
        change(root, lambda content: content["categories"][1].update(name="human"), part)
    assert Coco(root=root).state() != before


def test_missing_pictures_are_counted(root: Path) -> None:
    for number in range(COUNT // 2):
        (root / "train2017" / f"{number:012d}.jpg").unlink()
    assert len(Coco(root=root).samples(0, 0)) == COUNT + 1  # prepare names them, and refuses past a share
    (root / "train2017" / f"{COUNT - 1:012d}.jpg").unlink()
    refused(root, r"11 of the 20 pictures of .*instances_train2017\.json are not in .*train2017: 000000000000\.jpg")


def test_a_part_that_is_not_there_is_named(root: Path) -> None:
    refused(root, r"test: .*instances_minival\.json is missing; .* or set test to null", test="minival")


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda c: c["images"].append(c["images"][0]), r"the image id 0 is there twice, expected once"),
        (lambda c: c["images"][1].update(file_name="000000000000.jpg"), r"the picture '0+\.jpg' is there twice"),
        (lambda c: c["annotations"].append(c["annotations"][0]), r"the annotation id 1 is there twice"),
        (lambda c: c["categories"].append({"id": 2, "name": "person"}), r"the category 'person' is there twice"),
        (lambda c: c["categories"].append({"id": 1, "name": "pear"}), r"the category id 1 is there twice"),
        (lambda c: c["annotations"].append(box(9, 5, 1, 1, 2, 3, 4)), r"annotation 9 is of the image 5, which is not"),
        (lambda c: c["annotations"].append(box(9, 0, 2, 1, 2, 3, 4)), r"annotation 9 is of the category 2, which is"),
        (lambda c: c["annotations"].append(box(9, 0, 1, 1, 2, 3)), r"annotation 9 has the bbox \[1, 2, 3\], expected"),
        (lambda c: c["annotations"][0].pop("bbox"), r"an entry has no 'bbox'; expected COCO's instances"),
        (lambda c: c.pop("categories"), r"an entry has no 'categories'"),
        (lambda c: c.update(images=3), r"is laid out in another way"),
        (lambda c: c["categories"].pop(), r"have other categories, or others by id: stop sign"),
    ],
)
def test_what_contradicts_itself_is_named(root: Path, edit: Callable[[dict[str, Any]], object], match: str) -> None:
    if "other categories" in match:
        change(root, edit, "val2017")
    else:
        change(root, edit)
    refused(root, rf"instances_train2017\.json.*{match}")


@pytest.mark.parametrize(("text", "match"), [("[1,", r"is no JSON \("), ("[1]", "is laid out in another way")])
def test_what_is_no_json_is_named(root: Path, text: str, match: str) -> None:
    (root / "annotations/instances_train2017.json").write_text(text)
    refused(root, rf"instances_train2017\.json: {match}")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_of_a_picture_is_that_it_has_upright(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "JPEG", exif=exif)
    assert header_size(file.getvalue()) == ((40, 30) if orientation in (6, 8) else (30, 40))
    assert header_size(b"no picture") is None and header_size(tmp_path / "none.jpg") is None


@pytest.mark.real_data
def test_real_photographs() -> None:
    source = Coco(root=Path(os.environ["DISTILL_REAL_DATA"]) / "coco128")
    samples = source.samples(0, 0)
    assert len(source.classes()) == 80 and len(samples) == 256
    assert sum(len(sample.targets["boxes"]) for sample in samples) == 929 + 898
