"""One photograph under other bytes and another label is named with both files, and left as it is."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.duplicates import contradictions
from distill.data.duplicates.contradictions import near_contradictions
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Sample
from tests.helpers.listed import Listed, run


def smooth(seed: int) -> np.ndarray:
    """A picture of a few waves, uint8 (40, 40, 3), which JPEG hardly changes."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((40, 40), Image.Resampling.BICUBIC))


def saved(picture: np.ndarray, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **options)
    return file.getvalue()


def prepared(place: Path, *more: Sample, classes: tuple[str, ...] = ("pug", "beagle")) -> Prepared:
    """Twenty pictures of one class, and more."""
    samples = [Sample(f"pug/{n}.png", saved(smooth(n), "PNG"), (1, 0)) for n in range(20)]
    return run(Listed((*samples, *more), classes), place / "set", height=40, width=40)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_photograph_saved_again_under_another_label(tmp_path: Path, mirrored: bool) -> None:
    copy = smooth(3)[:, ::-1] if mirrored else smooth(3)
    other = Sample("beagle/3.jpg", saved(copy, "JPEG", quality=70), (0, 1))
    same = Sample("pug/4.jpg", saved(smooth(4), "JPEG", quality=70), (1, 0))
    unknown = Sample("what/5.jpg", saved(smooth(5), "JPEG", quality=70), (-1, -1))
    found = prepared(tmp_path, other, same, unknown)
    assert len(found) == 23 and not found.ledger
    assert near_contradictions(found) == [("pug/3.png", "beagle/3.jpg", "pug", "beagle")]
    assert str(near_contradictions(found)[0]) == "pug/3.png (pug) and beagle/3.jpg (beagle)"


def test_people_contradict_each_other_too(tmp_path: Path) -> None:
    pair = (
        Sample("Ann/1.png", saved(smooth(50), "PNG"), (), 4),
        Sample("Bob/1.jpg", saved(smooth(50), "JPEG", quality=80), (), 7),
        Sample("Bob/2.jpg", saved(smooth(50), "JPEG", quality=60), (), -1),
    )
    found = run(Listed(pair), tmp_path / "set", height=40, width=40)
    assert near_contradictions(found) == [("Ann/1.png", "Bob/1.jpg", "person 4", "person 7")]


def test_what_is_left_out_already_is_not_said_again_and_large_sets_are_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = saved(smooth(60), "PNG")
    out = Sample("pug/x", twice, (1, 0)), Sample("beagle/x", twice, (0, 1))
    again = Sample("beagle/y", saved(smooth(60), "JPEG", quality=80), (0, 1))
    wrong = Sample("beagle/z", saved(smooth(7), "JPEG", quality=80), (0, 1))
    found = prepared(tmp_path, *out, again, wrong)
    assert [pair.second for pair in near_contradictions(found)] == ["beagle/z"]
    monkeypatch.setattr(contradictions, "MOST", 20)
    assert near_contradictions(found) == []
