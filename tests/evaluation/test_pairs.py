"""pairs.txt: what is read from it, and that each fault of a file is named by its line."""

from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.evaluation.pairs import Pair, missing_pictures, present_pairs, read_pairs

LINES = [
    "2\t2",
    "Abel_Pacheco\t1\t4",
    "Akhmed_Zakayev\t1\t3",
    "Abel_Pacheco\t1\tDean_Barker\t1",
    "Ali\t12\tDean_Barker\t2",
    "Ann_Veneman\t10\t11",
    "Ann_Veneman\t3\t5",
    "Ann_Veneman\t3\tAli\t1",
    "Ann_Veneman\t3\tBo\t10000",
]


TABLE = [
    "name,imagenum1,imagenum2,",
    *(",".join(line.split("\t")) + "," * (4 - len(line.split("\t"))) for line in LINES[1:]),
]
"""The same rows as Kaggle has them."""


def table(folder: Path, lines: list[str], end: str = "\n") -> Path:
    file = folder / "pairs.csv"
    file.write_text(end.join(lines) + end, encoding="utf-8")
    return file


def written(folder: Path, lines: list[str], end: str = "\n") -> Path:
    file = folder / "pairs.txt"
    file.write_text(end.join(lines) + end, encoding="utf-8")
    return file


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_official_layout(tmp_path: Path, end: str) -> None:
    pairs = read_pairs(written(tmp_path, LINES, end))
    assert pairs[0] == Pair("Abel_Pacheco/Abel_Pacheco_0001.jpg", "Abel_Pacheco/Abel_Pacheco_0004.jpg", True, 1)
    assert pairs[3] == Pair("Ali/Ali_0012.jpg", "Dean_Barker/Dean_Barker_0002.jpg", False, 1)
    assert pairs[7].second == "Bo/Bo_10000.jpg"
    assert [pair.fold for pair in pairs] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert [pair.same for pair in pairs] == [True, True, False, False] * 2


@pytest.mark.parametrize(
    ("line", "content", "message"),
    [
        (1, "2", "first line is '2', expected the number of folds"),
        (1, "two 2", "first line"),
        (1, "0 2", "first line is '0 2'"),
        (1, "2 0", "first line is '2 0'"),
        (1, "2 3", "8 pairs, expected 12: 2 folds of 3 genuine and 3 impostor"),
        (1, "1 2", "8 pairs, expected 4"),
        (3, "Akhmed_Zakayev", "line 3: 'Akhmed_Zakayev', expected"),
        (3, "Akhmed Zakayev 1 3 4", "line 3"),
        (3, "Akhmed_Zakayev one 3", "line 3"),
        (3, "Akhmed_Zakayev 0 3", "line 3: .* counted from 1"),
        (3, "Akhmed_Zakayev -1 3", "line 3"),
        (3, "Akhmed_Zakayev ² 3", "line 3"),
        (3, "Akhmed_Zakayev 3 3", "line 3: .* pairs a picture with itself"),
        (4, "Ali 1 Ali 2", "line 4: .* pairs one person as two"),
        (4, "Ali 1 2", r"fold 1 \(lines 2 to 5\) has 3 genuine and 1 impostor pairs, expected 2 of each"),
        (3, "Ali 1 Bo 2", r"fold 1 \(lines 2 to 5\) has 1 genuine and 3 impostor pairs, expected 2 of each"),
    ],
)
def test_faults_are_named_by_line(tmp_path: Path, line: int, content: str, message: str) -> None:
    lines = LINES.copy()
    lines[line - 1] = content
    with pytest.raises(DistillError, match=message):
        read_pairs(written(tmp_path, lines))


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"7 pairs, expected 8.* cut short"):
        read_pairs(written(tmp_path, LINES[:-1]))


def test_a_fold_that_repeats_another_is_refused_even_in_another_order(tmp_path: Path) -> None:
    again = ["Akhmed_Zakayev 3 1", "Abel_Pacheco 1 4", "Dean_Barker 1 Abel_Pacheco 1", "Ali 12 Dean_Barker 2"]
    with pytest.raises(DistillError, match=r"fold 3 \(lines 10 to 13\) holds the pairs of fold 1 again"):
        read_pairs(written(tmp_path, ["3 2", *LINES[1:], *again]))


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"nowhere\.txt: no such file; expected the list of pairs"):
        read_pairs(tmp_path / "nowhere.txt")
    with pytest.raises(DistillError, match="first line is ''"):
        read_pairs(written(tmp_path, []))
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(DistillError, match=r"is no text \(a picture \(JPEG\)\)"):
        read_pairs(tmp_path / "picture.jpg")


def test_missing_pictures_are_counted_listed_and_refused_unless_allowed(tmp_path: Path) -> None:
    pairs = read_pairs(written(tmp_path, LINES))
    names = {name for pair in pairs for name in (pair.first, pair.second)}
    assert present_pairs(pairs, names, allow_missing=False, left_out={}) == pairs
    gone = ["Ann_Veneman/Ann_Veneman_0003.jpg", "Bo/Bo_10000.jpg"]
    there = names - set(gone)
    assert missing_pictures(pairs, there) == gone
    with pytest.raises(DistillError, match=r"2 pictures are missing, which 3 of 8 pairs name: Ann_\w+/\w+3.jpg, Bo/"):
        present_pairs(pairs, there, allow_missing=False, left_out={})
    assert present_pairs(pairs, there, allow_missing=True, left_out={}) == pairs[:5]
    for gone, kept in (("Bo/Bo_10000.jpg", pairs[:7]), ("Ali/Ali_0012.jpg", pairs[:3] + pairs[4:])):
        assert present_pairs(pairs, names - {gone}, allow_missing=True, left_out={}) == kept


def test_a_long_list_is_shortened_and_no_pair_left_is_refused_even_if_allowed(tmp_path: Path) -> None:
    pairs = read_pairs(written(tmp_path, LINES))
    with pytest.raises(DistillError, match=r"13 pictures are missing, which 8 of 8 pairs name: .* and 8 more"):
        present_pairs(pairs, set(), allow_missing=True, left_out={})
    five = sorted({name for pair in pairs for name in (pair.first, pair.second)})[:5]
    with pytest.raises(DistillError, match=rf"5 pictures are missing, .* name: {', '.join(five)}\. Complete"):
        present_pairs(
            pairs,
            {name for pair in pairs for name in (pair.first, pair.second)} - set(five),
            allow_missing=False,
            left_out={},
        )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_has_the_pairs_and_the_folds_of_the_list(tmp_path: Path, end: str) -> None:
    assert TABLE[1] == "Abel_Pacheco,1,4," and TABLE[3] == "Abel_Pacheco,1,Dean_Barker,1"
    listed = read_pairs(written(tmp_path, LINES))
    assert read_pairs(table(tmp_path, TABLE, end)) == listed
    numbered = [f"{number}," + line for number, line in zip(["", *range(8)], TABLE, strict=True)]  # by pandas
    assert read_pairs(table(tmp_path, numbered)) == listed
    assert read_pairs(table(tmp_path, [line.rstrip(",") for line in TABLE])) == listed


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], r"pairs.csv: the first line is '', expected a header such as 'name,imagenum1,imagenum2,'"),
        (LINES, r"the first line is '2\\t2', expected a header"),
        (TABLE[1:], r"the first line is 'Abel_Pacheco,1,4,', expected a header"),
        (TABLE[:1], r"0 pairs, of which 0 of one person stand before"),
        (TABLE[:-1], r"7 pairs, of which 2 of one person .* Is the file cut short, or sorted\?"),
        ([TABLE[0], *sorted(TABLE[1:])], r"fold 3 \(lines 6 to 7\) has 2 genuine and 0 impostor"),
        ([*TABLE[:1], *TABLE[3:]], r"6 pairs, of which 0 of one person"),
        ([*TABLE[:5], *TABLE[1:5]], r"fold 2 \(lines 6 to 9\) holds the pairs of fold 1 again"),
        ([TABLE[0], "Abel,1,", *TABLE[2:]], r"line 2: 'Abel,1,', expected"),
        ([TABLE[0], "Abel,1.5,4,", *TABLE[2:]], r"line 2: 'Abel,1.5,4,', expected"),
        ([TABLE[0], f"{'A' * 200_000},1,4,", *TABLE[2:]], r"line 2: 'A{80,100}"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(DistillError, match=message) as raised:
        read_pairs(table(tmp_path, lines))
    assert len(str(raised.value)) < 700 and len(str(raised.value).splitlines()) == 1
