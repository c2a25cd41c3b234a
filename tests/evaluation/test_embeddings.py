"""Unit vectors, cosines of pairs, flips, and the embeddings that are refused."""

import math

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.embeddings import check_identities, combine_flips, similarities, unit_embeddings


def embeddings(seed: int, count: int = 5, dimensions: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 3, (count, dimensions)).astype(np.float32)


def plain_cosine(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)


def test_similarities_are_cosines_pair_by_pair() -> None:
    first, second = embeddings(0), embeddings(1)
    found = similarities(first, second)
    assert found.tolist() == pytest.approx(
        [plain_cosine(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)], abs=1e-6
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_unit_embeddings_have_length_one_and_at_least_single_precision(dtype: type) -> None:
    unit = unit_embeddings(embeddings(0).astype(dtype))
    assert unit.dtype == (np.float64 if dtype == np.float64 else np.float32)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e25, 1e-25])
def test_lengths_whose_squares_fp32_does_not_hold_are_measured(scale: float) -> None:
    long, expected = unit_embeddings(embeddings(0) * np.float32(scale)), unit_embeddings(embeddings(0))
    np.testing.assert_allclose(long, expected, rtol=1e-6)


def test_cosines_are_summed_to_the_last_digit() -> None:
    first, second = embeddings(0, dimensions=512), embeddings(1, dimensions=512)
    units = (unit_embeddings(one).tolist() for one in (first, second))
    exact = [math.fsum(x * y for x, y in zip(a, b, strict=True)) for a, b in zip(*units, strict=True)]
    np.testing.assert_allclose(similarities(first, second), exact, rtol=0, atol=1e-14)


def test_flips_count_alike_whatever_their_length() -> None:
    first, second = embeddings(0), embeddings(1)
    for how in ("average", "concatenation"):
        joined = combine_flips(first, second, how)
        assert np.linalg.norm(joined, axis=1) == pytest.approx([1] * 5, abs=1e-6)
        np.testing.assert_allclose(combine_flips(7 * first, second, how), joined, atol=1e-6)


def test_concatenation_compares_picture_with_picture_and_mirror_with_mirror() -> None:
    a, b, a_mirror, b_mirror = (embeddings(seed) for seed in range(4))
    found = similarities(combine_flips(a, a_mirror, "concatenation"), combine_flips(b, b_mirror, "concatenation"))
    np.testing.assert_allclose(found, (similarities(a, b) + similarities(a_mirror, b_mirror)) / 2, atol=1e-6)


def test_the_average_stays_in_the_space_halfway_between_both() -> None:
    a, mirror = embeddings(0), embeddings(1)
    joined = combine_flips(a, mirror, "average")
    assert joined.shape == a.shape
    np.testing.assert_allclose(similarities(joined, a), similarities(joined, mirror), atol=1e-6)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.nan, "the teacher gave NaN or infinity for 2 of 5 pictures, the first is number 1"),
        (np.inf, "NaN or infinity for 2 of 5"),
        (0.0, "the teacher gave the zero vector.* for 2 of 5 pictures, the first is number 1"),
    ],
)
def test_embeddings_without_direction_are_refused_by_owner_and_count(value: float, message: str) -> None:
    wrong = embeddings(0)
    wrong[[1, 3]] = value
    with pytest.raises(DistillError, match=message):
        unit_embeddings(wrong, owner="the teacher")


def test_a_mirror_image_opposite_to_its_picture_has_no_average() -> None:
    with pytest.raises(DistillError, match="opposite on a picture and its mirror"):
        combine_flips(embeddings(0), -embeddings(0), "average")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((0, 4), np.float32), "has no embedding"),
        (np.zeros(4, np.float32), r"float32 \(4,\), expected float \(pictures, dimensions\)"),
        (np.zeros((2, 3, 4), np.float32), r"\(2, 3, 4\)"),
        (np.zeros((2, 0), np.float32), r"float32 \(2, 0\), expected float \(pictures, dimensions\)"),
        (np.ones((2, 4), np.uint8), "uint8"),
    ],
)
def test_what_is_no_embedding_is_refused(wrong: np.ndarray, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        unit_embeddings(wrong)


def test_spaces_of_different_dimensions_do_not_compare() -> None:
    with pytest.raises(DistillError, match=r"\(5, 4\).*\(5, 6\).*projection"):
        similarities(embeddings(0), embeddings(0, dimensions=6))
    with pytest.raises(DistillError, match="5 first and 4 second"):
        similarities(embeddings(0), embeddings(0)[:4])
    with pytest.raises(DistillError, match="mirror images"):
        combine_flips(embeddings(0), embeddings(0, dimensions=6), "concatenation")


def test_unknown_people_are_refused() -> None:
    check_identities(np.arange(5), embeddings(0), "pictures")
    with pytest.raises(DistillError, match=r"2 of 5 pictures have no identity"):
        check_identities(np.array([3, -1, 0, -1, 2]), embeddings(0), "pictures")
    with pytest.raises(DistillError, match=r"identities int64 \(4,\)"):
        check_identities(np.arange(4), embeddings(0), "pictures")
    with pytest.raises(DistillError, match="expected one whole number"):
        check_identities(np.arange(5.0), embeddings(0), "pictures")
