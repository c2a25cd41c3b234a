"""What is left of a trial without some of its pictures, what a trial must hold, and how LFW's is opened."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared.pictures import Pictures
from distill.errors import DistillError
from distill.faces.settings import Detect
from distill.preprocess.preprocess import Fit, fit
from distill.recipe.recipe import Evaluate, Prepare
from distill.tasks.embeddings.trial import ListedPairs, Trial, open_lfw
from tests.helpers.detectors import photographed, yunet_graph


def trial(validation: Pictures) -> Trial:
    """Nine pictures of four people, five pairs."""
    pairs = ListedPairs(
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


def lfw(place: Path) -> Path:
    """Three people with two pictures each, and a fold of two pairs of each kind."""
    for number in range(6):
        person, one = f"P{number // 2}", 1 + number % 2
        (place / person).mkdir(parents=True, exist_ok=True)
        picture = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(picture).save(place / person / f"{person}_{one:04d}.jpg")
    (place / "pairs.txt").write_text("1 2\nP0 1 2\nP1 1 2\nP0 1 P1 2\nP1 1 P2 1\n")
    return place


def test_a_picture_that_is_there_under_another_name_too_is_not_missing(tmp_path: Path) -> None:
    root = lfw(tmp_path / "lfw")
    (root / "P0" / "P0_0001.jpg").write_bytes((root / "P0" / "P0_0002.jpg").read_bytes())
    opened = open_lfw(Evaluate(lfw=root, align=None), tmp_path, Prepare(8, 8, max_bad_share=0.0))
    assert opened.pairs is not None and len(opened.identities) == 5
    shown = opened.pictures.gather(np.concatenate([opened.pairs.first, opened.pairs.second]))
    names = ["0/P0_0001", "1/P1_0001", "0/P0_0001", "1/P1_0001", "0/P0_0002", "1/P1_0002", "1/P1_0002", "2/P2_0001"]
    for pixels, name in zip(shown, names, strict=True):
        with Image.open(root / f"P{name}.jpg") as picture:
            np.testing.assert_array_equal(pixels, np.asarray(picture))


def test_one_photograph_of_two_people_is_no_evidence(tmp_path: Path) -> None:
    root = lfw(tmp_path / "lfw")
    (root / "P1" / "P1_0001.jpg").write_bytes((root / "P0" / "P0_0002.jpg").read_bytes())
    settings = Evaluate(lfw=root, align=None)
    with pytest.raises(
        DistillError, match=r"^evaluate\.lfw: 2 of 6 files show photographs that are labelled in two ways"
    ):
        open_lfw(settings, tmp_path, Prepare(8, 8, max_bad_share=0.0))
    with pytest.raises(
        DistillError, match=r"2 pictures are missing, .*P0/P0_0002\.jpg \(contradiction: person 0 here, person"
    ):
        open_lfw(settings, tmp_path, Prepare(8, 8, max_bad_share=0.5))
    left = open_lfw(replace(settings, allow_missing=True), tmp_path, Prepare(8, 8, max_bad_share=0.5))
    assert left.pairs is not None and len(left.pairs.same) == 1 and sorted(left.identities.tolist()) == [0, 1, 2, 2]


@pytest.mark.parametrize(
    "folder", ["images", "lfw-deepfunneled", "lfw-deepfunneled/lfw-deepfunneled", "lfw", "lfw_112x112", "mine/lfw_160"]
)
@pytest.mark.parametrize("ending", [".png", ".JPG"])
def test_lfw_as_archives_unpack_it(tmp_path: Path, folder: str, ending: str) -> None:
    before = open_lfw(Evaluate(lfw=lfw(tmp_path / "plain"), align=None), tmp_path, Prepare(8, 8))
    (tmp_path / "root" / folder).parent.mkdir(parents=True)
    (tmp_path / "plain").rename(tmp_path / "root" / folder)
    for file in sorted((tmp_path / "root" / folder).glob("*/*.jpg")):
        file.rename(file.with_suffix(ending))
    opened = open_lfw(Evaluate(lfw=tmp_path / "root", align=None), tmp_path, Prepare(8, 8))
    assert opened.pairs is not None and before.pairs is not None
    assert np.array_equal(opened.pairs.first, before.pairs.first) and len(opened.pairs.same) == 4


def test_a_damaged_picture_of_a_pair_is_named_with_its_damage(tmp_path: Path) -> None:
    root = lfw(tmp_path / "lfw")
    (root / "P2" / "P2_0001.jpg").write_bytes(b"\xff\xd8 cut short")
    settings = Evaluate(lfw=root, align=None)
    with pytest.raises(DistillError, match=r"which 1 of 4 pairs name: P2/P2_0001\.jpg \(.+\)\. Complete"):
        open_lfw(settings, tmp_path, Prepare(8, 8, max_bad_share=0.5))


def test_pictures_are_fitted_as_those_of_the_data(tmp_path: Path) -> None:
    settings = Evaluate(lfw=lfw(tmp_path / "lfw"), align=None)
    opened = {how: open_lfw(settings, tmp_path, Prepare(8, 4, how)).pictures for how in get_args(Fit)}
    for how, pictures in opened.items():
        with Image.open(tmp_path / "lfw" / "P0" / "P0_0001.jpg") as picture:
            assert np.array_equal(pictures[:1][0], fit(np.array(picture), 8, 4, how))
    assert len({pictures.pixels for pictures in opened.values()}) == len(get_args(Fit))
    aligned = Evaluate(lfw=tmp_path / "lfw", align="arcface112")
    assert "fitted" not in open_lfw(aligned, tmp_path, Prepare(8, 8, "pad")).pictures.pixels


def test_pairs_whose_face_was_not_found_are_kept_apart_and_the_aligned_ones_stand_in_the_same_order(
    tmp_path: Path,
) -> None:
    detect = Detect(file=yunet_graph(tmp_path / "detector.onnx"))
    settings = Evaluate(lfw=photographed(tmp_path / "raw"), align=detect)
    size = Prepare(height=32, width=32)
    opened = open_lfw(settings, tmp_path / "data", size)
    assert opened.pairs is not None and opened.lost is not None and opened.given is None
    assert opened.lost.photographs == 10 and opened.lost.kinds == {"none found": 1}
    assert opened.lost.same.tolist() == [True, False] and opened.lost.folds.tolist() == [1, 1]
    assert opened.pairs.same.tolist() == [True, False, True, True, False, False] and len(opened.identities) == 9

    both = replace(settings, lfw_aligned=photographed(tmp_path / "aligned", aligned=True))
    given = open_lfw(both, tmp_path / "data", size).given
    assert given is not None and given.pairs is not None and len(given.identities) == 10
    assert given.pairs.same.tolist() == [*opened.pairs.same.tolist(), *opened.lost.same.tolist()]
    names = [Path(given.pictures.name(int(row))).stem for row in given.pairs.second]
    assert names == ["P0_0002", "P2_0001", "P2_0002", "P3_0002", "P4_0002", "P2_0001", "P1_0002", "P1_0002"]

    (tmp_path / "aligned" / "P3" / "P3_0002.png").unlink()
    with pytest.raises(DistillError, match=r"which 1 of 8 pairs name: P3/P3_0002\.jpg"):
        open_lfw(both, tmp_path / "data", size)
    fewer = open_lfw(replace(both, allow_missing=True), tmp_path / "data", size)
    assert fewer.pairs is not None and len(fewer.pairs.same) == 5
    assert fewer.given is not None and fewer.given.pairs is not None and len(fewer.given.pairs.same) == 7
