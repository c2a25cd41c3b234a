"""Boxes that nobody can use are named under their pictures, counted, and refused past a share."""

from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.boxes import check_boxes, rows_left_out
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.sources.marked import COLUMNS, Marked, Photograph, marked_sample
from distill.data.sources.source import Sample
from distill.errors import DistillError
from tests.helpers.listed import Listed, pixels, png, run

CLASSES = ("car", "dog", "tram")


def sample(number: int, *boxes: Marked, split: str = "train") -> Sample:
    return marked_sample(Photograph(f"{number}", png(pixels(number)), None, split), boxes, CLASSES)


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """98 boxes of two pictures, and two that cannot be used; nothing to train on shows a tram."""
    good, ignored = Marked((1, 1, 5, 5), 0, False), Marked((1, 1, 5, 5), 2, True)
    samples = (
        sample(0, *[good] * 96, Marked((4, 1, 2, 5), 1, False), ignored),
        sample(1, Marked((1, 1, 2, 2), 1, False), Marked((30, 1, 39, 5), 0, False)),
        sample(2, Marked((1, 1, 2, 2), 2, False), split="test"),
        sample(3),
    )
    return run(Listed(samples, CLASSES, further=COLUMNS), tmp_path / "set", max_bad_share=0.0)


def test_each_is_named_and_its_picture_is_kept(prepared: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(prepared) == prepared.listed == 4
    assert prepared.targets["boxes"].counts.tolist() == [97, 1, 1, 0]
    assert rows_left_out(prepared) == [
        ("0", "left out: dog 4 1 2 5 has its corners swapped"),
        ("1", "left out: car 30 1 39 5 is outside of the 8 x 10 pixels"),
    ]
    check_boxes(prepared, 0.02, "data")
    said = capsys.readouterr().err
    assert "data: 2 of 101 boxes cannot be used" in said and "1: left out: car 30 1 39 5 is outside" in said
    assert "data: 1 of 3 classes have no box in the pictures to train on, and cannot be learnt" in said
    assert said.rstrip().endswith("from labels: tram")


def test_more_than_a_share_are_refused(prepared: Prepared) -> None:
    with pytest.raises(DistillError, match=r"^data: 2 of 101 boxes .*, more than max_bad_share = 1\.00%:\n  0: left"):
        check_boxes(prepared, 0.01, "data")


def test_a_set_without_boxes_has_nothing_to_say(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prepared = run(Listed((Sample("x", pixels(0), (1, 0)),), ("a", "b")), tmp_path / "set")
    capsys.readouterr()
    check_boxes(prepared, 0.0, "data")
    assert not capsys.readouterr().err


def test_a_picture_that_is_bad_names_no_boxes_and_its_size_is_checked(tmp_path: Path) -> None:
    wrong = Photograph("wrong", png(pixels(1)), (20, 16), "train")
    samples = (
        *(sample(number) for number in range(2, 5)),
        marked_sample(wrong, [Marked((4, 1, 2, 5), 1, False)], CLASSES),
        marked_sample(Photograph("torn", b"torn", None, "train"), [Marked((1, 1, 2, 5), 1, False)], CLASSES),
    )
    prepared = run(Listed(samples, CLASSES, further=COLUMNS), tmp_path / "set", max_bad_share=0.5)
    reasons = dict(prepared.ledger)
    assert reasons.pop("wrong") == "is 8 x 10 pixels, and its places were marked in 16 x 20"
    assert list(reasons) == ["torn"] and reasons["torn"].startswith("not a picture") and prepared.listed == 5
    assert np.array_equal(prepared.targets["picture_size"], [[10, 8]] * 3)


def test_boxes_of_another_set_are_known_where_its_classes_are_the_same(prepared: Prepared, tmp_path: Path) -> None:
    car = Marked((1, 1, 5, 5), 0, False)
    for classes, known in ((CLASSES, True), (("dog", "car", "tram"), False)):
        photograph = Photograph("other", png(pixels(50)), None, "train")
        listed = Listed((marked_sample(photograph, [car], classes),), classes, key=known, further=COLUMNS)
        other = run(listed, tmp_path / f"other-{known}")
        both = Pictures.of(prepared, "train", (other,))
        assert both.targets["boxes"].counts.tolist() == [97, 1, 0, int(known)]
        assert both.targets["box_classes"].counts.tolist() == [97, 1, 0, int(known)]
        assert both.targets["picture_size"].tolist() == [[10, 8]] * 4
        assert both.labels[-1].tolist() == ([1, 0, 0] if known else [0, 1, 0])
