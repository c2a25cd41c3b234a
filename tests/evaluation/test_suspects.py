"""Labels a teacher does not believe, found one by one."""

import numpy as np

from distill.evaluation.suspects import believed, suspected


def test_the_least_believed_label_comes_first_and_believed_ones_not_at_all() -> None:
    generator = np.random.default_rng(0)
    p = generator.dirichlet(np.full(5, 0.3), 200)
    labels = generator.integers(0, 5, 200)
    found = suspected(p, labels)
    expected = sorted((p[n, labels[n]], n) for n in range(200) if labels[n] != max(range(5), key=lambda c: p[n, c]))
    assert found.rows.tolist() == [n for _, n in expected] and 0 < len(found) < 200
    for k, n in enumerate(found.rows):
        assert found.labels[k] == labels[n] and found.label_probability[k] == p[n, labels[n]]
        assert found.opinion_probability[k] == p[n].max() == p[n, found.opinions[k]]


def test_of_labels_as_improbable_the_surer_contradiction_comes_first() -> None:
    p = np.array([[0.0, 0.6, 0.4], [0.0, 0.1, 0.9]])
    assert suspected(p, np.array([0, 0])).rows.tolist() == [1, 0]


def test_a_label_is_believed_among_the_most_probable_classes() -> None:
    generator = np.random.default_rng(1)
    p = generator.dirichlet(np.full(6, 0.5), 100)
    labels = generator.integers(0, 6, 100)
    for top in (1, 3, 6):
        expected = [labels[n] in sorted(range(6), key=lambda c: -p[n, c])[:top] for n in range(100)]
        assert believed(p, labels, top).tolist() == expected
    assert set(np.flatnonzero(believed(p, labels, 1))) == set(range(100)) - set(suspected(p, labels).rows)
