"""Lists of pairs: one line or two a pair, and each fault by its line."""

from pathlib import Path

import pytest

from distill.data.pair_sets.pair_file import PairFile
from distill.errors import DistillError
from distill.evaluation.pairs import Pair
from tests.data.sources.test_folder import put

EXPECTED = [
    Pair("a/0.jpg", "a/1.jpg", True, 1),
    Pair("a/0.jpg", "b/1.jpg", False, 1),
    Pair("b/0.jpg", "b/1.jpg", True, 2),
    Pair("a/1.jpg", "b/0.jpg", False, 2),
]


def read(place: Path, text: str, name: str = "listed", file: str = "pairs.txt", folds: int = 2) -> list[Pair]:
    (place / file).write_text(text)
    return PairFile(name, place, folds).pairs()


@pytest.mark.parametrize(
    "text",
    [
        "a/0.jpg a/1.jpg 1\na/0.jpg b/1.jpg 0\n\nb/0.jpg b/1.jpg 1\na/1.jpg b/0.jpg 0\n",
        "1 a/0.jpg a/1.jpg\r\n-1 a/0.jpg b/1.jpg\r\n1 b/0.jpg b/1.jpg\r\n-1 a/1.jpg b/0.jpg\r\n",
        "a/0.jpg, a/1.jpg, 1\na/0.jpg,b/1.jpg,0\nb/0.jpg,b/1.jpg,1\na/1.jpg,b/0.jpg,0",
        "a/0.jpg\ta/1.jpg\t1\na/0.jpg\tb/1.jpg\t0\nb/0.jpg\tb/1.jpg\t1\na/1.jpg\tb/0.jpg\t0\n",
        "a/0.jpg 1\na/1.jpg 1\na/0.jpg 0\nb/1.jpg 0\nb/0.jpg 2\nb/1.jpg 2\na/1.jpg 0\nb/0.jpg 0\n",
    ],
)
def test_each_form(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == EXPECTED


def test_names_with_blanks_between_tabs(tmp_path: Path) -> None:
    pairs = read(tmp_path, "a b.jpg\tc d.jpg\t1\na b.jpg\te.jpg\t0\n" * 2)
    assert (pairs[0].first, pairs[0].second) == ("a b.jpg", "c d.jpg")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"pairs\.txt: holds no pair"),
        ("a b 1\na c 2\na d 0\n", r"pairs\.txt:2: 'a c 2', expected two pictures and 1 .* label last as in most"),
        ("1 a b\n0 a c\na d 0\n", r"pairs\.txt:3: 'a d 0', expected two pictures .* the label first as in most"),
        ("a b c 1\n", r"pairs\.txt:1: 'a b c 1', expected two pictures"),
        ("a a 1\n", r"pairs\.txt:1: pairs 'a' with itself"),
        ("a .. 1\n", r"pairs\.txt:1: '\.\.' is the name of no picture"),
        ("a 1\nb 1\nc 0\n", r"pairs\.txt: 3 lines, expected two a pair"),
        ("a 1\nb 0\n", r"pairs\.txt:1: a has the label 1 and b, in the line after, 0; expected the same"),
        ("a 1\nb x\n", r"pairs\.txt:2: 'b x', expected a picture, and 0 where"),
        ("a b 1\na c 0\n", r"pairs\.txt: 1 genuine and 1 impostor pairs for 2 folds"),
    ],
)
def test_faults_are_named_by_their_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "file"), [("calfw", "pairs_CALFW.txt"), ("cplfw", "pairs_CPLFW.txt"), ("agedb_30", "agedb_30_ann.txt")]
)
def test_the_list_lies_in_the_root_or_beside_it(tmp_path: Path, name: str, file: str) -> None:
    put(tmp_path, "aligned images/0.jpg", "aligned images/1.jpg")
    (tmp_path / file).write_text("0.jpg 1.jpg 1\n0.jpg 1.jpg 0\n" * 2)
    for root in (tmp_path, tmp_path / "aligned images"):
        source = PairFile(name, root, 2)
        assert len(source.pairs()) == 4
        assert [(one.name, one.identity, one.split) for one in source.samples(8, 8)] == [
            ("0.jpg", -1, "train"),
            ("1.jpg", -1, "train"),
        ]
    (tmp_path / file).unlink()
    with pytest.raises(DistillError, match=rf"has no list of pairs in it or beside it; expected .*{file}"):
        PairFile(name, tmp_path / "aligned images", 2).pairs()
