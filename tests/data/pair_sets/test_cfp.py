"""CFP's lists, its two protocols, and what contradicts them."""

from pathlib import Path

import pytest

from distill.data.pair_sets.cfp import Cfp
from distill.errors import DistillError
from distill.evaluation.pairs import Pair

FILES = {
    "Pair_list_F.txt": "1 ../Data/Images/001/frontal/01.jpg\n2 ../Data/Images/001/frontal/02.jpg\n"
    "3 ../Data/Images/002/frontal/01.jpg\n4 ../Data/Images/002/frontal/02.jpg\n",
    "Pair_list_P.txt": "1 ../Data/Images/001/profile/01.jpg\n2 ../Data/Images/002/profile/01.jpg\n",
    "Split/FF/01/same.txt": "1,2\n",
    "Split/FF/01/diff.txt": "1,3\n",
    "Split/FF/02/same.txt": "3,4\n",
    "Split/FF/02/diff.txt": "2,4\n",
    "Split/FP/01/same.txt": "2,1\n",
    "Split/FP/01/diff.txt": "2,2\n",
    "Split/FP/02/same.txt": "4,2\n",
    "Split/FP/02/diff.txt": "4,1\n",
}


def cfp(place: Path, changed: dict[str, str] | None = None) -> Path:
    for name, text in (FILES | (changed or {})).items():
        (place / "Protocol" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "Protocol" / name).write_text(text)
    for person in ("001", "002"):
        for name in ("frontal/01", "frontal/02", "profile/01"):
            file = place / "Data" / "Images" / person / f"{name}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"picture")
    return place


def name(person: int, side: str, number: int) -> str:
    return f"Data/Images/{person:03d}/{side}/{number:02d}.jpg"


def test_frontal_and_profile(tmp_path: Path) -> None:
    source = Cfp("cfp_fp", cfp(tmp_path))
    assert source.pairs() == [
        Pair(name(1, "frontal", 2), name(1, "profile", 1), True, 1),
        Pair(name(1, "frontal", 2), name(2, "profile", 1), False, 1),
        Pair(name(2, "frontal", 2), name(2, "profile", 1), True, 2),
        Pair(name(2, "frontal", 2), name(1, "profile", 1), False, 2),
    ]
    assert {one.name: one.identity for one in source.samples(8, 8)} == {
        name(1, "frontal", 2): 0,
        name(1, "profile", 1): 0,
        name(2, "frontal", 2): 1,
        name(2, "profile", 1): 1,
    }


def test_frontal_alone_in_the_archives_own_folder(tmp_path: Path) -> None:
    cfp(tmp_path / "cfp-dataset")
    source = Cfp("cfp_ff", tmp_path)
    assert [(pair.first[-14:], pair.second[-14:], pair.same, pair.fold) for pair in source.pairs()] == [
        ("frontal/01.jpg", "frontal/02.jpg", True, 1),
        ("frontal/01.jpg", "frontal/01.jpg", False, 1),
        ("frontal/01.jpg", "frontal/02.jpg", True, 2),
        ("frontal/02.jpg", "frontal/02.jpg", False, 2),
    ]
    assert len(source.samples(8, 8)) == 4


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "Pair_list_P.txt",
            "1 a.jpg\n",
            r"Pair_list_P\.txt:1: '1 a\.jpg', expected a number, each once, and a pict",
        ),
        ("Pair_list_F.txt", "1 a/b/c.jpg\n1 a/b/d.jpg\n", r"Pair_list_F\.txt:2: .*expected a number, each once"),
        ("Split/FP/01/same.txt", "2,9\n", r"01/same\.txt:1: '2,9', expected the numbers of two pictures"),
        ("Split/FP/01/same.txt", "2 1\n", r"01/same\.txt:1: '2 1', expected the numbers"),
        ("Split/FP/02/diff.txt", "4,2\n", r"02/diff\.txt:1: pairs .*002/frontal/02\.jpg and .* which are not diff"),
        ("Split/FP/02/same.txt", "4,1\n", r"02/same\.txt:1: pairs .*which are not same"),
        ("Split/FP/02/same.txt", "\n", r"02/same\.txt: holds no pair"),
    ],
)
def test_faults_are_named_by_their_line(tmp_path: Path, file: str, text: str, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        Cfp("cfp_fp", cfp(tmp_path, {file: text})).pairs()


def test_missing_lists_are_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"has no Protocol; expected CFP's Protocol and Data in it"):
        Cfp("cfp_fp", tmp_path).pairs()
    cfp(tmp_path)
    (tmp_path / "Protocol" / "Split" / "FP").rename(tmp_path / "Protocol" / "Split" / "PF")
    with pytest.raises(DistillError, match=r"Split/FP: has 0 folds, expected two or more"):
        Cfp("cfp_fp", tmp_path).pairs()
    (tmp_path / "Protocol" / "Pair_list_P.txt").unlink()
    with pytest.raises(DistillError, match=r"Pair_list_P\.txt: no such file"):
        Cfp("cfp_fp", tmp_path).pairs()
