"""Known and unknown people against a search picture by picture in plain Python."""

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation import open_set
from distill.evaluation.open_set import OpenSet, evaluate_open_set, most_alike, open_set_of, threshold_at, tpir_name


def people(sizes: list[int], noise: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (N, 16) and who is shown, in no order; numbers of people have gaps."""
    generator = np.random.default_rng(5)
    identities = np.repeat(3 * np.arange(len(sizes)), sizes)
    centres = generator.normal(size=(3 * len(sizes), 16))
    embeddings = centres[identities] + noise * generator.normal(size=(len(identities), 16))
    order = generator.permutation(len(identities))
    return embeddings[order].astype(np.float32), identities[order]


def plain(embeddings: np.ndarray, identities: np.ndarray, who: OpenSet, fpir: float) -> tuple[float, int, int]:
    """Threshold, true positives, false positives."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)

    def cosine(one: int, other: int) -> float:
        return float(np.dot(unit[one], unit[other]))

    strangers = sorted((max(cosine(u, g) for g in who.gallery) for u in who.unmated), reverse=True)
    refused = strangers[int(fpir * len(strangers) + 1e-9)]
    true = 0
    for m in who.mated:
        by_person = {identities[g]: cosine(m, g) for g in who.gallery}
        own = by_person.pop(identities[m])
        true += own > max(by_person.values()) and own > refused
    return refused, true, sum(score > refused for score in strangers)


@pytest.mark.parametrize("block", [10, 2**24])
def test_known_and_unknown_people_are_counted_one_by_one(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_set, "BLOCK", block)
    embeddings, identities = people([1] * 40 + [4, 2, 3] * 6)
    who = open_set_of(identities, 10)
    assert len(who.unmated) == 40 and len(who.gallery) == 18 and len(who.mated) == 18 * 3 - 18
    scores = evaluate_open_set(embeddings, 7 * embeddings, who, fpirs=[0.1, 0.5], seed=0, resamples=50)
    assert scores.people == 18
    for fpir, point in scores.points.items():
        refused, true, false = plain(embeddings, identities, who, fpir)
        assert point.threshold == pytest.approx(refused, abs=1e-6) and point.threshold > refused - 1e-7
        assert (point.true_positives, point.false_positives) == (true, false)
        assert point.tpir == true / 36 and point.fpir == false / 40 <= fpir
        assert 0 < point.tpir < 1
        assert point.tpir_interval[0] <= point.tpir <= point.tpir_interval[1]
    content = scores.to_dict()
    assert content["metrics"] == {"tpir@fpir=1e-1": scores.points[0.1].tpir, "tpir@fpir=5e-1": scores.points[0.5].tpir}
    assert content["counts"] == {"known_people": 18, "known_probes": 36, "unknown_probes": 40}


def test_a_draw_of_people_is_a_search_among_those() -> None:
    embeddings, identities = people([1] * 30 + [3] * 10)
    who = open_set_of(identities, 1)
    scores = evaluate_open_set(embeddings, embeddings, who, fpirs=[0.2], seed=3, resamples=5)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    generator = np.random.Generator(np.random.Philox(3))
    drawn = generator.integers(0, 40, size=(5, 40))
    known, unknown = sorted(set(identities[who.gallery])), sorted(set(identities[who.unmated]))
    gallery = unit[who.gallery]
    for row, value in zip(drawn.tolist(), scores.resampled[:, 0], strict=True):
        tops, found = [], []
        for number in row:
            if number >= 10:
                picture = int(np.flatnonzero(identities == unknown[number - 10])[0])
                tops.append(float((gallery @ unit[picture]).max()))
                continue
            for picture in who.mated[identities[who.mated] == known[number]]:
                cosines = gallery @ unit[picture]
                right = identities[who.gallery][int(cosines.argmax())] == known[number]
                found.append(float(cosines.max()) if right else -2.0)
        refused = sorted(tops, reverse=True)[int(0.2 * len(tops) + 1e-9)]
        assert value == pytest.approx(np.mean([score > refused for score in found]))


def test_where_nobody_has_one_picture_every_second_person_is_unknown() -> None:
    identities = np.repeat([9, 4, 7, 2, 5], 3)
    who = open_set_of(identities, 1)
    assert identities[who.gallery].tolist() == [2, 5, 9] and who.gallery.tolist() == [9, 12, 0]
    assert set(identities[who.unmated]) == {4, 7} and len(who.unmated) == 6
    assert set(who.mated) == {1, 2, 10, 11, 13, 14}
    few = np.array([1, 1, 2, 2, 3])  # one stranger is enough of one, and too few of two
    assert open_set_of(few, 1).unmated.tolist() == [4] and open_set_of(few, 2).unmated.tolist() == [2, 3, 4]


def test_others_who_are_as_alike_come_first_and_strangers_at_the_threshold_are_refused() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    embeddings = np.array([east, east, north, [1.0, 1.0], east], np.float32)
    identities = np.array([0, 0, 1, 1, 2])
    scores = evaluate_open_set(embeddings, embeddings, open_set_of(identities, 1), fpirs=[1], seed=0)
    # The stranger is as alike to person 0 as can be, and person 1's probe as alike to both.
    assert [point.true_positives for point in scores.points.values()] == [0]
    assert [point.false_positives for point in scores.points.values()] == [0]
    assert scores.points[1].tpir_interval == (0.0, pytest.approx(0.6576, abs=1e-4))


def test_the_threshold_lets_no_stranger_more_in() -> None:
    scores = np.array([0.1, 0.5, 0.3, 0.5, 0.2, 0.4, 0.0, -0.1, 0.35, 0.15], np.float32)
    for fpir, let_in in ((0.1, 0), (0.2, 2), (0.3, 3), (0.29, 2)):  # two are equal: both or none
        threshold = threshold_at(scores, fpir)
        assert np.count_nonzero(scores >= np.float32(threshold)) == let_in
    with pytest.raises(DistillError, match=r"FPIR 0\.05 cannot be measured on 10 pictures of unknown people"):
        threshold_at(scores, 0.05)
    with pytest.raises(DistillError, match="cannot be measured on 1 pictures"):
        threshold_at(scores[:0], 0.05)


def test_whom_a_probe_is_most_alike_to(monkeypatch: pytest.MonkeyPatch) -> None:
    probes, gallery = np.eye(4, dtype=np.float32), np.float32([[0.6, 0.8, 0, 0], [0, 0, -1, 0]])
    expected = [0.6, 0.8, 0.0, 0.0]
    assert most_alike(probes, gallery) == pytest.approx(expected)
    monkeypatch.setattr(open_set, "BLOCK", 1)
    assert most_alike(probes, gallery) == pytest.approx(expected)


def test_some_of_both_are_wanted() -> None:
    embeddings, identities = people([1, 1, 1])
    with pytest.raises(DistillError, match="0 pictures of known and 3 of unknown people are searched for"):
        evaluate_open_set(embeddings, embeddings, open_set_of(identities, 1), fpirs=[0.5], seed=0)


def test_names_of_rates() -> None:
    assert [tpir_name(rate) for rate in (0.01, 5e-4, 0.25)] == ["tpir@fpir=1e-2", "tpir@fpir=5e-4", "tpir@fpir=2.5e-1"]
