"""Philox4x32-10, the counter-based generator behind every random choice in training.

A counter-based generator has no state: the word for (seed, picture, view, purpose) is computed directly, so the same
view comes out in any worker, on any rank and after any resume. Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011. numpy's own Philox is a stateful 4x64 stream and cannot be evaluated at many counters at once.
"""

from enum import IntEnum

import numpy as np

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)
_BLOCK = 2**16  # pictures whose words are computed at a time: no more memory than their order takes


class Purpose(IntEnum):
    """What a word is drawn for; each purpose has words of its own, so adding one leaves the others as they are."""

    GEOMETRY = 0
    COLOR = 1
    MIXING = 2
    ORDER = 3
    PARTNER = 4
    PATCH = 5
    ZOOM = 6
    OBJECT = 7


def philox4x32(counter: np.ndarray, key: np.ndarray, rounds: int = 10) -> np.ndarray:
    """Encrypt counters.

    Args:
        counter: uint32 (..., 4).
        key: uint32 (2,).

    Returns:
        uint32 (..., 4), each word uniform on 0..2^32 - 1.
    """
    c0, c1, c2, c3 = (counter[..., i].astype(np.uint64) for i in range(4))
    k0, k1 = np.uint32(key[0]), np.uint32(key[1])
    with np.errstate(over="ignore"):
        for _ in range(rounds):
            p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
            c0, c1, c2, c3 = (p1 >> _HIGH) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HIGH) ^ c3 ^ k1, p0 & _LOW
            k0, k1 = k0 + _WEYL[0], k1 + _WEYL[1]
    return np.stack([c0, c1, c2, c3], axis=-1).astype(np.uint32)


def words(seed: int, hashes: np.ndarray, view: int, purpose: Purpose) -> np.ndarray:
    """Four words for each picture.

    Args:
        seed: 0 <= seed < 2^64.
        hashes: uint64 (N,) content hashes.
        view: view number, or the epoch for `Purpose.ORDER`.

    Returns:
        uint32 (N, 4).
    """
    counter = np.empty((len(hashes), 4), dtype=np.uint32)
    counter[:, 0] = hashes & _LOW
    counter[:, 1] = hashes >> _HIGH
    counter[:, 2] = view
    counter[:, 3] = purpose
    return philox4x32(counter, np.array([seed & 0xFFFFFFFF, seed >> 32], dtype=np.uint32))


def uniform(raw: np.ndarray) -> np.ndarray:
    """uint32 words to float64 in the open interval (0, 1): (word + 1/2) / 2^32, exact in double precision."""
    return (raw.astype(np.float64) + 0.5) * 2.0**-32


def permutation(seed: int, hashes: np.ndarray, view: int, purpose: Purpose) -> np.ndarray:
    """A random order of pictures that depends on their content, not on the order they are listed in.

    Returns:
        int64 (N,): positions into ``hashes``.
    """
    keys = np.empty(len(hashes), np.uint64)
    for start in range(0, len(keys), _BLOCK):
        raw = words(seed, hashes[start : start + _BLOCK], view, purpose).astype(np.uint64)
        keys[start : start + _BLOCK] = raw[:, 0] << _HIGH | raw[:, 1]
    order = np.argsort(keys)
    # Ties of the 64-bit word are broken by the hash, which is unique within a prepared set. They are rare (one order of
    # a million in 37 million has any), and to sort by both at once takes three times as long.
    ordered = keys[order]
    return np.lexsort((hashes, keys)) if (ordered[1:] == ordered[:-1]).any() else order
