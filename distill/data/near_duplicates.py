"""The same photograph twice: resized, mirrored or compressed again, which no checksum of a file finds.

Two checks, both on the grey picture at 32 x 32. A perceptual hash of 64 bits finds candidates among all pairs fast:
the signs of the DCT's coefficients of 1 to 8 half waves across and down, so neither brightness nor contrast counts.
Aligned faces are alike in just those waves, so a candidate counts only where the two small pictures correlate.

Shapes: N pictures, M pairs, H W pixels.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch

from distill.data.pictures import Pictures
from distill.preprocess import Preprocess

RADIUS = 10
"""Bits in which two hashes may differ. Of planted copies the worst differs in 5 or 6; half of the bits is chance."""

CORRELATION = 0.98
"""Least correlation of two small pictures. Copies have 0.99 and more, the closest faces of two people below 0.97."""

_SIZE, _WAVES = 32, 8
_LUMA = (0.299, 0.587, 0.114)
_BATCH = 256  # pictures made small, and pairs compared, at a time
_BLOCK = 1 << 21  # pairs of hashes at a time: 16 MB


def near_duplicates(first: np.ndarray | Pictures, second: np.ndarray | Pictures) -> np.ndarray:
    """Which pictures of one set are in the other too, as they are or mirrored.

    A picture of one colour is nobody's duplicate.

    Args:
        first, second: uint8 (N, H, W, 3), RGB, or prepared pictures, which are gathered as needed; the sizes may
            differ.

    Returns:
        int64 (M, 2), an index into each, in ascending order.
    """
    one, other = small(first), small(second)
    hashes, others = perceptual_hash(one), perceptual_hash(other)
    straight = _close(hashes, others, one, other)
    mirrored = _close(hashes, others ^ _MIRROR, one, other[:, :, ::-1])
    return np.unique(np.concatenate([straight, mirrored]), axis=0)


def small(pictures: np.ndarray | Pictures) -> np.ndarray:
    """uint8 (N, H, W, 3) to grey uint8 (N, 32, 32)."""
    grey = np.empty((len(pictures), _SIZE, _SIZE), np.uint8)
    reduce, luma = Preprocess(_SIZE, _SIZE), torch.tensor(_LUMA).view(1, 3, 1, 1)
    for start in range(0, len(pictures), _BATCH):
        batch = torch.from_numpy(np.array(pictures[start : start + _BATCH]))
        grey[start : start + _BATCH] = (reduce.scale(batch) * luma).sum(dim=1).round().clamp(0, 255).numpy()
    return grey


def perceptual_hash(grey: np.ndarray) -> np.ndarray:
    """uint8 (N, 32, 32) to uint64 (N,): bit 8 u + v is the sign of the coefficient of u + 1 waves down, v + 1 across.

    A wave here is half of one: the DCT's k-th basis vector crosses zero k times.
    """
    signs = np.empty((len(grey), _WAVES * _WAVES), bool)
    for start in range(0, len(grey), _BATCH):
        part = grey[start : start + _BATCH].astype(np.float64)
        signs[start : start + _BATCH] = (_DCT @ part @ _DCT.T > 0).reshape(len(part), -1)
    return _packed(signs)


def _packed(signs: np.ndarray) -> np.ndarray:
    return np.packbits(signs, axis=1, bitorder="little").view("<u8")[:, 0]


_DCT = np.array(
    [
        [math.cos(math.pi * (2 * place + 1) * wave / (2 * _SIZE)) for place in range(_SIZE)]
        for wave in range(1, _WAVES + 1)
    ]
)
_MIRROR = _packed(np.tile(np.arange(1, _WAVES + 1) % 2 == 1, _WAVES)[None])[0]
"""Mirroring turns the sign of every odd wave across, so it flips these bits."""


def _close(hashes: np.ndarray, others: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """int64 (M, 2), the pairs that pass both checks."""
    kept = [np.empty((0, 2), np.int64)]
    for pairs in _candidates(hashes, others):
        for start in range(0, len(pairs), _BATCH):
            part = pairs[start : start + _BATCH]
            a, b = _normalized(one[part[:, 0]]), _normalized(other[part[:, 1]])
            kept.append(part[(a * b).sum(axis=1) >= CORRELATION])
    return np.concatenate(kept)


def _candidates(hashes: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    """int64 (M, 2), the pairs within `RADIUS`, a block of pairs at a time."""
    rows = max(1, _BLOCK // max(1, len(others)))
    for start in range(0, len(hashes), rows):
        distance = np.bitwise_count(hashes[start : start + rows, None] ^ others[None])
        row, column = np.nonzero(distance <= RADIUS)
        yield np.stack([row + start, column], axis=1)


def _normalized(grey: np.ndarray) -> np.ndarray:
    """uint8 (N, 32, 32) to float64 (N, 1024) of mean 0 and length 1, whose products are correlations; 0 where flat."""
    values = grey.reshape(len(grey), -1).astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, length, out=np.zeros_like(values), where=length > 0)
