"""Philox4x32-10 against the published vectors and against plain Python."""

import numpy as np
import pytest

from distill.data.views import philox
from distill.data.views.philox import Purpose, permutation, philox4x32, uniform, words

MASK = 0xFFFFFFFF
# kat_vectors of Random123 1.14: counter, key, what comes out after ten rounds.
PUBLISHED = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def numbers(text: str) -> np.ndarray:
    return np.array([int(word, 16) for word in text.split()], dtype=np.uint32)


def plain(counter: list[int], key: list[int], rounds: int) -> list[int]:
    """Figure 2 of Salmon et al. in Python's own integers."""
    for _ in range(rounds):
        high0, low0 = divmod(counter[0] * 0xD2511F53, 2**32)
        high1, low1 = divmod(counter[2] * 0xCD9E8D57, 2**32)
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0]
        key = [(key[0] + 0x9E3779B9) & MASK, (key[1] + 0xBB67AE85) & MASK]
    return counter


@pytest.mark.parametrize(("counter", "key", "expected"), PUBLISHED)
def test_published_vectors(counter: str, key: str, expected: str) -> None:
    assert np.array_equal(philox4x32(numbers(counter), numbers(key)), numbers(expected))


@pytest.mark.parametrize("rounds", [1, 2, 10])
def test_equals_plain_python_for_many_counters_at_once(rounds: int) -> None:
    random = np.random.default_rng(0)
    counters = random.integers(0, 2**32, (2, 25, 4), dtype=np.uint32)
    key = random.integers(0, 2**32, 2, dtype=np.uint32)
    found = philox4x32(counters, key, rounds)
    assert found.dtype == np.uint32
    for block, row in np.ndindex(2, 25):
        assert found[block, row].tolist() == plain(counters[block, row].tolist(), key.tolist(), rounds)


def test_words_are_those_of_seed_content_view_and_purpose() -> None:
    hashes = np.array([0, 1, 2**32, 0xFEDCBA9876543210, 2**64 - 1], dtype=np.uint64)
    for seed in (0, 1, 2**32, 2**64 - 1):
        for view, purpose in ((0, Purpose.GEOMETRY), (7, Purpose.PARTNER)):
            found = words(seed, hashes, view, purpose)
            for row, content in enumerate(hashes.tolist()):
                counter = [content & MASK, content >> 32, view, int(purpose)]
                assert found[row].tolist() == plain(counter, [seed & MASK, seed >> 32], 10)


def test_uniform_is_open_at_both_ends_and_exact() -> None:
    found = uniform(np.array([0, 1, 2**31, 2**32 - 1], dtype=np.uint32))
    assert found.tolist() == [2**-33, 3 * 2**-33, 0.5 + 2**-33, 1 - 2**-33]
    assert found.min() > 0 and found.max() < 1


def test_an_order_depends_on_the_pictures_not_on_how_they_are_listed() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 50, dtype=np.uint64)
    listed_otherwise = hashes[np.random.default_rng(2).permutation(50)]
    order = permutation(3, hashes, 4, Purpose.ORDER)
    assert sorted(order) == list(range(50))
    assert np.array_equal(hashes[order], listed_otherwise[permutation(3, listed_otherwise, 4, Purpose.ORDER)])
    for seed, view, purpose in ((4, 4, Purpose.ORDER), (3, 5, Purpose.ORDER), (3, 4, Purpose.PARTNER)):
        assert not np.array_equal(order, permutation(seed, hashes, view, purpose))


def test_equal_words_are_ordered_by_content(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 300, dtype=np.uint64)
    drawn = words(3, hashes, 4, Purpose.ORDER) & np.uint32(3)  # of four values each, so that most come twice
    monkeypatch.setattr(philox, "words", lambda seed, some, *_: drawn[np.searchsorted(order, some)])
    order = np.sort(hashes)
    key = {int(h): (*drawn[np.searchsorted(order, h)][:2].tolist(), int(h)) for h in hashes}
    found = hashes[permutation(3, hashes, 4, Purpose.ORDER)]
    assert found.tolist() == sorted(map(int, hashes), key=key.__getitem__)


def test_a_long_order_is_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 100, dtype=np.uint64)
    whole = permutation(3, hashes, 4, Purpose.ORDER)
    monkeypatch.setattr(philox, "_BLOCK", 33)
    assert np.array_equal(permutation(3, hashes, 4, Purpose.ORDER), whole)


def test_every_picture_comes_first_equally_often() -> None:
    hashes = np.arange(5, dtype=np.uint64)
    first = [int(permutation(0, hashes, epoch, Purpose.ORDER)[0]) for epoch in range(2000)]
    deviation = (2000 * 0.2 * 0.8) ** 0.5
    assert all(abs(count - 400) < 5 * deviation for count in np.bincount(first, minlength=5))
