"""All pairs of small sets against a double loop, whatever the blocks; and what is refused.

Embeddings of 16 entries +-1 have cosines that are multiples of 1/8, exact in any arithmetic and full of ties.
"""

import json
from itertools import combinations

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation import all_pairs
from distill.evaluation.all_pairs import compare_all_pairs, evaluate_all_pairs
from distill.evaluation.roc import roc


def signs(seed: int, people: int = 7, pictures: int = 40, dimensions: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings +-1 that agree within a person, and identities in no order, with gaps between their numbers."""
    generator = np.random.default_rng(seed)
    identities = generator.integers(0, people, pictures)
    person = generator.choice([-1.0, 1.0], (people, dimensions))
    flips = generator.choice([1.0, -1.0], (pictures, dimensions), p=(0.75, 0.25))
    return (person[identities] * flips).astype(np.float32), identities * 10 + 3


def plain_scores(embeddings: np.ndarray, identities: np.ndarray) -> tuple[list[float], list[float]]:
    rows, people = embeddings.tolist(), identities.tolist()
    genuine: list[float] = []
    impostors: list[float] = []
    for i, j in combinations(range(len(rows)), 2):
        cosine = sum(a * b for a, b in zip(rows[i], rows[j], strict=True)) / len(rows[i])
        (genuine if people[i] == people[j] else impostors).append(cosine)
    return genuine, impostors


@pytest.mark.parametrize("block", [1, 37, 200, all_pairs.BLOCK])
@pytest.mark.parametrize("seed", range(3))
def test_equals_a_double_loop_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch, block: int, seed: int) -> None:
    monkeypatch.setattr(all_pairs, "BLOCK", block)
    embeddings, identities = signs(seed)
    genuine, impostors = plain_scores(embeddings, identities)
    expected = roc(np.array(genuine, np.float32), np.array(impostors, np.float32))
    found = evaluate_all_pairs(embeddings * 5, identities, fars=(), seed=0, resamples=5)
    np.testing.assert_array_equal(found.roc.thresholds, expected.thresholds)
    np.testing.assert_array_equal(found.roc.false_accepts, expected.false_accepts)
    np.testing.assert_array_equal(found.roc.true_accepts, expected.true_accepts)
    assert (found.roc.genuine, found.roc.impostors) == (len(genuine), len(impostors))
    assert found.equal_error == expected.equal_error()
    assert (found.pictures, found.people) == (40, len(set(identities.tolist())))


def test_blocks_hold_every_score_and_no_more_than_was_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one person with its pictures alone, or with all: few at a time, in memory that does not grow with N^2."""
    embeddings, identities = signs(0, people=5, pictures=300)
    unit = embeddings[np.argsort(identities, kind="stable")] / 4
    _, sizes = np.unique(identities, return_counts=True)
    scores = unit.astype(np.float64) @ unit.T * all_pairs.STEPS + all_pairs.OFFSET  # multiples of a step
    for ends in (np.repeat(np.cumsum(sizes), sizes), np.full(300, 300)):
        monkeypatch.setattr(all_pairs, "BLOCK", 700)
        place = 0
        for rows, last, bins in all_pairs._blocks(unit, ends):
            assert rows.start == place and bins.size <= 700
            assert bins.base is not None and bins.base.size <= 700
            np.testing.assert_array_equal(bins, scores[place:last, place : ends[last - 1]])
            place = last
        assert place == 300


@pytest.mark.parametrize("seed", range(3))
def test_arbitrary_embeddings_equal_float64_to_the_step_and_stay_conservative(seed: int) -> None:
    generator = np.random.default_rng(seed)
    identities = generator.integers(0, 12, 90)
    embeddings = generator.normal(size=(12, 128))[identities] + generator.normal(size=(90, 128)) * 1.5
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    first, second = np.triu_indices(90, 1)
    cosines = (unit[first] * unit[second]).sum(axis=1)
    same = identities[first] == identities[second]
    exact = roc(cosines[same], cosines[~same])
    fars = (1e-3, 1e-2, 0.1)
    found = evaluate_all_pairs(embeddings, identities, fars=fars, seed=0, resamples=5)
    for far in fars:
        point = found.points[far]
        assert point.far <= far
        assert point.threshold == pytest.approx(exact.at_far(far).threshold, abs=4 * all_pairs.STEP)
        # what the threshold does to scores known to float64, give or take those within the rounding of fp32
        for margin, holds in ((4 * all_pairs.STEP, np.less_equal), (-4 * all_pairs.STEP, np.greater_equal)):
            assert holds(np.count_nonzero(cosines[~same] >= point.threshold + margin), point.false_accepts)
            assert holds(np.count_nonzero(cosines[same] >= point.threshold + margin), point.true_accepts)


def test_one_step_apart_is_told_apart() -> None:
    # cos(1e-3) and its neighbours one step below: the genuine pair just above the impostors
    angles = np.arccos(1 - np.array([0.0, 40.0, 44.0]) * all_pairs.STEP)
    embeddings = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    found = evaluate_all_pairs(embeddings, np.array([0, 0, 1]), fars=(), seed=0, resamples=2)
    assert found.roc.at_threshold(1 - 42 * all_pairs.STEP).true_accepts == 1


def test_scores_are_rounded_down_on_either_side_of_zero() -> None:
    # cosines half a step above and below 0
    embeddings = np.array([[1, 0], [0.5 * all_pairs.STEP, 1], [-0.5 * all_pairs.STEP, -1]])
    found = evaluate_all_pairs(embeddings, np.array([0, 1, 1]), fars=(), seed=0, resamples=2)
    assert found.roc.at_threshold(all_pairs.STEP).false_accepts == 0
    assert found.roc.at_threshold(0).false_accepts == 1
    assert found.roc.at_threshold(-all_pairs.STEP).false_accepts == 2


def test_vectors_of_one_direction_score_one_and_are_counted() -> None:
    # rounding may carry their cosine beyond 1
    row = np.random.default_rng(0).normal(size=(1, 512)).astype(np.float32)
    embeddings = np.concatenate((row * np.arange(1, 9)[:, None], -row))
    found = evaluate_all_pairs(embeddings, np.array([0] * 8 + [1]), fars=(), seed=0, resamples=2)
    assert found.roc.at_threshold(1 - 1e-5).true_accepts == found.roc.genuine == 28
    assert found.roc.at_threshold(-1 + 1e-5).false_accepts == 0
    assert found.roc.at_threshold(-1 - 1e-5).false_accepts == found.roc.impostors == 8


def test_the_interval_of_tar_is_over_people() -> None:
    embeddings, identities = signs(1)
    identities[0] = 999  # with one picture: no genuine pair, so it is never drawn
    found = evaluate_all_pairs(embeddings, identities, fars=(0.05,), seed=4, resamples=80).points[0.05]
    shares = []
    for person in np.unique(identities):
        genuine, _ = plain_scores(embeddings[identities == person], identities[identities == person])
        if genuine:
            shares.append((sum(score >= found.threshold for score in genuine), len(genuine)))
    draws = np.random.Generator(np.random.Philox(4)).integers(0, len(shares), size=(80, len(shares)))
    tars = [sum(shares[p][0] for p in draw) / sum(shares[p][1] for p in draw) for draw in draws]
    np.testing.assert_allclose(found.tar_interval, np.percentile(tars, (2.5, 97.5)), atol=1e-12)
    assert found.far_interval is None


def test_where_every_pair_is_accepted_people_are_the_cases_of_the_interval() -> None:
    axes = np.repeat(np.eye(6, dtype=np.float32), 3, axis=0)
    point = evaluate_all_pairs(axes, np.repeat(np.arange(6), 3), fars=(0.1,), seed=0, resamples=20).points[0.1]
    assert point.tar == 1 and point.tar_interval is not None
    assert 0.5 < point.tar_interval[0] < 0.7 and point.tar_interval[1] == 1  # 6 of 6


def test_where_no_pair_is_accepted_people_are_the_cases_as_well() -> None:
    """Each of six people looks one way on one picture and the other way on the next; of two people all are alike."""
    embeddings = np.tile([[1.0, 0.0], [-1.0, 0.0]], (6, 1))
    point = evaluate_all_pairs(embeddings, np.arange(12) // 2, fars=(0.1,), seed=0, resamples=20).points[0.1]
    assert (point.far, point.tar) == (0, 0)
    assert point.tar_interval == (0.0, pytest.approx(1.96**2 / (6 + 1.96**2), abs=1e-4))


def test_an_interval_is_of_a_thousand_draws() -> None:
    embeddings, identities = signs(0)
    assert evaluate_all_pairs(embeddings, identities, fars=(0.1,), seed=0).resampled.shape == (1000, 1)


def test_to_dict_is_json_with_counts() -> None:
    embeddings, identities = signs(0)
    content = json.loads(
        json.dumps(evaluate_all_pairs(embeddings, identities, fars=(0.1,), seed=0).to_dict(), allow_nan=False)
    )
    assert list(content["metrics"]) == ["eer", "tar@far=1e-1"]
    assert content["counts"]["pictures"] == 40
    assert content["counts"]["genuine"] + content["counts"]["impostors"] == 40 * 39 // 2


@pytest.mark.parametrize(
    ("identities", "fars", "message"),
    [
        (np.zeros(40, int), (), "and 0 impostor cases"),
        (np.arange(40), (), "0 genuine and 780 impostor cases"),
        (np.arange(40) // 2, (1e-3,), "FAR 0.001 cannot be measured on 760 impostor pairs"),
        (np.arange(40) // 2 - 1, (), "2 of 40 pictures have no identity"),
        (np.arange(39), (), "expected one whole number a picture"),
    ],
)
def test_sets_that_cannot_be_measured_are_refused(
    identities: np.ndarray, fars: tuple[float, ...], message: str
) -> None:
    with pytest.raises(DistillError, match=message):
        evaluate_all_pairs(signs(0)[0], identities, fars=fars, seed=0)


def test_a_single_picture_and_more_dimensions_than_rounding_allows_are_refused() -> None:
    with pytest.raises(DistillError, match="0 genuine and 0 impostor"):
        evaluate_all_pairs(np.ones((1, 4)), np.zeros(1, int), fars=(), seed=0)
    with pytest.raises(DistillError, match="4097 dimensions"):
        evaluate_all_pairs(np.ones((3, 4097)), np.zeros(3, int), fars=(), seed=0)
    assert evaluate_all_pairs(np.ones((3, 4096)), np.array([0, 0, 1]), fars=(), seed=0).roc.genuine == 1


def test_the_paired_difference_is_that_of_the_rates_and_its_interval_of_the_same_draws() -> None:
    embeddings, identities = signs(0)
    others, _ = signs(1)
    scored = [
        evaluate_all_pairs(one, identities, fars=[0.2, 0.1], seed=3, resamples=40) for one in (embeddings, others)
    ]
    found = compare_all_pairs(*scored, 0.1)
    assert found.difference == scored[0].points[0.1].tar - scored[1].points[0.1].tar
    draws = np.sort(scored[0].resampled[:, 1] - scored[1].resampled[:, 1])
    assert draws[0] <= found.interval[0] <= found.interval[1] <= draws[-1]
    assert compare_all_pairs(scored[0], scored[0], 0.1).interval == (0.0, 0.0)
    for people, seed, resamples in ((identities, 4, 40), (identities[::-1], 3, 40), (identities, 3, 41)):
        another = evaluate_all_pairs(others, people, fars=[0.2, 0.1], seed=seed, resamples=resamples)
        with pytest.raises(DistillError, match="paired difference needs the same"):
            compare_all_pairs(scored[0], another, 0.1)
    with pytest.raises(DistillError, match=r"FARs \(0\.3 must be one of both\)"):
        compare_all_pairs(*scored, 0.3)
