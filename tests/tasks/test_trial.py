"""What is left of a trial without some of its pictures, and what a trial must hold."""

import numpy as np
import pytest

from distill.data.pictures import Pictures
from distill.errors import DistillError
from distill.tasks.trial import Pairs, Trial


def trial(validation: Pictures) -> Trial:
    """Nine pictures of four people, five pairs."""
    pairs = Pairs(
        np.array([0, 2, 4, 6, 8]),
        np.array([1, 3, 6, 7, 0]),
        np.array([True, True, False, True, False]),
        np.arange(5) % 2,
    )
    return Trial("lfw", validation, np.array([5, 5, 6, 6, 7, 7, 8, 8, 8]), pairs)


def test_pairs_of_pictures_left_out_go_and_the_others_stay_the_same(validation: Pictures) -> None:
    whole = trial(validation)
    rest = whole.without(np.array([1, 4]))
    assert rest.pairs is not None and whole.pairs is not None
    assert rest.identities.tolist() == [5, 6, 6, 7, 8, 8, 8]
    hashes, before = rest.pictures.hashes, validation.hashes
    kept = [1, 3, 4]
    assert np.array_equal(hashes[rest.pairs.first], before[whole.pairs.first[kept]])
    assert np.array_equal(hashes[rest.pairs.second], before[whole.pairs.second[kept]])
    assert rest.pairs.same.tolist() == [True, True, False] and rest.pairs.folds.tolist() == [1, 1, 0]


def test_pairs_are_counted(validation: Pictures) -> None:
    listed = trial(validation)
    assert (listed.genuine, listed.impostors) == (3, 2)
    every = Trial("test", validation, listed.identities)
    assert (every.genuine, every.impostors) == (1 + 1 + 1 + 3, 36 - 6)
    every.check((1 / 30,))
    with pytest.raises(DistillError, match=r"evaluate\.fars: FAR 0\.03 cannot be measured on 30 impostor pairs"):
        every.check((0.5, 0.03))
