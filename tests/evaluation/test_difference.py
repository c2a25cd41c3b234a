"""A difference goes into results.json under its metric's name; models of different pictures are refused."""

import pytest

from distill.errors import DistillError
from distill.evaluation.difference import Difference, check_paired


def test_its_metric_names_it() -> None:
    assert Difference("top-1", -0.25, (-0.5, 0.0)).to_dict() == {"top-1": -0.25, "interval": [-0.5, 0.0]}


def test_what_may_differ_is_named() -> None:
    check_paired(True, "pictures")
    with pytest.raises(DistillError, match="scored on different pairs, folds, seeds or numbers of resamples"):
        check_paired(False, "pairs, folds")
