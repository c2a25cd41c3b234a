"""Photographs labelled in two ways are named with both files, counted, and refused past a share."""

from pathlib import Path

import pytest

from distill.data.prepared.contradictions import check_contradictions
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Sample
from distill.errors import DistillError
from tests.helpers.listed import Listed, pixels, png, run


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """98 pictures of one label each, and one photograph of two."""
    samples = [Sample(f"pug/{n}", png(pixels(n)), (1, 0)) for n in range(98)]
    samples += [Sample("pug/x", png(pixels(200)), (1, 0)), Sample("beagle/x", png(pixels(200)), (0, 1))]
    return run(Listed(tuple(samples), ("pug", "beagle")), tmp_path / "set", max_bad_share=0.0)


def test_both_files_are_named_and_counted(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    check_contradictions(prepared, 0.02, "data")
    said = capsys.readouterr().err
    assert "data: 2 of 100 files show photographs that are labelled in two ways" in said
    assert "pug/x: contradiction: pug here, beagle in beagle/x" in said and "beagle/x: contradiction" in said
    check_contradictions(prepared, None, "web")  # of which much is known to be wrong


def test_more_than_a_share_are_refused(prepared: Prepared) -> None:
    with pytest.raises(DistillError, match=r"^data: 2 of 100 files .*, more than max_bad_share = 1\.00%:\n  pug/x: "):
        check_contradictions(prepared, 0.01, "data")


def test_such_a_photograph_is_not_learnt_from_in_another_set_either(prepared: Prepared, tmp_path: Path) -> None:
    assert len(Pictures.of(prepared, "train")) == 98
    more = (Sample("x", png(pixels(200))), Sample("y", png(pixels(300))))
    unlabelled = run(Listed(more), tmp_path / "more")
    assert [part.tolist() for part in Pictures.of(prepared, "train", (unlabelled,)).rows][1] == [1]
