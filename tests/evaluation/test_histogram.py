"""Histograms against numpy's own of the scores themselves, with scores upon and beyond the edges."""

import json

import numpy as np
import pytest

from distill.evaluation.all_pairs import evaluate_all_pairs
from distill.evaluation.histogram import cosine_histogram
from distill.evaluation.roc import roc


@pytest.mark.parametrize(("low", "high"), [(-8, 8), (-3, 2), (5, 8), (-8, -8)])
@pytest.mark.parametrize("seed", range(3))
def test_counts_equal_numpys_with_scores_upon_edges(seed: int, low: int, high: int) -> None:
    generator = np.random.default_rng(seed)
    # eighths: exact, and all lie upon an edge, of the whole range or of a part
    genuine, impostors = (generator.integers(low, high, size, endpoint=True) / 8 for size in (300, 5000))
    found = cosine_histogram(roc(genuine, impostors), bins=16)
    for scores, counts in ((genuine, found.genuine), (impostors, found.impostor)):
        expected, edges = np.histogram(scores, 16, range=(-1, 1))
        np.testing.assert_array_equal(counts, expected)
        np.testing.assert_array_equal(found.edges, edges)


def test_what_rounding_carried_beyond_the_edges_is_counted() -> None:
    found = cosine_histogram(roc(np.array([1 + 1e-7, 0.6]), np.array([-1 - 1e-7, -0.6, -0.1])), bins=4)
    assert (found.genuine.tolist(), found.impostor.tolist()) == ([0, 0, 0, 2], [2, 1, 0, 0])


def test_every_pair_of_all_pairs_is_in_a_bin() -> None:
    generator = np.random.default_rng(1)
    identities = generator.integers(0, 9, 60)
    embeddings = np.repeat(generator.normal(size=(30, 16)), 2, axis=0)  # each twice, so that cosines of 1 occur
    curve = evaluate_all_pairs(embeddings, identities, fars=(), seed=0, resamples=2).roc
    found = cosine_histogram(curve)
    assert len(found.edges) == 81
    assert min(found.genuine.min(), found.impostor.min()) >= 0
    assert (found.genuine.sum(), found.impostor.sum()) == (curve.genuine, curve.impostors)
    assert found.genuine.sum() + found.impostor.sum() == 60 * 59 // 2


def test_is_plain_json() -> None:
    found = cosine_histogram(roc(np.array([0.5, 1.0]), np.array([-0.5])), bins=2)
    assert json.loads(json.dumps(found.to_dict())) == {"edges": [-1, 0, 1], "genuine": [0, 2], "impostor": [1, 0]}
