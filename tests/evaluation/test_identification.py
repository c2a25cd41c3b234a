"""Ranks, recall and TPIR of random galleries against plain Python; ties, own pictures, other models, refusals.

Embeddings of 16 entries +-1 have cosines that are multiples of 1/8, exact in any arithmetic and full of ties.
"""

import json
from typing import Any

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.identification import evaluate_identification

RANKS, RECALLS = (1, 2, 3), (1, 2, 4)


def signs(generator: np.random.Generator, people: int, pictures: int) -> tuple[np.ndarray, np.ndarray]:
    identities = generator.permutation(np.concatenate((np.arange(people), generator.integers(0, people, pictures))))
    person = np.random.default_rng(99).choice([-1.0, 1.0], (people, 16))
    flips = generator.choice([1.0, -1.0], (len(identities), 16), p=(0.7, 0.3))
    return (person[identities] * flips).astype(np.float32), identities


def plain(
    probes: np.ndarray,
    probe_identities: np.ndarray,
    gallery: np.ndarray,
    gallery_identities: np.ndarray,
    same_pictures: bool,
) -> tuple[list[int], list[int], list[float], list[float]]:
    """Of mated probes: rank of the person, rank of a picture, score where first; of the others: the best score."""
    people_ranks, picture_ranks, firsts, unmated = [], [], [], []
    listed = list(zip(gallery.tolist(), gallery_identities.tolist(), strict=True))
    for i, (probe, person) in enumerate(zip(probes.tolist(), probe_identities.tolist(), strict=True)):
        scored = [
            (sum(a * b for a, b in zip(probe, row, strict=True)) / 16, other)
            for j, (row, other) in enumerate(listed)
            if not (same_pictures and i == j)
        ]
        own = [score for score, other in scored if other == person]
        if not own:
            unmated.append(max(score for score, _ in scored))
            continue
        before = [other for score, other in scored if other != person and score >= max(own)]
        people_ranks.append(1 + len(set(before)))
        picture_ranks.append(1 + len(before))
        firsts.append(max(own) if not before else -np.inf)
    return people_ranks, picture_ranks, firsts, unmated


def plain_tpir(firsts: list[float], unmated: list[float], fpir: float) -> float:
    shares = []
    for threshold in [9.0, *firsts, *unmated]:
        if sum(score >= threshold for score in unmated) / len(unmated) <= fpir and threshold > -np.inf:
            shares.append(sum(score >= threshold for score in firsts) / len(firsts))
    return max(shares)


@pytest.mark.parametrize("same_pictures", [False, True])
@pytest.mark.parametrize("start", range(0, 500, 100))
def test_equals_plain_python_on_random_galleries(start: int, same_pictures: bool) -> None:
    measured = 0
    for seed in range(start, start + 100):
        generator = np.random.default_rng(seed)
        gallery, known = signs(generator, people=6, pictures=int(generator.integers(1, 12)))
        if same_pictures:
            # every second time embedded by another model, to which a picture is not most alike to itself
            probes, asked = gallery, known
            if seed % 2:
                probes = gallery * generator.choice([1, -1], gallery.shape, p=(0.8, 0.2)).astype(np.float32)
        else:
            probes, asked = signs(generator, people=9, pictures=6)
        expected = plain(probes, asked, gallery, known, same_pictures)
        people_ranks, picture_ranks, firsts, unmated = expected
        fpirs = (1 / len(unmated), 1.0) if unmated else ()
        found = evaluate_identification(
            probes * 3, asked, gallery / 2, known,
            same_pictures=same_pictures, ranks=RANKS, recalls=RECALLS, fpirs=fpirs,
        )  # fmt: skip
        assert (found.mated, found.unmated) == (len(people_ranks), len(unmated))
        assert found.rank == {k: np.mean([rank <= k for rank in people_ranks]) for k in RANKS}
        assert found.recall == {k: np.mean([rank <= k for rank in picture_ranks]) for k in RECALLS}
        assert found.curve.tolist() == list(found.rank.values())
        assert found.people_before.tolist() == [min(rank - 1, RANKS[-1]) for rank in people_ranks]
        assert found.pictures_before.tolist() == [min(rank - 1, RECALLS[-1]) for rank in picture_ranks]
        for fpir in fpirs:
            point = found.points[fpir]
            assert point.tar == pytest.approx(plain_tpir(firsts, unmated, fpir), abs=1e-12)
            assert point.far <= fpir
            measured += 1
    assert measured > 50


def test_a_person_of_many_pictures_hides_nobody() -> None:
    # 300 pictures of person 0 are nearer than any other; by rank they are one person, by recall 300 pictures
    crowd = np.tile([1.0, 0.1], (300, 1))
    gallery = np.concatenate((crowd, [[0.9, 0.6], [0.5, 0.9]])).astype(np.float32)
    known = np.array([0] * 300 + [1, 2])
    probes, asked = np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), np.array([1, 2])
    found = evaluate_identification(
        probes, asked, gallery, known, same_pictures=False, ranks=(1, 2, 3), recalls=(1, 300, 301, 302)
    )
    assert found.rank == {1: 0.0, 2: 0.5, 3: 1.0}
    assert found.recall == {1: 0.0, 300: 0.0, 301: 0.5, 302: 1.0}


def test_a_probe_does_not_find_itself() -> None:
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(30, 16)).astype(np.float32)  # nothing in common within a person
    identities = np.arange(30) // 2
    itself = evaluate_identification(pictures, identities, pictures, identities, same_pictures=False, ranks=(1,))
    others = evaluate_identification(pictures, identities, pictures, identities, same_pictures=True, ranks=(1,))
    assert itself.rank[1] == 1
    assert others.rank[1] < 0.3


def test_a_person_of_one_picture_has_no_mate_among_the_others() -> None:
    generator = np.random.default_rng(0)
    pictures, identities = signs(generator, people=5, pictures=0)
    pictures, identities = np.concatenate((pictures, pictures[:2])), np.concatenate((identities, identities[:2]))
    found = evaluate_identification(pictures, identities, pictures, identities, same_pictures=True, ranks=(1,))
    assert (found.mated, found.unmated) == (4, 3)


def test_a_student_in_the_gallery_of_its_teacher() -> None:
    generator = np.random.default_rng(0)
    identities = np.repeat(np.arange(20), 2)
    teacher = generator.normal(size=(20, 32))[identities] + 0.2 * generator.normal(size=(40, 32))
    student = teacher + 0.2 * generator.normal(size=(40, 32))
    turned = student @ np.linalg.qr(generator.normal(size=(32, 32))).Q

    def rank_1(probes: np.ndarray) -> float:
        return evaluate_identification(probes, identities, teacher, identities, same_pictures=True, ranks=(1,)).rank[1]

    assert rank_1(student) == 1
    assert rank_1(turned) < 0.3  # as good among themselves, but of another space


def test_hnsw_above_its_limit_finds_nearly_all_and_says_so() -> None:
    generator = np.random.default_rng(0)
    identities = np.repeat(np.arange(400), 2)
    pictures = generator.normal(size=(400, 32))[identities] + 0.7 * generator.normal(size=(800, 32))
    common: dict[str, Any] = {"same_pictures": True, "ranks": (1, 5), "recalls": (1, 5)}
    exact = evaluate_identification(pictures, identities, pictures, identities, **common)
    graph = evaluate_identification(pictures, identities, pictures, identities, flat_limit=799, **common)
    at_limit = evaluate_identification(pictures, identities, pictures, identities, flat_limit=800, **common)
    assert (exact.index, graph.index, at_limit.index) == ("flat", "hnsw", "flat")
    assert 0.5 < exact.rank[1] < 1
    assert graph.rank[1] == pytest.approx(exact.rank[1], abs=0.01)
    assert graph.recall[5] == pytest.approx(exact.recall[5], abs=0.01)


def test_to_dict_is_json_with_counts_and_intervals() -> None:
    generator = np.random.default_rng(1)
    gallery, known = signs(generator, 6, 10)
    probes, asked = signs(generator, 9, 20)
    result = evaluate_identification(
        probes, asked, gallery, known, same_pictures=False, ranks=RANKS, recalls=(1,), fpirs=(0.5,)
    )
    content = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert list(content["metrics"]) == ["rank1", "rank2", "rank3", "recall@1", "tpir@fpir=0.5"]
    for name, (low, high) in content["intervals"].items():
        assert low <= content["metrics"][name] <= high
    assert content["counts"]["mated"] + content["counts"]["unmated"] == 29
    assert content["counts"]["gallery_people"] == 6
    assert content["index"] == "flat" and len(content["rank_curve"]) == 3


def case(**changed: Any) -> dict[str, Any]:
    generator = np.random.default_rng(2)
    gallery, known = signs(generator, 6, 6)
    probes, asked = signs(generator, 6, 6)
    return {
        "probes": probes, "probe_identities": asked, "gallery": gallery, "gallery_identities": known,
        "same_pictures": False, "ranks": (1,), **changed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gallery": np.zeros((0, 16), np.float32), "gallery_identities": np.zeros(0, int)}, "gallery is empty"),
        ({"gallery": np.ones((12, 8), np.float32)}, r"probes have embeddings \(12, 16\).*gallery.*\(12, 8\)"),
        ({"gallery": np.zeros((12, 16), np.float32)}, "model of the gallery gave the zero vector"),
        ({"probes": np.full((12, 16), np.nan, np.float32)}, "model of the probes gave NaN or infinity for 12 of 12"),
        ({"probes": np.zeros((0, 16), np.float32), "probe_identities": np.zeros(0, int)}, "has no embedding"),
        ({"ranks": (1, 7)}, "ranks asks for k = 7, but the gallery has 6 people"),
        ({"recalls": (13,)}, "recalls asks for k = 13, but the gallery has 12 pictures to find"),
        ({"recalls": (0,)}, "k = 0"),
        ({"fpirs": (0.5,)}, "every probe has a mate"),
        ({"probe_identities": np.arange(12) + 100}, "none of the 12 probes shows a person of whom the gallery has"),
        ({"probe_identities": np.arange(12), "fpirs": (0.1,)}, "FPIR 0.1 cannot be measured on 6 probes without"),
        ({"probe_identities": np.arange(12) - 1}, "1 of 12 probes have no identity"),
        ({"gallery_identities": np.arange(11)}, "gallery pictures have identities"),
        ({"same_pictures": True}, "identities differ"),
    ],
)
def test_searches_that_say_nothing_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DistillError, match=message):
        evaluate_identification(**case(**changed))


def test_the_own_picture_is_not_counted_among_those_to_find() -> None:
    pictures, identities = signs(np.random.default_rng(0), 3, 7)
    common: dict[str, Any] = {"same_pictures": True, "ranks": (1,)}
    assert evaluate_identification(pictures, identities, pictures, identities, recalls=(9,), **common).recall[9] == 1
    with pytest.raises(DistillError, match="k = 10, but the gallery has 9 pictures to find"):
        evaluate_identification(pictures, identities, pictures, identities, recalls=(10,), **common)
