"""Ranks of random galleries against plain Python; ties, own pictures, other models, refusals.

Embeddings of 16 entries +-1 have cosines that are multiples of 1/8, exact in any arithmetic and full of ties.
"""

import json
from typing import Any

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.identification import evaluate_identification

RANKS = (1, 2, 3)


def signs(generator: np.random.Generator, people: int, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    identities = generator.permutation(np.concatenate((np.arange(people), generator.integers(0, people, pictures))))
    person = np.random.default_rng(99).choice([-1.0, 1.0], (people, 16))
    flips = generator.choice([1.0, -1.0], (len(identities), 16), p=(0.7, 0.3))
    return (person[identities] * flips).astype(np.float32), identities


def plain_ranks(probes: np.ndarray, gallery: np.ndarray, identities: np.ndarray) -> list[int]:
    """Of each picture whose person is shown by another, the rank of that person among the other pictures."""
    ranks = []
    listed = list(zip(gallery.tolist(), identities.tolist(), strict=True))
    for i, (probe, person) in enumerate(zip(probes.tolist(), identities.tolist(), strict=True)):
        scored = [
            (sum(a * b for a, b in zip(probe, row, strict=True)) / 16, other)
            for j, (row, other) in enumerate(listed)
            if i != j
        ]
        own = [score for score, other in scored if other == person]
        if own:
            ranks.append(1 + len({other for score, other in scored if other != person and score >= max(own)}))
    return ranks


@pytest.mark.parametrize("start", range(0, 1000, 200))
def test_equals_plain_python_on_random_galleries(start: int) -> None:
    measured = 0
    for seed in range(start, start + 200):
        generator = np.random.default_rng(seed)
        gallery, identities = signs(generator, people=6, pictures=int(generator.integers(1, 12)))
        probes = gallery
        if seed % 2:  # every second time by another model, to which a picture is not most alike to itself
            probes = gallery * generator.choice([1, -1], gallery.shape, p=(0.8, 0.2)).astype(np.float32)
        expected = plain_ranks(probes, gallery, identities)
        scores = evaluate_identification(probes * 3, gallery / 2, identities, ranks=RANKS)
        assert (scores.mated, scores.unmated) == (len(expected), len(gallery) - len(expected))
        assert scores.rank == {k: np.mean([rank <= k for rank in expected]) for k in RANKS}
        assert scores.curve.tolist() == list(scores.rank.values())
        measured += scores.rank[1] < scores.rank[3]
    assert measured > 50


def test_a_person_of_many_pictures_hides_nobody() -> None:
    # 300 pictures of person 0 are nearer to two of the last four than their own, and count as one person
    crowd = np.tile([1.0, 0.1], (300, 1))
    pictures = np.concatenate((crowd, [[1.0, 0.3], [0.5, 0.9]] * 2)).astype(np.float32)
    identities = np.array([0] * 300 + [1, 2, 2, 1])
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    assert plain_ranks(pictures, pictures, identities)[300:] == [3, 2, 3, 2]
    ranked = evaluate_identification(pictures, pictures, identities, ranks=(1, 2, 3)).rank
    assert ranked == {1: 300 / 304, 2: 302 / 304, 3: 1.0}


def test_a_probe_does_not_find_itself() -> None:
    pictures = np.random.default_rng(0).normal(size=(30, 16)).astype(np.float32)  # nothing in common within a person
    assert evaluate_identification(pictures, pictures, np.arange(30) // 2, ranks=(1,)).rank[1] < 0.3


def test_a_person_of_one_picture_has_no_mate_among_the_others() -> None:
    pictures, identities = signs(np.random.default_rng(0), people=5, pictures=0)
    pictures, identities = np.concatenate((pictures, pictures[:2])), np.concatenate((identities, identities[:2]))
    scores = evaluate_identification(pictures, pictures, identities, ranks=(1,))
    assert (scores.mated, scores.unmated) == (4, 3)


def test_a_student_in_the_gallery_of_its_teacher() -> None:
    generator = np.random.default_rng(0)
    identities = np.repeat(np.arange(20), 2)
    teacher = generator.normal(size=(20, 32))[identities] + 0.2 * generator.normal(size=(40, 32))
    student = teacher + 0.2 * generator.normal(size=(40, 32))
    turned = student @ np.linalg.qr(generator.normal(size=(32, 32))).Q

    def rank_1(probes: np.ndarray) -> float:
        return evaluate_identification(probes, teacher, identities, ranks=(1,)).rank[1]

    assert rank_1(student) == 1
    assert rank_1(turned) < 0.3  # as good among themselves, but of another space


def test_hnsw_above_its_limit_finds_nearly_all_and_says_so() -> None:
    generator = np.random.default_rng(0)
    identities = np.repeat(np.arange(400), 2)
    pictures = generator.normal(size=(400, 32))[identities] + 0.7 * generator.normal(size=(800, 32))
    exact, graph, at_limit = (
        evaluate_identification(pictures, pictures, identities, ranks=(1, 5), flat_limit=limit)
        for limit in (1_000_000, 799, 800)
    )
    assert (exact.index, graph.index, at_limit.index) == ("flat", "hnsw", "flat")
    assert 0.5 < exact.rank[1] < 1
    assert graph.rank[1] == pytest.approx(exact.rank[1], abs=0.01)
    assert graph.rank[5] == pytest.approx(exact.rank[5], abs=0.01)


def test_to_dict_is_json_with_counts_and_intervals() -> None:
    pictures, identities = signs(np.random.default_rng(1), 6, 10)
    scores = evaluate_identification(pictures, pictures, identities, ranks=RANKS)
    content = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert list(content["metrics"]) == ["rank1", "rank2", "rank3"]
    for name, (low, high) in content["intervals"].items():
        assert low <= content["metrics"][name] <= high
    assert content["counts"]["mated"] + content["counts"]["unmated"] == content["counts"]["gallery_pictures"] == 16
    assert content["counts"]["gallery_people"] == 6
    assert content["index"] == "flat" and content["rank_curve"] == list(content["metrics"].values())


def case(**changed: Any) -> dict[str, Any]:
    pictures, identities = signs(np.random.default_rng(2), 6, 6)
    return {"probes": pictures, "gallery": pictures, "identities": identities, "ranks": (1,), **changed}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gallery": np.ones((12, 8), np.float32)}, r"probes have embeddings \(12, 16\).*gallery.*\(12, 8\)"),
        ({"gallery": np.zeros((12, 16), np.float32)}, "model of the gallery gave the zero vector"),
        ({"probes": np.full((12, 16), np.nan, np.float32)}, "model of the probes gave NaN or infinity for 12 of 12"),
        ({"probes": np.zeros((0, 16), np.float32)}, "probes have identities"),
        ({"gallery": np.ones((11, 16), np.float32)}, "gallery pictures have identities"),
        ({"ranks": (1, 7)}, "ranks asks for k = 7, but the gallery has 6 people"),
        ({"ranks": (0,)}, "k = 0"),
        ({"ranks": ()}, "no rank is asked for"),
        ({"identities": np.arange(12) + 100}, "none of the 12 probes shows a person of whom the gallery has another"),
        ({"identities": np.arange(12) - 1}, "1 of 12 probes have no identity"),
        ({"identities": np.arange(11)}, "probes have identities"),
    ],
)
def test_searches_that_say_nothing_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DistillError, match=message):
        evaluate_identification(**case(**changed))
