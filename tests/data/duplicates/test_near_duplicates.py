"""Copies of pictures are found however they were treated, and nothing else is."""

import io
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from distill.data.duplicates import near_duplicates as near_duplicates_module
from distill.data.duplicates.near_duplicates import (
    CORRELATION,
    RADIUS,
    near_duplicates,
    perceptual_hash,
    small,
    small_duplicates,
)
from distill.data.prepared.alignment import Alignment
from distill.data.prepared.decode import decode
from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.celeba import CelebA
from distill.data.sources.people import People
from distill.preprocess.preprocess import fit

KERNELS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX)


def photographs(count: int, seed: int, size: int = 96) -> np.ndarray:
    """Pictures with detail at every scale, coarse most of it: noise of several sizes, laid over each other."""
    random = np.random.default_rng(seed)
    total = np.zeros((count, size, size, 3))
    for cells in (3, 6, 12, 24, 48):
        noise = random.integers(0, 256, (count, cells, cells, 3), dtype=np.uint8)
        total += np.stack([fit(one, size, size) for one in noise]) / math.sqrt(cells)
    low, high = total.min(axis=(1, 2, 3), keepdims=True), total.max(axis=(1, 2, 3), keepdims=True)
    return ((total - low) / (high - low) * 255).astype(np.uint8)


def copied(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Resized to 0.5 to 2 times the size, perhaps mirrored, and stored as JPEG of quality 40 to 95."""
    size = round(len(picture) * random.uniform(0.5, 2))
    image = Image.fromarray(picture).resize((size, size), KERNELS[random.integers(len(KERNELS))])
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(random.integers(40, 96)))
    return decode(file.getvalue(), "copy")


def test_copies_are_found_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    first, second = photographs(150, seed=1), photographs(120, seed=2)
    planted = {(7 * n, 3 * n) for n in range(20)}
    second = np.stack([fit(one, 64, 64) for one in second])
    for place, position in planted:
        second[position] = fit(copied(first[place], random), 64, 64)
    found = near_duplicates(first, second)
    assert found.dtype == np.int64 and {tuple(pair) for pair in found.tolist()} == planted
    assert found.tolist() == sorted(found.tolist())
    assert {tuple(pair) for pair in near_duplicates(second, first).tolist()} == {(b, a) for a, b in planted}


def test_pairs_come_with_what_they_were_found_by() -> None:
    first = photographs(30, seed=8)
    mirrored = np.arange(30) % 3 == 0
    noise = np.random.default_rng(0).integers(-9, 10, first.shape)
    second = np.where(mirrored[:, None, None, None], first[:, :, ::-1], first).astype(int) + noise
    one, other = small(first), small(second.clip(0, 255).astype(np.uint8))
    found = small_duplicates(one, other)
    assert found.pairs.tolist() == [[n, n] for n in range(30)] and np.array_equal(found.mirrored, mirrored)
    for n, correlation in enumerate(found.correlations):
        straight = other[n, :, ::-1] if mirrored[n] else other[n]
        assert correlation == pytest.approx(np.corrcoef(one[n].ravel(), straight.ravel())[0, 1], abs=1e-12)
    even = np.maximum(one, one[:, :, ::-1])
    assert not small_duplicates(even, even).mirrored.any(), "its own mirror image counts once, as it is"


def test_candidates_are_those_that_counting_bits_finds() -> None:
    """Hashes of random pictures and of copies with a few bits turned, around the radius."""
    random = np.random.default_rng(0)
    waves = random.normal(size=(400, 8, 8))
    turned = np.where(random.random((400, 8, 8)) < RADIUS / 64, -waves, waves)
    places = np.cos(np.arange(1, 9)[:, None] * (2 * np.arange(32) + 1) * math.pi / 64)
    one, other = (
        (127.5 + 120 * grey / np.abs(grey).max(axis=(1, 2), keepdims=True)).round().astype(np.uint8)
        for grey in (np.einsum("nuv,uy,vx->nyx", amplitudes, places, places) for amplitudes in (waves, turned))
    )
    hashes, others = perceptual_hash(one), perceptual_hash(other)
    expected = [
        [a, b] for a in range(400) for b in range(400) if (int(hashes[a]) ^ int(others[b])).bit_count() <= RADIUS
    ]
    assert 100 < len(expected) < 300
    found = np.concatenate(list(near_duplicates_module._candidates(hashes, others)))
    assert sorted(found.tolist()) == expected


def test_a_small_picture_is_the_grey_one_of_pil() -> None:
    pictures = photographs(3, seed=3)
    for picture, found in zip(pictures, small(pictures), strict=True):
        expected = Image.fromarray(picture).resize((32, 32), Image.Resampling.BILINEAR).convert("L")
        assert np.abs(np.asarray(expected).astype(int) - found).max() <= 2


def test_the_hash_is_that_of_plain_python() -> None:
    grey = small(photographs(1, seed=4))
    bits = 0
    for down in range(1, 9):
        for across in range(1, 9):
            coefficient = sum(
                float(grey[0, y, x])
                * math.cos(math.pi * (2 * y + 1) * down / 64)
                * math.cos(math.pi * (2 * x + 1) * across / 64)
                for y in range(32)
                for x in range(32)
            )
            bits |= (coefficient > 0) << (8 * (down - 1) + across - 1)
    assert int(perceptual_hash(grey)[0]) == bits


def test_a_mirrored_picture_is_found_by_its_own_hash() -> None:
    pictures = photographs(40, seed=5)
    found = near_duplicates(pictures, np.ascontiguousarray(pictures[:, :, ::-1]))
    assert found.tolist() == [[n, n] for n in range(40)]


def test_neither_check_is_enough_alone() -> None:
    """Waves of the same signs and other strengths share the hash; one strong wave in both makes them correlate."""
    random = np.random.default_rng(6)
    places = (2 * np.arange(32) + 1) * math.pi / 64
    waves = np.cos(np.arange(1, 9)[:, None] * places)

    def picture(amplitudes: np.ndarray) -> np.ndarray:
        grey = np.einsum("uv,uy,vx->yx", amplitudes, waves, waves)
        return np.repeat((127.5 + 120 * grey / np.abs(grey).max()).round().astype(np.uint8)[None, ..., None], 3, axis=3)

    signs = np.sign(random.normal(size=(8, 8)))
    one, other = picture(signs * random.exponential(size=(8, 8))), picture(signs * random.exponential(size=(8, 8)))
    assert np.bitwise_count(perceptual_hash(small(one)) ^ perceptual_hash(small(other)))[0] <= RADIUS
    assert len(near_duplicates(one, other)) == 0
    strong = np.zeros((8, 8))
    strong[0, 0] = 200
    weak = random.normal(size=(8, 8))
    one, other = picture(strong + weak), picture(strong - weak)
    assert np.corrcoef(small(one).ravel(), small(other).ravel())[0, 1] > CORRELATION
    assert len(near_duplicates(one, other)) == 0
    assert near_duplicates(one, one).tolist() == [[0, 0]]


@pytest.mark.parametrize(("correlation", "is_copy"), [(0.96, False), (0.965, False), (0.975, True), (0.98, True)])
def test_copies_correlate_more_than_the_faces_of_two_people(correlation: float, is_copy: bool) -> None:
    """0.98 is the worst of copies, 0.96 the closest of two people; the hash, blind to fine waves, finds all alike."""
    random = np.random.default_rng(7)
    places = (2 * np.arange(32) + 1) * math.pi / 64
    coarse = np.cos(np.arange(1, 9)[:, None] * places)
    face = np.einsum("uv,uy,vx->yx", random.choice([-1.0, 1.0], (8, 8)), coarse, coarse)
    detail = np.outer(np.cos(20 * places), np.cos(20 * places))
    # orthogonal to the face, so that the correlation is 1 / sqrt(1 + its squared length)
    detail *= np.linalg.norm(face) / np.linalg.norm(detail) * math.sqrt(1 / correlation**2 - 1)
    scale = 120 / (np.abs(face) + np.abs(detail)).max()
    one, other = ((127.5 + scale * grey).round().astype(np.uint8)[None] for grey in (face, face + detail))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] == pytest.approx(correlation, abs=1e-3)
    assert perceptual_hash(one) == perceptual_hash(other)
    assert len(small_duplicates(one, other).pairs) == is_copy


def test_pictures_of_one_colour_are_nobodys_copies() -> None:
    flat = np.stack([np.full((40, 40, 3), level, np.uint8) for level in (0, 128, 255)])
    assert len(near_duplicates(flat, flat)) == 0
    assert near_duplicates(flat[:0], flat).shape == near_duplicates(flat, flat[:0]).shape == (0, 2)


@pytest.mark.real_data
def test_photographs(tmp_path: Path) -> None:
    """A copy of each photograph is found; of CelebA's pairs with LFW the hash lets 1 in 10,000 pass, and both none."""
    torch.set_num_threads(1)
    root, random = Path(os.environ["DISTILL_REAL_DATA"]), np.random.default_rng(0)
    celeba = prepare(CelebA(root=root / "celeba"), tmp_path / "a", Frame(112, 112, align=Alignment("celeba")))
    lfw = prepare(People(root=root / "lfw" / "images"), tmp_path / "b", Frame(112, 112))
    stars, people = (one.pictures.gather(np.arange(len(one))) for one in (celeba, lfw))
    assert len(near_duplicates(stars, people)) == 0
    hashes, others = perceptual_hash(small(stars)), perceptual_hash(small(people))
    close = sum(int((np.bitwise_count(one ^ others) <= RADIUS).sum()) for one in hashes)
    assert close / (len(hashes) * len(others)) < 1e-4
    copies = np.stack([fit(copied(one, random), 112, 112) for one in people])
    found = near_duplicates(people, copies)
    assert {(n, n) for n in range(len(lfw))} <= {tuple(pair) for pair in found.tolist()}
