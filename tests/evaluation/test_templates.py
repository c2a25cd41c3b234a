"""Embeddings of templates and their scores, against plain sums."""

import numpy as np
import pytest

from distill.errors import DistillError
from distill.evaluation.templates import Templates, compare_templates, evaluate_templates, template_cosines
from distill.evaluation.verification import evaluate_pairs


def test_a_template_is_the_mean_of_its_medias_means() -> None:
    generator = np.random.default_rng(0)
    pictures = generator.normal(size=(9, 4)).astype(np.float32) * generator.uniform(1, 9, (9, 1)).astype(np.float32)
    rows = np.array([8, 0, 1, 2, 3, 4, 5, 5, 6])  # picture 7 is in none, 5 in two
    template = np.array([2, 0, 0, 0, 1, 1, 0, 1, 1])
    media = np.array([4, 9, 9, 3, 9, 3, 9, 3, 9])
    found = Templates(rows, template, media).embeddings(pictures)
    for number in range(3):
        means = []
        for one in set(media[template == number].tolist()):
            own = [pictures[k] for k, t, m in zip(rows, template, media, strict=True) if (t, m) == (number, one)]
            means.append(sum(vector / np.linalg.norm(vector) for vector in own) / len(own))
        expected = sum(means) / len(means)
        np.testing.assert_allclose(found[number], expected / np.linalg.norm(expected), atol=1e-6)
    assert found.dtype == np.float32


def test_opposite_pictures_have_no_direction() -> None:
    one = np.array([[1.0, 0.0], [-1.0, 0.0]])
    with pytest.raises(DistillError, match=r"the mean of a template's media gave the zero vector.* 1 of 1"):
        Templates(np.array([0, 1]), np.zeros(2, int), np.array([1, 2])).embeddings(one)


def test_cosines_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    vectors, (first, second) = generator.normal(size=(20, 5)), generator.integers(0, 20, (2, 101))
    whole = template_cosines(vectors, first, second)
    monkeypatch.setattr("distill.evaluation.templates._BLOCK", 7)
    np.testing.assert_array_equal(template_cosines(vectors, first, second), whole)


def test_rates_are_those_of_pairs_and_differences_those_of_counting() -> None:
    generator = np.random.default_rng(2)
    same = generator.random(400) < 0.5
    scores = [same * strength + generator.normal(size=400) for strength in (2.0, 1.0)]
    fars = (0.1, 0.01)
    teacher, student = (evaluate_templates(one, same, 50, fars=fars, seed=3, resamples=200) for one in scores)
    by_pairs = evaluate_pairs(scores[0], same, np.arange(400) % 4, fars=fars, seed=0, resamples=5)
    assert teacher.points == by_pairs.points and teacher.equal_error == by_pairs.equal_error
    written = teacher.to_dict()
    assert written["counts"] == {
        "templates": 50,
        "pairs": 400,
        "genuine": int(same.sum()),
        "impostors": int((~same).sum()),
    }
    difference = compare_templates(student, teacher, 0.1)
    both = zip(scores, (teacher, student), strict=True)
    rates = [(one[same] >= scored.points[0.1].threshold).mean() for one, scored in both]
    assert difference.difference == pytest.approx(rates[1] - rates[0]) and difference.metric == "tar@far=1e-1"
    low, high = difference.interval
    assert low < difference.difference < high < 0
    itself = compare_templates(teacher, teacher, 0.1)
    assert itself.difference == 0 and itself.interval == (0, 0)
    other = evaluate_templates(scores[1], same, 50, fars=fars, seed=4, resamples=200)
    with pytest.raises(DistillError, match=r"scored on different templates, FARs"):
        compare_templates(other, teacher, 0.1)
