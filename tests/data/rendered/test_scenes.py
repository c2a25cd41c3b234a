"""Rendered streets: the same bytes in any batch, boxes that hold what is painted and no more, and what hides what."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.rendered.figures import Figures, Sheet, groups
from distill.data.rendered.scenes import _PAINTERS, RenderedScenes
from distill.data.rendered.street import CLASSES, CLUTTER, HALVES, HIDDEN, KINDS, MOST, Street
from distill.data.sources.source import Drawing
from distill.errors import DistillError

SOURCE = RenderedScenes()


def painted(street: Street, height: int, width: int) -> dict[int, tuple[str, Sheet]]:
    """Each figure by its place among all."""
    sheets = {}
    for kind, places, figures in groups(street, height, width):
        _PAINTERS[kind](figures)
        sheets.update({int(place): (kind, sheet) for place, sheet in zip(places, figures.sheets(), strict=True)})
    return sheets


def test_a_picture_has_the_same_bytes_in_any_batch() -> None:
    indices = np.array([1699, 3, 4, 5, 700, 3, 0, 1500] * 5)
    pictures = SOURCE.draw(indices, 72, 90)
    assert pictures.shape == (40, 72, 90, 3) and pictures.dtype == np.uint8
    for n in range(8):
        assert np.array_equal(pictures[n], SOURCE.draw(indices[n : n + 1], 72, 90)[0])
    assert np.array_equal(pictures[:8], pictures[32:])


@pytest.mark.parametrize("change", [{"seed": 1}, {"seed": 2**32}])
def test_another_seed_draws_other_scenes(change: dict[str, int]) -> None:
    indices = np.arange(32)
    one, other = SOURCE.draw(indices, 48, 48), replace(SOURCE, **change).draw(indices, 48, 48)
    assert all((a != b).mean() > 0.5 for a, b in zip(one, other, strict=True))


def test_samples_list_what_is_drawn() -> None:
    source = RenderedScenes(train=280, validation=20, test=0, seed=3)
    samples = list(source.samples(60, 80))
    assert [s.split for s in samples] == ["train"] * 280 + ["validation"] * 20 and len({s.name for s in samples}) == 300
    counts = []
    for n, s in enumerate(samples):
        assert isinstance(s.picture, Drawing) and s.picture.index == n and s.picture.renderer == source
        boxes, classes, ignored = (s.targets[name] for name in ("boxes", "box_classes", "box_ignored"))
        assert len(boxes) == len(classes) == len(ignored) and s.targets["picture_size"] == (60, 80)
        assert (boxes[:, 2:] > boxes[:, :2]).all() and (boxes >= 0).all() and (boxes <= [80, 60, 80, 60]).all()
        assert {number for number, there in enumerate(s.labels) if there} == set(classes[ignored == 0].tolist())
        counts.append(len(boxes))
    assert min(counts) == 0 and max(counts) == MOST
    assert [column.name for column in source.columns()] == list(samples[0].targets)


def test_all_classes_are_as_frequent_and_sizes_reach_from_end_to_end() -> None:
    street = RenderedScenes().describe(np.arange(4000))
    kind, size = street.kind[:, CLUTTER:], street.size[:, CLUTTER:]
    times = np.bincount(kind[kind >= 0], minlength=len(CLASSES))
    assert len(CLASSES) == 8 and times.min() > 0.85 * times.mean()
    seen = np.sort(size[kind >= 0])
    assert seen[0] == pytest.approx(0.05, abs=1e-3) and seen[-1] == pytest.approx(0.9, abs=1e-3)
    assert 0.2 < (seen < 0.1).mean() < 0.28 and 0.1 < (seen > 0.6).mean() < 0.25
    assert 0.03 < (kind < 0).all(axis=1).mean() < 0.05
    narrow = RenderedScenes(scale=(0.3, 0.4)).describe(np.arange(100)).size[:, CLUTTER:]
    assert narrow.min() >= 0.3 and narrow.max() <= 0.4
    few = RenderedScenes(most=2).describe(np.arange(4000)).kind[:, CLUTTER:] >= 0
    counts = few.sum(axis=1)
    assert counts.max() == 2 and abs((counts == 1).mean() - 0.48) < 0.03  # half of those that are not empty
    # Painted from the farthest to the nearest, which stands lowest.
    foot = np.where(kind >= 0, street.foot[:, CLUTTER:], 2)
    assert (np.diff(foot, axis=1) >= 0).all() and (street.kind[:, :CLUTTER] >= len(CLASSES)).all()


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_a_box_holds_what_is_painted_and_no_more(kind: str, left: bool) -> None:
    random = np.random.default_rng(0)
    count, low_high = 24, np.array(HALVES[kind])
    half = low_high[:, 0] + (low_high[:, 1] - low_high[:, 0]) * random.choice([0.0, 0.5, 1.0], (count, 2))
    x, y, scale = random.uniform(150, 160, count), random.uniform(150, 160, count), random.uniform(60, 135, count)
    colours, shape = random.random((count, 3, 3)), random.choice([0.0, 0.4, 0.999], (count, 8))
    numbers = (part.astype(np.float32) for part in (x, y, scale, half, colours, shape))
    figures = Figures(*numbers, np.full(count, left))
    _PAINTERS[kind](figures)
    for n, sheet in enumerate(figures.sheets()):
        coverage = sheet.planes[3]
        for axis, middle, first in ((0, x[n], sheet.left), (1, y[n], sheet.top)):
            inside = np.flatnonzero(coverage.max(axis=axis) > 0.5)
            expected = middle + np.array([-1, 1]) * half[n, axis] * scale[n]
            found = first + np.array([inside[0], inside[-1] + 1])
            slack = 0.04 * scale[n] if kind != "wedge" else scale[n]  # a narrow tip is no half pixel
            assert (np.abs(found - expected) < 1 + slack).all(), (n, axis, found, expected)
            faint = np.flatnonzero(coverage.max(axis=axis) > 0)
            if kind not in ("wedge", "disc"):
                assert first + faint[0] > expected[0] - 2 and first + faint[-1] + 1 < expected[1] + 2
        assert coverage[0].max() == coverage[-1].max() == coverage[:, 0].max() == coverage[:, -1].max() == 0


def test_no_figure_is_cut_by_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows as large as their sheets give the same bytes: every shape lies within the reach stated for it."""
    indices = np.arange(150)
    pictures = SOURCE.draw(indices, 96, 96)
    narrow = Figures.window

    def wide(self: Figures, u: object, v: object, a: object, b: object) -> object:
        return narrow(self, u, v, 9.0, 9.0)  # type: ignore[arg-type]

    monkeypatch.setattr(Figures, "window", wide)
    assert np.array_equal(pictures, SOURCE.draw(indices, 96, 96))


def test_a_figure_that_faces_left_is_the_mirror_image() -> None:
    street = SOURCE.describe(np.arange(20))
    straight = replace(street, x=np.full_like(street.x, 0.375), left=np.zeros_like(street.left))
    mirrored = replace(street, x=np.full_like(street.x, 0.625), left=np.ones_like(street.left))
    here, there = painted(straight, 80, 98), painted(mirrored, 80, 98)  # a quarter of a pixel off
    for place, (_, sheet) in here.items():
        other = there[place][1]
        assert np.array_equal(sheet.planes, other.planes[:, :, ::-1])
        assert sheet.left + sheet.planes.shape[2] == 98 - other.left and sheet.top == other.top


def test_what_can_be_seen_of_a_box_is_counted() -> None:
    """Held against the pixels of the boxes, painted one over the other."""
    height, width = 240, 300
    street = SOURCE.describe(np.arange(200))
    boxes, seen = street.boxes(height, width)
    x, y, scale = (part[:, CLUTTER:].astype(float) for part in street.middle(height, width))
    half = street.half[:, CLUTTER:] * scale[..., None]
    hidden = 0
    for n in range(200):
        owner = np.full((height, width), -1)
        area = []
        for k in range(MOST):
            if street.kind[n, CLUTTER + k] < 0:
                assert seen[n, k] == 0 and not boxes[n, k].any()
                continue
            edges = x[n, k] - half[n, k, 0], y[n, k] - half[n, k, 1], x[n, k] + half[n, k, 0], y[n, k] + half[n, k, 1]
            np.testing.assert_allclose(boxes[n, k], np.clip(edges, 0, [width, height, width, height]), atol=1e-3)
            left, top, right, bottom = np.round(edges).astype(int)
            owner[max(0, top) : bottom, max(0, left) : right] = k
            area.append((edges[2] - edges[0]) * (edges[3] - edges[1]))
        for k, whole in enumerate(area):
            if whole > 400:
                assert seen[n, k] == pytest.approx((owner == k).sum() / whole, abs=0.15)
                hidden += seen[n, k] < 1 - HIDDEN
    assert hidden > 20


def test_what_is_hidden_is_marked_as_ignored() -> None:
    source = RenderedScenes(train=200, validation=0, test=0)
    street = source.describe(np.arange(200))
    _, seen = street.boxes(64, 64)
    for n, s in enumerate(source.samples(64, 64)):
        there = street.kind[n, CLUTTER:] >= 0
        assert s.targets["box_ignored"].tolist() == (seen[n, there] < 1 - HIDDEN).astype(int).tolist()


def test_a_nearer_object_is_painted_over_a_farther_one() -> None:
    sheets = []
    for value in (0.25, 0.75):
        planes = np.zeros((4, 4, 4), np.float32)
        planes[:3, 1:3, 1:3], planes[3, 1:3, 1:3] = value, 1
        sheets.append(Sheet(planes, 0, 0))
    picture = np.ones((3, 4, 4), np.float32)
    for sheet in sheets:
        sheet.lay(picture)
    assert (picture[:, 1:3, 1:3] == 0.75).all() and (picture[:, 0] == 1).all()
    picture = np.ones((3, 4, 4), np.float32)
    replace(sheets[0], top=-2, left=2).lay(picture)  # half of it is outside
    assert (picture == 0.25).sum() == 3 and (picture[:, 0, 3] == 0.25).all()
    replace(sheets[0], top=4).lay(picture)
    assert (picture == 0.25).sum() == 3


def test_a_prepared_set_has_the_boxes_as_shares(tmp_path: Path) -> None:
    source = RenderedScenes(train=10, validation=4, test=4)
    prepared = prepare(source, tmp_path / "set", Frame(60, 80), workers=1)
    boxes = prepared.targets["boxes"]
    for row, sample in enumerate(source.samples(60, 80)):
        assert prepared.names[row] == sample.name
        np.testing.assert_allclose(boxes[row], sample.targets["boxes"] / [80, 60, 80, 60], atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"train": -1}, "train: -1 pictures"),
        ({"scale": (0.0, 0.5)}, r"scale is \[0\.0, 0\.5\], expected 0 < smallest"),
        ({"scale": (0.5, 1.5)}, r"scale is \[0\.5, 1\.5\]"),
        ({"most": 0}, "most is 0, expected 1 to 6"),
        ({"most": 7}, "most is 7"),
        ({"seed": -1}, "seed"),
    ],
)
def test_keys_that_cannot_be_met_are_refused(keys: dict[str, object], named: str) -> None:
    with pytest.raises(DistillError, match=named):
        RenderedScenes(**keys)  # type: ignore[arg-type]
