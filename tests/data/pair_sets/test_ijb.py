"""Lists of templates in both forms, and each fault of them."""

from pathlib import Path

import pytest

from distill.data.pair_sets.ijb import Ijb
from distill.errors import DistillError
from tests.data.sources.test_folder import put


def ijb(place: Path, templates: str, pairs: str, ending: str = "txt") -> Ijb:
    names = {"txt": ("meta/ijbc_face_tid_mid.txt", "meta/ijbc_template_pair_label.txt")}
    names["csv"] = ("templates.csv", "template_pairs.csv")
    put(place, "loose_crop/1.jpg", "loose_crop/2.jpg", "loose_crop/3.jpg")
    for name, text in zip(names[ending], (templates, pairs), strict=True):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text)
    return Ijb("ijb", place)


TEXT = "1.jpg 1 69544\n2.jpg 1 3720\n3.jpg 20 3720\n"
TABLE = "TEMPLATE_ID,SUBJECT_ID,FILENAME,SIGHTING_ID,FACE_X\n1,7,1.jpg,69544,3\n1,7,2.jpg,3720,4\n20,9,3.jpg,3720,5\n"


@pytest.mark.parametrize(("templates", "ending"), [(TEXT, "txt"), (TABLE, "csv")])
@pytest.mark.parametrize("head", ["", "T1,T2,SAME\n"])
def test_both_forms(tmp_path: Path, templates: str, ending: str, head: str) -> None:
    lines = "1,20,0\n20,1,1\n"
    source = ijb(tmp_path, templates, head + lines if head else lines.replace(",", " "), ending)
    rows, pairs = source.templates(), source.pairs()
    assert rows.files == ["1.jpg", "2.jpg", "3.jpg"] and rows.templates.tolist() == [1, 1, 20]
    assert rows.media.tolist() == [69544, 3720, 3720]
    people = [7, 7, 9] if ending == "csv" else [-1, -1, -1]
    assert rows.subjects.tolist() == people == [one.identity for one in source.samples(8, 8)]
    assert (pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist()) == ([1, 20], [20, 1], [False, True])


@pytest.mark.parametrize(
    ("templates", "ending", "message"),
    [
        ("1.jpg 1\n", "txt", r"face_tid_mid\.txt:1: '1\.jpg 1', expected a picture, a template and a media"),
        ("1.jpg one 2\n", "txt", r"face_tid_mid\.txt:1: '1\.jpg one 2'"),
        ("\n", "txt", r"face_tid_mid\.txt: holds no template"),
        ("TEMPLATE_ID,FILENAME\n1,1.jpg\n", "csv", r"templates\.csv:1: no column MEDIA_ID; expected TEMPLATE_ID"),
        (TABLE.replace("20,9", "x,9"), "csv", r"templates\.csv:4: TEMPLATE_ID is 'x', expected a whole number"),
        (TABLE.replace("1,7,2", "1,8,2"), "csv", r"templates\.csv: template 1 is of two people"),
        (TABLE.replace("3.jpg", "2.jpg"), "csv", r"templates\.csv: picture 2\.jpg is of two people"),
    ],
)
def test_faults_of_templates(tmp_path: Path, templates: str, ending: str, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        ijb(tmp_path, templates, "1 20 1\n", ending).templates()


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("1 20\n", r"template_pair_label\.txt: expected two templates and 1 \(one person\) or 0"),
        ("1 20 2\n", r"template_pair_label\.txt: expected two templates and 1"),
        ("1 20 1\n1 x 0\n", r"template_pair_label\.txt: could not convert string 'x'.*; expected two templates"),
        ("1 20 1\n1 1 0\n", r"template_pair_label\.txt: template 1 is paired with itself"),
        ("\n", r"template_pair_label\.txt: begins with an empty line"),
    ],
)
def test_faults_of_pairs(tmp_path: Path, pairs: str, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        ijb(tmp_path, TEXT, pairs).pairs()


def test_missing_lists_are_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"has no templates\.csv or \*face_tid_mid\.txt in it or in meta"):
        Ijb("ijb", tmp_path).templates()
