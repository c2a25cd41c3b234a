"""Boxes of a table: a row each, found by the names of their columns, said aloud, and never dropped without a word."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from distill.data.sources.marked import COLUMNS
from distill.data.sources.table import Table
from distill.data.sources.table.boxes import find_boxes
from distill.data.targets import Ragged
from distill.errors import DistillError
from tests.helpers.listed import run

CORNERS = "file,label,xmin,ymin,xmax,ymax"


def table(root: Path, text: str, **keys: Any) -> Table:
    """A table beside a.png, b.png and c.png, of 40 x 20 pixels each."""
    for number, name in enumerate("abc"):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 40, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{name}.png")
    (root / "t.csv").write_text(text)
    return Table(csv=root / "t.csv", **keys)


def test_rows_of_one_picture_are_its_boxes(tmp_path: Path) -> None:
    rows = "a.png,dog,1,2,11,12\na.png,cat,20,0,40,20\nb.png,dog,0,0,4,5.5\nc.png,,,,,\na.png,dog,1,2,11,12\n"
    source = table(tmp_path, f"{CORNERS}\n{rows}")
    assert source.classes() == ("cat", "dog") and source.columns() == COLUMNS
    prepared = run(source, tmp_path / "set", height=20, width=40)
    boxes, classes, ignored, size = (prepared.targets[column.name] for column in COLUMNS)
    assert isinstance(boxes, Ragged) and isinstance(classes, Ragged) and isinstance(ignored, Ragged)
    assert boxes.counts.tolist() == [2, 1, 0] and classes.rows.tolist() == [1, 0, 1] and not ignored.rows.any()
    assert isinstance(size, np.ndarray) and (size == (20, 40)).all()
    assert np.allclose(
        boxes.rows * np.array([40, 20, 40, 20]), [[1, 2, 11, 12], [20, 0, 40, 20], [0, 0, 4, 5.5]], atol=1e-4
    )
    assert (boxes.rows.dtype, classes.rows.dtype, ignored.rows.dtype) == ("float32", "int16", "int8")
    assert prepared.labels.tolist() == [[1, 1], [0, 1], [0, 0]]
    again, said = source.remarks()
    assert "1 rows say what another says already" in again
    assert (
        "read are xmin, ymin, xmax, ymax as boxes (left, upper, right and lower edge, in pixels): 3 in 2 of 3" in said
    )
    assert "boxes: [] leaves them out" in said


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("x1,y1,x2,y2", "3,4,10,12"),
        ("X_Min,X_Max,Y_Min,Y_Max", "3,10,4,12"),
        ("width,height,bbox_x1,bbox_y1,bbox_x2,bbox_y2", "40,20,3,4,10,12"),
        ("left,top,right,bottom", "3,4,10,12"),
        ("Roi.X1,Roi.Y1,Roi.X2,Roi.Y2", "3,4,10,12"),
        ("x0,y0,x1,y1", "3,4,10,12"),
        ("left,top,width,height", "3,4,7,8"),
        ("x_1,y_1,width,height", "3,4,7,8"),
    ],
)
def test_columns_as_people_call_them(tmp_path: Path, columns: str, cells: str) -> None:
    source = table(tmp_path, f"file,label,{columns}\na.png,dog,{cells}\nb.png,cat,{cells}\n")
    assert [sample.targets["boxes"].tolist() for sample in source.samples(8, 8)] == [[[3, 4, 10, 12]]] * 2


def test_columns_named_in_the_recipe(tmp_path: Path) -> None:
    text = "file,what,x,y,w,h\na.png,dog,3,4,7,8\nb.png,cat,1,1,2,2\n"
    (sample, _) = table(tmp_path, text, label="what", boxes=("x", "y", "w", "h")).samples(8, 8)
    assert sample.targets["boxes"].tolist() == [[3, 4, 10, 12]]
    with pytest.raises(
        DistillError, match=r"^boxes: .* has the columns x, y, w, h, which may be of boxes from their co"
    ):
        table(tmp_path, text, label="what").samples(8, 8)
    with pytest.raises(DistillError, match=r"^boxes: .* has no column 'xx'"):
        table(tmp_path, text, label="what", boxes=("xx", "y", "w", "h")).samples(8, 8)
    with pytest.raises(DistillError, match=r"^boxes: names 3 columns"):
        table(tmp_path, text, label="what", boxes=("x", "y", "w")).samples(8, 8)
    left_out = table(tmp_path, text, label="what", boxes=())
    assert left_out.columns() == () and left_out.samples(8, 8)[0].targets == {} and left_out.remarks() == ()


@pytest.mark.parametrize("name", ["difficult", "iscrowd"])
def test_boxes_to_ignore(tmp_path: Path, name: str) -> None:
    source = table(tmp_path, f"{CORNERS},{name}\na.png,dog,1,2,3,4,1\na.png,cat,1,2,3,4,0\na.png,cat,2,2,3,4,\n")
    (sample,) = source.samples(8, 8)
    assert sample.targets["box_ignored"].tolist() == [1, 0, 0] and sample.labels == (1, 0)
    assert f"and {name} as those not to be counted" in source.remarks()[0]


def test_a_box_that_nobody_can_use_is_left_out_and_named(tmp_path: Path) -> None:
    rows = "a.png,dog,11,2,1,12\na.png,dog,1,2,11,12\na.png,cat,3,3,3,9\nb.png,cat,30,0,60,20\n"
    prepared = run(table(tmp_path, f"{CORNERS}\n{rows}"), tmp_path / "set", max_bad_share=0.9)
    assert [name for name, _ in prepared.ledger] == ["a.png", "a.png", "b.png"]
    reasons = [reason for _, reason in prepared.ledger]
    assert "swapped" in reasons[0] and "no area" in reasons[1] and "outside of the 40 x 20" in reasons[2]


def test_boxes_marked_in_another_size_of_the_picture_make_it_bad(tmp_path: Path) -> None:
    header = "filename,width,height,class,xmin,ymin,xmax,ymax"
    source = table(tmp_path, f"{header}\na.png,40,20,dog,1,2,11,12\nb.png,80,40,cat,1,2,11,12\n")
    prepared = run(source, tmp_path / "set", max_bad_share=0.9)
    assert prepared.names == ["a.png"] and "were marked in 80 x 40" in dict(prepared.ledger)["b.png"]


def test_people_are_not_dropped_for_boxes(tmp_path: Path) -> None:
    source = table(
        tmp_path, f"{CORNERS},who\na.png,dog,1,2,3,4,Ann\nb.png,cat,1,2,3,4,Bob\n", label="label", identity="who"
    )
    assert [sample.identity for sample in source.samples(8, 8)] == [0, 1] and source.columns() == ()
    assert "look like boxes and are not read" in source.remarks()[0]


def test_one_class_is_enough_for_boxes(tmp_path: Path) -> None:
    assert table(tmp_path, f"{CORNERS}\na.png,face,1,2,3,4\n").classes() == ("face",)


def test_numbers_with_a_comma_where_semicolons_separate(tmp_path: Path) -> None:
    (sample,) = table(tmp_path, f"{CORNERS.replace(',', ';')}\na.png;dog;1,5;2;3;4\n").samples(8, 8)
    assert sample.targets["boxes"].tolist() == [[1.5, 2, 3, 4]]


def test_boxes_without_a_class_are_said_not_to_be_read(tmp_path: Path) -> None:
    text = "file,tall,x1,y1,x2,y2\na.png,1,1,2,3,4\nb.png,0,1,2,3,4\n"
    source = table(tmp_path, text, attributes=("tall",))
    assert source.columns() == () and "x1, y1, x2, y2 look like boxes and are not read" in source.remarks()[0]
    with pytest.raises(DistillError, match=r"^boxes: of those of .* the class alone is read"):
        table(tmp_path, text, attributes=("tall",), boxes=("x1", "y1", "x2", "y2")).samples(8, 8)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.png,dog,1,2,3,\n", r"t\.csv:2: xmin, ymin, xmax, ymax are \['1', '2', '3', ''\], expected four numbers"),
        ("a.png,dog,1,2,3,inf\n", r"t\.csv:2: .*expected four numbers"),
        ("a.png,,1,2,3,4\na.png,dog,1,2,3,4\n", r"t\.csv:2: has a box, and label is ''"),
        ("a.png,dog,,,,\n", r"t\.csv:2: has no box, and label is 'dog'"),
        ("a.png,dog,0.1,0.2,0.5,1.0\n", r"t\.csv: no number .* is above 1, so they are shares of the picture"),
    ],
)
def test_a_malformed_box_is_named_with_its_line(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        table(tmp_path, f"{CORNERS}\n{rows}").samples(8, 8)


def test_boxes_in_one_cell_are_refused_and_landmarks_are_none() -> None:
    with pytest.raises(DistillError, match=r"^boxes: t\.csv has the column bbox, which may hold boxes in one cell"):
        find_boxes(("image_id", "width", "height", "bbox"), None, Path("t.csv"))
    points = tuple(f"{axis}{number}" for number in range(1, 6) for axis in "xy")
    assert find_boxes(("file", *points), None, Path("t.csv")) is None
    assert find_boxes(("file", "label", "width", "height"), None, Path("t.csv")) is None


def test_the_state_follows_the_boxes(tmp_path: Path) -> None:
    states = {table(tmp_path, f"{CORNERS}\na.png,dog,1,2,3,{end}\n").state() for end in (4, 5)}
    assert len(states) == 2
