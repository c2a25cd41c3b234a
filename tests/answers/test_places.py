"""Guesses among many cells, against a search over all of them in plain Python."""

import math

import numpy as np

from distill.answers.places import Places
from distill.data.s2 import leaf_cells, parents, tokens
from distill.evaluation.great_circle import RADIUS

RADII = (1, 25, 200, 750, 2500)
SHAPE = (30, 160)  # pictures, cells


def earth() -> Places:
    """Cells around twenty towns, some of them less than a kilometre apart."""
    generator = np.random.default_rng(0)
    towns = np.stack([generator.uniform(-60, 70, 20), generator.uniform(-180, 180, 20)], axis=1)
    spread = 10 ** generator.uniform(-3, 1, (SHAPE[1], 1))
    places = towns[np.arange(SHAPE[1]) % 20] + spread * generator.normal(size=(SHAPE[1], 2))
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    names = tokens(parents(leaf_cells(places), 24))
    assert len(set(names)) == SHAPE[1]
    latitudes, longitudes = places.T.tolist()
    return Places(names, latitudes=tuple(latitudes), longitudes=tuple(longitudes), place="mode")


def distributions() -> np.ndarray:
    """float32 (N, C): sixty cells of each picture share all of it, so that no other is worth a look."""
    generator = np.random.default_rng(1)
    shares = generator.exponential(size=SHAPE) ** 2
    for row in shares:
        row[generator.permutation(SHAPE[1])[60:]] = 0
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def haversine(one: list[float], other: list[float]) -> float:
    (a, b), (c, d) = ((math.radians(value) for value in place) for place in (one, other))
    root = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * RADIUS * math.asin(math.sqrt(min(1.0, root)))


def test_a_mode_is_where_a_guess_is_expected_to_score_most() -> None:
    kind, shares = earth(), distributions()
    table = kind.table.tolist()
    apart = [[haversine(one, other) for other in table] for one in table]
    guesses = kind.guesses({"probabilities": shares})
    likeliest = shares.argmax(axis=1)
    assert 5 < (guesses.cells != likeliest).sum() < len(shares)
    for row, cell in zip(shares.tolist(), guesses.cells.tolist(), strict=True):
        expected = [
            sum(share * sum(apart[one][other] <= radius for radius in RADII) for other, share in enumerate(row))
            for one in range(len(table))
            if row[one] > 0
        ]
        own = sum(share * sum(apart[cell][other] <= radius for radius in RADII) for other, share in enumerate(row))
        assert own >= max(expected) - 1e-9
    np.testing.assert_array_equal(guesses.places, kind.table[guesses.cells])
    np.testing.assert_array_equal(guesses.probabilities, shares[np.arange(len(shares)), guesses.cells])


def test_a_mode_of_one_picture_is_that_of_a_batch() -> None:
    kind, shares = earth(), distributions()
    together = kind.guesses({"probabilities": shares})
    alone = [int(kind.guesses({"probabilities": row[None]}).cells[0]) for row in shares]
    assert alone == together.cells.tolist()
