"""Rendered dogs: the same bytes in any batch, sisters a detail apart, and wrong labels as many as asked for."""

from dataclasses import fields, replace

import numpy as np
import pytest

from distill.data.rendered.breeds import BREEDS, VIEW, Breed, sample
from distill.data.rendered.dog import draw
from distill.data.rendered.dogs import RenderedDogs
from distill.data.rendered.rasterizer import Canvas, Window, limb, merged
from distill.data.sources.source import Drawing
from distill.data.wordnet import match
from distill.errors import DistillError

SOURCE = RenderedDogs()
COUNT = len(BREEDS)


def test_a_picture_has_the_same_bytes_in_any_batch() -> None:
    indices = np.array([3119, 3, 4, 5, 700, 3, 0, 1500] * 9)
    pictures = SOURCE.draw(indices, 48, 40)
    assert pictures.shape == (72, 48, 40, 3) and pictures.dtype == np.uint8
    for n in range(8):
        assert np.array_equal(pictures[n], SOURCE.draw(indices[n : n + 1], 48, 40)[0])
    assert np.array_equal(pictures[:8], pictures[64:])


@pytest.mark.parametrize("change", [{"seed": 1}, {"seed": 2**32}, {"part": 1}])
def test_another_seed_or_part_draws_other_dogs_of_the_same_breeds(change: dict[str, int]) -> None:
    indices, other = np.arange(64), replace(SOURCE, **change)
    assert all(
        (a != b).mean() > 0.5 for a, b in zip(SOURCE.draw(indices, 32, 32), other.draw(indices, 32, 32), strict=True)
    )
    assert np.array_equal(SOURCE.labels(indices), other.labels(indices))
    assert match(SOURCE.classes(), other.classes(), "web").tolist() == list(range(COUNT))


def test_parts_share_no_dog() -> None:
    """No index of one part, however large, describes what an index of another does."""
    indices = np.array([0, 1, 2**32, 2**40 - 1])
    seen = np.stack(
        [sample(replace(SOURCE, part=part)._counters(indices), indices % 2, 0).measures["grain"] for part in range(4)]
    )
    assert len(np.unique(seen)) == 16


def test_samples_list_what_is_drawn() -> None:
    source = RenderedDogs(train=300, validation=24, test=0, wrong=0.2, seed=3)
    samples = list(source.samples(24, 32))
    assert [s.split for s in samples] == ["train"] * 300 + ["validation"] * 24
    assert len({s.name for s in samples}) == 324
    labels = source.labels(np.arange(324))
    for n, s in enumerate(samples):
        assert isinstance(s.picture, Drawing)
        assert s.picture.index == n and s.picture.renderer == source
        assert len(s.labels) == COUNT and sum(s.labels) == 1 and s.labels[labels[n]] == 1


def test_every_split_shows_every_breed_as_often() -> None:
    counts = (SOURCE.train, SOURCE.validation, SOURCE.test)
    assert np.array_equal(SOURCE.labels(np.arange(sum(counts))), SOURCE.breeds(np.arange(sum(counts))))
    for part in np.split(SOURCE.breeds(np.arange(sum(counts))), np.cumsum(counts)[:2]):
        times = np.bincount(part, minlength=COUNT)
        assert times.min() > 0 and times.max() - times.min() <= 1


def test_wrong_labels_are_as_many_as_asked_for_and_half_of_them_the_sister() -> None:
    source = RenderedDogs(train=24000, validation=240, test=240, wrong=0.3)
    indices = np.arange(24480)
    breeds, labels = source.breeds(indices), source.labels(indices)
    wrong = breeds != labels
    assert not wrong[24000:].any(), "what is scored on stays right"
    assert wrong[:24000].mean() == pytest.approx(0.3, abs=0.01)
    sisters = np.array([BREEDS.index(BREEDS[breed ^ 1]) for breed in range(COUNT)])
    assert (labels[wrong] == sisters[breeds[wrong]]).mean() == pytest.approx(0.5, abs=0.02)
    others = np.bincount(labels[wrong & (labels != sisters[breeds])], minlength=COUNT)
    assert others.min() > 0.7 * others.mean(), "the rest are any breed's"
    few = np.arange(48)
    assert np.array_equal(source.draw(few, 32, 32), replace(source, wrong=0.0).draw(few, 32, 32))
    assert (replace(source, wrong=1.0).labels(indices[:24000]) != breeds[:24000]).all()


def test_sisters_differ_in_a_trait_or_two_and_other_breeds_in_more() -> None:
    traits = [field.name for field in fields(Breed) if field.name != "name"]

    def differing(one: Breed, other: Breed) -> int:
        return sum(getattr(one, trait) != getattr(other, trait) for trait in traits)

    for first in range(COUNT):
        for second in range(first + 1, COUNT):
            apart = differing(BREEDS[first], BREEDS[second])
            assert 1 <= apart <= 3 if second == first ^ 1 else apart >= 4, (BREEDS[first].name, BREEDS[second].name)


@pytest.mark.parametrize("first", range(0, COUNT, 2))
def test_sisters_are_told_apart_by_pixels(first: int) -> None:
    """The same dog drawn as either sister: what differs is plain at 64 px, and the rest stays."""
    counters = np.arange(24)
    one, other = (draw(sample(counters, np.full(24, breed), 0), 64, 64).astype(int) for breed in (first, first + 1))
    plainly = (np.abs(one - other).max(axis=3) > 24).sum(axis=(1, 2))
    assert np.median(plainly) >= 20, "of 4096 pixels"
    assert plainly.max() < 2048


def test_dogs_of_a_breed_vary() -> None:
    pictures = draw(sample(np.arange(32), np.zeros(32, np.int64), 0), 64, 64).astype(int)
    middle = pictures[:, 24:40, 24:40]
    apart = np.abs(middle[:, None] - middle[None]).mean(axis=(2, 3, 4))
    assert apart[~np.eye(32, dtype=bool)].min() > 8
    facing = sample(np.arange(1000), np.zeros(1000, np.int64), 0).measures["facing"]
    assert 0.4 < (facing > 0).mean() < 0.6


def test_no_shape_is_cut_by_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows twice as wide give the same bytes: every shape lies within the reach stated for it."""
    dogs = SOURCE.describe(np.arange(COUNT * 20))
    for extreme in ("stride", "raise", "wag", "turn", "scale"):
        dogs.measures[extreme][::3] = VIEW[extreme][0]
        dogs.measures[extreme][1::3] = VIEW[extreme][1]
    pictures = draw(dogs, 64, 64)
    narrow = Canvas.window

    def wide(self: Canvas, rows: np.ndarray, u: np.ndarray, v: np.ndarray, reach_u: float, reach_v: float) -> Window:
        return narrow(self, rows, u, v, 2 * reach_u, 2 * reach_v)

    monkeypatch.setattr(Canvas, "window", wide)
    differing = (pictures != draw(dogs, 64, 64)).any(axis=(1, 2, 3))
    assert not differing.any(), [BREEDS[n % COUNT].name for n in np.flatnonzero(differing)]


def test_a_limb_is_the_discs_along_its_line() -> None:
    u, v = np.meshgrid(np.linspace(-1, 2, 61), np.linspace(-1, 2, 61))
    steps = np.linspace(0, 1, 2001)[:, None, None]
    discs = 0.3 + (0.1 - 0.3) * steps - np.sqrt((u - 1.1 * steps) ** 2 + (v - 0.2 - 0.5 * steps) ** 2)
    found = limb(u, v, (0.0, 0.2), (1.1, 0.7), 0.3, 0.1)
    outline = np.abs(found) < 0.2
    assert np.abs(found - discs.max(axis=0))[outline].max() < 0.03


def test_a_merged_shape_holds_both_and_fills_the_corner() -> None:
    one, other = np.array([0.5, -0.5, -0.02, -0.2]), np.array([-1.0, 0.3, -0.02, -0.2])
    found = merged(one, other, 0.1)
    assert found[:2].tolist() == [0.5, 0.3]
    assert found[2] == pytest.approx(0.005) and found[3] == pytest.approx(-0.175)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"train": -1}, "train: -1 pictures"),
        ({"test": 23}, "test: 23 pictures, expected 0, or at least 24"),
        ({"wrong": 1.1}, "wrong"),
        ({"part": -1}, "part"),
        ({"part": 2**16}, "part"),
        ({"seed": -1}, "seed"),
    ],
)
def test_keys_that_cannot_be_met_are_refused(keys: dict[str, float], named: str) -> None:
    with pytest.raises(DistillError, match=named):
        RenderedDogs(**keys)  # type: ignore[arg-type]
