"""The hardest pairs against a sorted list of every pair, whatever the blocks, ties included."""

from itertools import combinations

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation import hardest
from distill.evaluation.hardest import hardest_listed, hardest_pairs


def signs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """40 embeddings of 16 entries +-1, whose cosines are exact eighths full of ties, and their people."""
    generator = np.random.default_rng(seed)
    return generator.choice([-1.0, 1.0], (40, 16)), generator.integers(0, 7, 40) * 10


def plain(embeddings: np.ndarray, identities: np.ndarray, each: int) -> list[tuple[float, int, int]]:
    rows, people = embeddings.tolist(), identities.tolist()
    pairs = [
        (sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) / 16, i, j)
        for i, j in combinations(range(len(rows)), 2)
    ]
    genuine = sorted(pair for pair in pairs if people[pair[1]] == people[pair[2]])
    impostors = sorted((-cosine, i, j) for cosine, i, j in pairs if people[i] != people[j])
    return genuine[:each] + [(-cost, i, j) for cost, i, j in impostors[:each]]


@pytest.mark.parametrize("block", [1, 37, 200, hardest.BLOCK])
@pytest.mark.parametrize("each", [1, 12, 10_000])
@pytest.mark.parametrize("seed", range(3))
def test_equals_a_sorted_list_whatever_the_blocks(
    monkeypatch: pytest.MonkeyPatch, block: int, each: int, seed: int
) -> None:
    monkeypatch.setattr(hardest, "BLOCK", block)
    embeddings, identities = signs(seed)
    found = hardest_pairs(embeddings * 5, identities, each)
    expected = plain(embeddings, identities, each)
    assert list(zip(found.scores.tolist(), found.first.tolist(), found.second.tolist(), strict=True)) == expected
    assert found.same.tolist() == [bool(identities[i] == identities[j]) for _, i, j in expected]


def test_a_set_without_genuine_pairs_has_impostors_only() -> None:
    found = hardest_pairs(np.eye(3), np.arange(3), 2)
    assert (found.first.tolist(), found.second.tolist(), found.same.tolist()) == ([0, 0], [1, 2], [False, False])


def test_the_matrix_is_never_held(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    monkeypatch.setattr(hardest, "BLOCK", 2**14)
    generator = np.random.default_rng(0)
    embeddings, identities = generator.normal(size=(2000, 8)).astype(np.float32), generator.integers(0, 500, 2000)
    tracemalloc.start()
    hardest_pairs(embeddings, identities, 10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2000 * 2000 * 4 / 4


def test_listed_pairs_are_found_by_kind() -> None:
    scores = np.array([0.9, 0.1, 0.8, 0.1, 0.3, 0.8, 0.2])
    same = np.array([True, True, False, True, False, False, True])
    assert hardest_listed(scores, same, 2).tolist() == [1, 3, 2, 5]
    assert hardest_listed(scores, same, 9).tolist() == [1, 3, 6, 0, 2, 5, 4]
    alike = np.arange(60) % 3 == 0  # of equal ones those listed first, however many
    assert hardest_listed(np.full(60, 0.5), alike, 4).tolist() == [0, 3, 6, 9, 1, 2, 4, 5]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DistillError, match="0 of each kind"):
        hardest_pairs(np.eye(3), np.arange(3), 0)
    with pytest.raises(DistillError, match="one score and one bool"):
        hardest_listed(np.zeros(3), np.zeros(3), 1)
    with pytest.raises(DistillError, match="zero vector"):
        hardest_pairs(np.zeros((2, 3)), np.arange(2), 1)
