"""Crops that hold an object, and views that are zoomed out: their numbers, and their boxes seen in pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.targets import Column, Ragged
from distill.data.views.loader import ViewDataset, ViewLoader
from distill.data.views.objects import around_objects, boxes_column
from distill.data.views.views import Views, draw
from distill.errors import DistillError
from distill.objectives.boxes.geometry import visible
from distill.preprocess.preprocess import Preprocess
from tests.helpers.listed import run
from tests.helpers.marked import Marked
from tests.helpers.places import COLOURLESS, check_places

COUNT, HEIGHT, WIDTH = 4000, 90, 120
HASHES = np.random.default_rng(1).integers(0, 2**64, COUNT, dtype=np.uint64)


def some_boxes(seed: int = 0) -> Ragged:
    """None to three of each picture."""
    random = np.random.default_rng(seed)
    counts = random.integers(0, 4, COUNT)
    corners = np.sort(random.random((counts.sum(), 2, 2)), axis=1).reshape(-1, 4).astype(np.float32)
    return Ragged(corners, np.concatenate([[0], np.cumsum(counts)]))


def test_the_centre_of_a_box_lies_inside_and_the_crop_inside_the_picture() -> None:
    views, boxes = Views(keep_object=0.6), some_boxes()
    sides = draw(Views(scale=(0.1, 0.5)), 3, HASHES, 2, HEIGHT, WIDTH).box[:, 2:] / np.array([HEIGHT, WIDTH])
    moved, corners = around_objects(views, 3, HASHES, 2, sides, boxes)
    known = boxes.counts > 0
    assert not moved[~known].any() and moved[known].mean() == pytest.approx(0.6, abs=0.04)
    which = []
    for n in np.flatnonzero(moved):
        (top, left), (height, width) = corners[n], sides[n]
        assert top >= 0 and left >= 0 and top + height <= 1 + 1e-6 and left + width <= 1 + 1e-6
        held = [
            top - 1e-6 <= (y1 + y2) / 2 <= top + height + 1e-6 and left - 1e-6 <= (x1 + x2) / 2 <= left + width + 1e-6
            for x1, y1, x2, y2 in boxes[n].astype(np.float64)
        ]
        assert any(held), n
        if sum(held) == 1 and len(held) == 3:
            which.append(held.index(True))
    times = np.bincount(which, minlength=3)
    assert times.min() > 0.25 * times.sum(), "each box of a picture as often"
    # In the crop the centre is anywhere.
    one = np.flatnonzero(moved & (boxes.counts == 1))
    box = boxes.rows[boxes.offsets[one]].astype(np.float64)
    middle = (np.abs(box[:, 1] + box[:, 3] - 1) < 0.5) & (np.abs(box[:, 0] + box[:, 2] - 1) < 0.5)
    places = ((box[:, 1] + box[:, 3]) / 2 - corners[one, 0]) / sides[one, 0]
    assert places[middle].std() > 0.2 and abs(places[middle].mean() - 0.5) < 0.1


def test_a_crop_depends_on_nothing_but_seed_picture_and_view() -> None:
    views, boxes = Views(keep_object=1.0), some_boxes()
    sides = np.full((COUNT, 2), 0.4)
    moved, corners = around_objects(views, 3, HASHES, 2, sides, boxes)
    for n in (5, 17, 3999):
        alone = Ragged(boxes[n], np.array([0, len(boxes[n])]))
        found = around_objects(views, 3, HASHES[n : n + 1], 2, sides[:1], alone)
        assert found[0][0] == moved[n] and np.array_equal(found[1][0], corners[n])
    for other in ((4, 2), (3, 1)):
        assert not np.array_equal(around_objects(views, other[0], HASHES, other[1], sides, boxes)[1], corners)


def test_a_box_whose_centre_is_outside_moves_nothing() -> None:
    boxes = Ragged(np.array([[1.0, 0.2, 1.4, 0.4], [0.8, 0.2, 1.1, 0.4]], np.float32), np.array([0, 1, 2]))
    moved, _ = around_objects(Views(keep_object=1.0), 0, HASHES[:2], 0, np.full((2, 2), 0.5), boxes)
    assert moved.tolist() == [False, True]


def test_a_view_zoomed_out_holds_the_whole_picture() -> None:
    views = Views(zoom_out=0.3, zoom=2.5)
    drawn, plain = draw(views, 3, HASHES, 2, HEIGHT, WIDTH), draw(Views(), 3, HASHES, 2, HEIGHT, WIDTH)
    assert drawn.zoomed.mean() == pytest.approx(0.3, abs=0.04)
    assert np.array_equal(drawn.box[~drawn.zoomed], plain.box[~drawn.zoomed])
    assert np.array_equal(drawn.flip, plain.flip) and np.array_equal(drawn.color, plain.color)
    top, left, height, width = drawn.box[drawn.zoomed].astype(np.float64).T
    assert top.max() <= 0 and left.max() <= 0 and (top + height).min() >= HEIGHT - 1e-3
    assert (left + width).min() >= WIDTH - 1e-3
    sides = height / HEIGHT
    assert np.allclose(sides, width / WIDTH, atol=1e-6) and 1 <= sides.min() < 1.02 and 2.48 < sides.max() <= 2.5
    assert abs(np.median(sides) - 1.75) < 0.1
    assert np.abs(np.corrcoef([top / (1 - sides), left / (1 - sides), sides])[0, 1:]).max() < 0.1


def test_without_either_key_nothing_is_drawn_otherwise() -> None:
    assert not draw(Views(), 3, HASHES, 2, HEIGHT, WIDTH).zoomed.any()
    facts = Views(mixup=0.2).facts()
    assert list(facts) == [
        *("scale", "ratio", "flip", "brightness", "contrast", "saturation", "mixup", "cutmix", "count"),
    ]
    assert Views(zoom=2.0).facts() == Views().facts(), "of what is never zoomed out, this says nothing"
    assert Views(zoom_out=0.1).facts()["zoom"] == 4.0 and Views(keep_object=0.1).facts()["keep_object"] == 0.1


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    source = Marked(count=48)
    return Pictures.of(run(source, tmp_path_factory.mktemp("marked") / "set", height=90, width=120), "train")


@pytest.mark.parametrize("flip", [0.0, 1.0])
@pytest.mark.parametrize("size", [(90, 120), (64, 64)])
def test_places_move_with_the_pixels_of_a_view_that_is_zoomed_out(
    marked: Pictures, flip: float, size: tuple[int, int]
) -> None:
    (batch,) = ViewLoader(marked, Views(zoom_out=1.0, zoom=1.5, flip=flip, **COLOURLESS), batch_size=48, seed=1)
    assert batch.zoomed is not None and len(batch.zoomed) == 48
    black = replace(batch, pictures=torch.zeros_like(batch.pictures))
    assert check_places(batch, Preprocess.imagenet(*size), black) == 36


def test_views_hold_objects_and_the_others_stay_as_they_are(marked: Pictures) -> None:
    usual = Views(scale=(0.05, 0.1), flip=0.0, **COLOURLESS)
    (plain,) = ViewLoader(marked, usual, batch_size=48, seed=1)
    (kept,) = ViewLoader(marked, replace(usual, keep_object=1.0), batch_size=48, seed=1)
    (both,) = ViewLoader(marked, replace(usual, keep_object=1.0, zoom_out=0.5), batch_size=48, seed=1)
    (far,) = ViewLoader(marked, replace(usual, zoom_out=0.5), batch_size=48, seed=1)
    assert torch.equal(kept.box[:, 2:], plain.box[:, 2:]), "as large as before"
    boxes = kept.targets.ragged("boxes")
    for row in range(48):
        centres = (boxes[row][:, :2] + boxes[row][:, 2:]) / 2
        held = ((centres > -1e-4) & (centres < 1 + 1e-4)).all(dim=1)
        assert held.any() or not len(held)
        assert len(held) or torch.equal(kept.box[row], plain.box[row])
        assert both.zoomed is not None
        assert torch.equal(both.box[row], (far if row in both.zoomed else kept).box[row])
    assert 10 < len(both.zoomed) < 38
    shares = visible(both.targets.ragged("boxes").rows)[1]
    zoomed = torch.isin(both.targets.ragged("boxes").pictures, both.zoomed)
    assert (shares[zoomed] > 1 - 1e-5).all(), "all of a picture is in a view that is zoomed out"


def test_pictures_without_boxes_are_refused(marked: Pictures, train: Pictures) -> None:
    found = boxes_column(marked.columns)
    assert found is not None and found.name == "boxes"
    teacher = Column("teacher_boxes", "float32", (4,), ragged=True, place="boxes")
    assert boxes_column((*marked.columns, teacher)) == teacher
    with pytest.raises(DistillError, match=r"views\.keep_object is 0\.5, and the pictures have no boxes\. Set it to 0"):
        ViewDataset(train, Views(keep_object=0.5), 0)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"zoom_out": 1.5}, r"views\.zoom_out is 1\.5"),
        ({"keep_object": -0.1}, r"views\.keep_object is -0\.1"),
        ({"zoom": 0.5}, r"views\.zoom is 0\.5, expected at least 1"),
        ({"zoom": float("inf")}, r"views\.zoom is inf"),
    ],
)
def test_keys_out_of_range_are_refused(keys: dict[str, float], named: str) -> None:
    with pytest.raises(DistillError, match=named):
        Views(**keys)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_draw_the_same(marked: Pictures) -> None:
    views = Views(keep_object=0.5, zoom_out=0.5)
    loader = ViewLoader(marked, views, batch_size=16, seed=1, workers=1)
    for one, other in zip(loader, ViewLoader(marked, views, batch_size=16, seed=1), strict=True):
        assert torch.equal(one.box, other.box) and torch.equal(one.zoomed, other.zoomed) and one.zoom == other.zoom
    loader.close()
