"""Views: what is drawn, from what, and how often."""

import hashlib
from typing import Any

import numpy as np
import pytest

from distill.data.views.philox import Purpose, permutation, words
from distill.data.views.views import Views, _stretch, draw, mixing_weights, partners, patches
from distill.errors import DistillError

HEIGHT, WIDTH = 40, 30
HASHES = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)


def as_expected(successes: int, trials: int, probability: float) -> bool:
    """Within five standard deviations of a binomial: missed by chance once in a million."""
    deviation = (trials * probability * (1 - probability)) ** 0.5
    return abs(successes - trials * probability) < 5 * deviation


def test_draws_stay_inside_their_bounds() -> None:
    views = Views(scale=(0.3, 0.6), ratio=1.3, brightness=0.1, contrast=0.2, saturation=0.3)
    drawn = draw(views, 5, HASHES, 2, HEIGHT, WIDTH)
    top, left, height, width = drawn.box.T.astype(np.float64)
    assert drawn.box.dtype == np.float32 and drawn.color.dtype == np.float32 and drawn.flip.dtype == bool
    assert top.min() >= 0 and left.min() >= 0
    assert (top + height).max() <= HEIGHT + 1e-4 and (left + width).max() <= WIDTH + 1e-4
    area, stretch = height * width / (HEIGHT * WIDTH), (width / WIDTH) / (height / HEIGHT)
    assert 0.3 - 1e-4 <= area.min() < 0.301 and 0.599 < area.max() <= 0.6 + 1e-4
    assert 1 / 1.3 - 1e-4 <= stretch.min() < 0.771 and 1.298 < stretch.max() <= 1.3 + 1e-4
    for column, bound in enumerate((0.1, 0.2, 0.3)):
        change = drawn.color[:, column] - 1
        assert -bound - 1e-6 <= change.min() < -0.99 * bound and 0.99 * bound < change.max() <= bound + 1e-6


def test_a_crop_never_leaves_a_picture_however_it_is_stretched() -> None:
    box = draw(Views(scale=(0.9, 1.0), ratio=2.0), 0, HASHES, 0, HEIGHT, WIDTH).box.astype(np.float64)
    assert box.min() >= 0
    assert (box[:, 0] + box[:, 2]).max() <= HEIGHT + 1e-4 and (box[:, 1] + box[:, 3]).max() <= WIDTH + 1e-4


@pytest.mark.parametrize("ratio", [1.0, 1.15, 3.0])
def test_a_stretch_is_a_power_of_the_largest(ratio: float) -> None:
    raw = np.array([0, 1, 2**31 - 1, 2**31, 0xDEADBEEF, 2**32 - 1], dtype=np.uint32)
    expected = [ratio ** (2 * ((int(word) + 0.5) / 2**32) - 1) for word in raw]
    assert _stretch(ratio, raw) == pytest.approx(expected, rel=1e-14, abs=0)


def test_a_million_views_are_the_same_everywhere() -> None:
    """The bytes are those of numpy 2.0.2 and 2.4.6, with and without AVX2 and AVX-512."""
    views, seed = Views(mixup=0.3), 2**40 + 7
    hashes = np.arange(1, 100_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    digest = hashlib.sha256()
    for view in range(10):
        drawn, mixing = draw(views, seed, hashes, view, 109, 89), mixing_weights(views, seed, hashes, view)
        order = permutation(seed, hashes, view, Purpose.ORDER)
        for values in (drawn.box, drawn.flip, drawn.color, mixing, order, partners(seed, hashes, view)):
            digest.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    assert digest.hexdigest() == "aef90a9b1d34f863beeb5434e30fdbe7f90108cf79af05507f095e31e3c9bc56"


def test_frequencies() -> None:
    views = Views(scale=(0.25, 0.64), ratio=1.0, flip=0.3)
    drawn = draw(views, 1, HASHES, 0, HEIGHT, WIDTH)
    top, left, height, width = drawn.box.T
    assert as_expected(int(drawn.flip.sum()), len(HASHES), 0.3)
    halves = [
        height * width < (0.25 + 0.64) / 2 * HEIGHT * WIDTH,
        top < (HEIGHT - height) / 2,
        left < (WIDTH - width) / 2,
        *(drawn.color < 1).T,
    ]
    assert all(as_expected(int(half.sum()), len(HASHES), 0.5) for half in halves)
    # What is drawn for one purpose says nothing of another.
    for other in halves:
        assert as_expected(int(other[drawn.flip].sum()), int(drawn.flip.sum()), 0.5)
    for probability in (0.0, 1.0):
        always = draw(Views(flip=probability), 1, HASHES, 0, HEIGHT, WIDTH).flip
        assert always.all() if probability else not always.any()


def test_a_view_does_not_depend_on_the_others_of_its_batch() -> None:
    views = Views(mixup=0.4)
    together = draw(views, 9, HASHES[:100], 3, HEIGHT, WIDTH)
    weights = mixing_weights(views, 9, HASHES[:100], 3)
    for chosen in (np.arange(99, -1, -1), np.array([17]), np.array([5, 80, 5])):
        alone = draw(views, 9, HASHES[chosen], 3, HEIGHT, WIDTH)
        assert np.array_equal(alone.box, together.box[chosen])
        assert np.array_equal(alone.flip, together.flip[chosen])
        assert np.array_equal(alone.color, together.color[chosen])
        assert np.array_equal(mixing_weights(views, 9, HASHES[chosen], 3), weights[chosen])


@pytest.mark.parametrize(("seed", "view"), [(9, 4), (10, 3), (9 + 2**32, 3)])
def test_another_view_and_another_seed_draw_other_numbers(seed: int, view: int) -> None:
    views = Views(mixup=0.4)
    one, two = draw(views, 9, HASHES[:500], 3, HEIGHT, WIDTH), draw(views, seed, HASHES[:500], view, HEIGHT, WIDTH)
    assert (one.box != two.box).any(axis=1).all()
    assert (one.color != two.color).any(axis=1).all()
    assert as_expected(int((one.flip != two.flip).sum()), 500, 0.5)
    assert (mixing_weights(views, 9, HASHES[:500], 3) != mixing_weights(views, seed, HASHES[:500], view)).all()


def test_one_key_changes_nothing_but_its_own_numbers() -> None:
    plain = draw(Views(), 0, HASHES[:100], 0, HEIGHT, WIDTH)
    bolder = draw(Views(brightness=0.9, flip=0.1), 0, HASHES[:100], 0, HEIGHT, WIDTH)
    assert np.array_equal(plain.box, bolder.box)
    assert np.array_equal(plain.color[:, 1:], bolder.color[:, 1:])
    assert not np.array_equal(plain.color[:, 0], bolder.color[:, 0])


def test_views_that_change_nothing() -> None:
    drawn = draw(Views((1, 1), 1, 0, 0, 0, 0), 0, HASHES[:9], 0, HEIGHT, WIDTH)
    assert (drawn.box == [0, 0, HEIGHT, WIDTH]).all()
    assert (drawn.color == 1).all() and not drawn.flip.any()


def test_count_recycles_views() -> None:
    assert [Views(count=3).number(epoch) for epoch in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert [Views().number(epoch) for epoch in range(4)] == [0, 1, 2, 3]


def test_partners_are_a_permutation_of_the_set_known_by_its_content() -> None:
    hashes = HASHES[:200]
    found = partners(7, hashes, 2)
    assert sorted(found) == list(range(200))
    shuffled = np.random.default_rng(3).permutation(200)
    otherwise = partners(7, hashes[shuffled], 2)
    pairs = dict(zip(hashes.tolist(), hashes[found].tolist(), strict=True))
    assert pairs == dict(zip(hashes[shuffled].tolist(), hashes[shuffled][otherwise].tolist(), strict=True))
    assert not np.array_equal(found, partners(7, hashes, 3))
    assert not np.array_equal(found, partners(8, hashes, 2))


def test_mixing_weights_are_uniform_up_to_the_largest() -> None:
    weights = mixing_weights(Views(mixup=0.4), 0, HASHES, 0)
    assert weights.dtype == np.float32 and weights.min() > 0 and 0.399 < weights.max() <= 0.4
    assert all(as_expected(int((weights < 0.4 * share).sum()), len(HASHES), share) for share in (0.1, 0.5, 0.9))


def test_patches_cover_a_uniform_share_at_a_uniform_place() -> None:
    found = patches(Views(cutmix=0.6), 0, HASHES, 0)
    assert found.dtype == np.float32
    top, left, height, width = found.T.astype(np.float64)
    assert np.array_equal(height, width) and min(top.min(), left.min()) >= 0
    assert max((top + height).max(), (left + width).max()) <= 1 + 1e-6
    area = height * width
    assert area.min() > 0 and 0.599 < area.max() <= 0.6 + 1e-6
    for share in (0.1, 0.5, 0.9):
        halves = [area < 0.6 * share, top < (1 - height) * share, left < (1 - width) * share]
        assert all(as_expected(int(half.sum()), len(HASHES), share) for half in halves)
        for one, other in ((0, 1), (0, 2), (1, 2)):
            chosen = halves[one]
            assert as_expected(int(halves[other][chosen].sum()), int(chosen.sum()), share)


def test_a_patch_is_a_views_own() -> None:
    views = Views(cutmix=1.0)
    together = patches(views, 9, HASHES[:100], 3)
    chosen = np.array([5, 80, 5])
    assert np.array_equal(patches(views, 9, HASHES[chosen], 3), together[chosen])
    for seed, view in ((9, 4), (10, 3)):
        assert (patches(views, seed, HASHES[:100], view) != together).all()
    crops, colours = (words(9, HASHES[:100], 3, purpose) for purpose in (Purpose.GEOMETRY, Purpose.COLOR))
    own = words(9, HASHES[:100], 3, Purpose.PATCH)
    assert (own != crops).all() and (own != colours).all()


def test_the_patches_of_a_million_views_are_the_same_everywhere() -> None:
    hashes = np.arange(1, 100_001, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    digest = hashlib.sha256()
    for view in range(10):
        digest.update(patches(Views(cutmix=0.7), 2**40 + 7, hashes, view).astype("<f4").tobytes())
    assert digest.hexdigest() == "7d7eff69db55d4d5f336478b5bd6d685e70b09343b960d1042db204f1daa3fdf"


def test_a_view_is_mixed_in_one_way() -> None:
    assert not Views().mixes and Views(mixup=0.1).mixes and Views(cutmix=0.1).mixes
    with pytest.raises(DistillError, match=r"views\.mixup is 0\.2 and views\.cutmix 0\.5: .* Set one to 0"):
        Views(mixup=0.2, cutmix=0.5)


@pytest.mark.parametrize(
    "keys",
    [
        {"scale": (0.0, 1.0)},
        {"scale": (0.8, 0.7)},
        {"scale": (0.5, 1.1)},
        {"ratio": 0.9},
        {"flip": 1.1},
        {"brightness": -0.1},
        {"contrast": 1.5},
        {"saturation": float("nan")},
        {"mixup": 0.6},
        {"cutmix": 1.1},
        {"count": 0},
    ],
)
def test_impossible_views_are_refused_by_key(keys: dict[str, Any]) -> None:
    with pytest.raises(DistillError, match=rf"views\.{next(iter(keys))} is .*, expected"):
        Views(**keys)
