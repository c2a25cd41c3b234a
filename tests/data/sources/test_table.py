"""A table says what its pictures are: classes, attributes, people and parts, whatever program wrote it."""

from pathlib import Path

import pytest

from distill.data.sources.table import Table
from distill.errors import DistillError
from tests.data.sources.test_folder import put


def table(root: Path, text: str, **keys: object) -> Table:
    """A table in a directory beside its pictures a.jpg to d.jpg."""
    put(root / "photos", "a.jpg", "b.JPG", "c.png", "d.jpeg")
    (root / "table.csv").write_text(text, encoding="utf-8")
    return Table(csv=root / "table.csv", root=root / "photos", **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_class_a_row(tmp_path: Path, separator: str, mark: str, end: str) -> None:
    rows = [("File", "Breed", "note"), ("a.jpg", "pug", "x"), ("b.JPG", " beagle ", ""), ("c.png", "", "y")]
    source = table(tmp_path, mark + end.join(separator.join(row) for row in rows) + end + end)
    assert source.classes() == ("beagle", "pug")
    found = [(sample.name, sample.picture, sample.labels, sample.split) for sample in source.samples(8, 8)]
    assert found == [
        ("a.jpg", tmp_path / "photos" / "a.jpg", (0, 1), "train"),
        ("b.JPG", tmp_path / "photos" / "b.JPG", (1, 0), "train"),
        ("c.png", tmp_path / "photos" / "c.png", (-1, -1), "train"),
    ]


def test_columns_are_named_where_they_are_called_otherwise(tmp_path: Path) -> None:
    source = table(tmp_path, "label,where,what\n1,a.jpg,pug\n2,d.jpeg,beagle\n", file="where", label="what")
    assert source.classes() == ("beagle", "pug") and [s.name for s in source.samples(8, 8)] == ["a.jpg", "d.jpeg"]
    with pytest.raises(
        DistillError, match=r"^file: .*table\.csv has none of the columns file, .*only 'label, where, what'"
    ):
        Table(csv=source.csv).samples(8, 8)
    with pytest.raises(DistillError, match=r"^label: .*has no column 'whta', only 'label, where, what'"):
        Table(csv=source.csv, file="where", label="whta").classes()


def test_a_name_without_ending_stands_for_the_picture(tmp_path: Path) -> None:
    source = table(tmp_path, "id,breed\na,pug\nb,beagle\nsub/e,pug\nf.g,pug\n")
    put(tmp_path / "photos", "sub/e.webp", "sub/f.g.jpg")
    names = [sample.picture for sample in source.samples(8, 8)]
    assert names == [tmp_path / "photos" / name for name in ("a.jpg", "b.JPG", "sub/e.webp", "sub/f.g.jpg")]
    put(tmp_path / "photos", "a.png")
    with pytest.raises(DistillError, match=r"photos/a\.(jpg|png): a\.(jpg|png) beside it is called the same"):
        source.samples(8, 8)


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (("1", "0", ""), (1, 0, -1)),
        (("1", "-1", "1"), (1, 0, 1)),
        (("True", "false", "yes"), (1, 0, 1)),
        (("1", "0", "-1"), (1, 0, -1)),
        (("1.0", "0.0", "NaN"), (1, 0, -1)),
    ],
)
def test_an_attribute_a_column(tmp_path: Path, cells: tuple[str, ...], labels: tuple[int, ...]) -> None:
    text = f"file,Bald,Male,Young,other\na.jpg,{','.join(cells)},7\n"
    source = table(tmp_path, text, attributes=("Bald", "Male", "Young"))
    assert source.classes() == ("Bald", "Male", "Young") and source.samples(8, 8)[0].labels == labels
    with pytest.raises(DistillError, match=r"table\.csv:2: other is '7', expected 1 or 0"):
        table(tmp_path, text, attributes=("other",)).samples(8, 8)


def test_attributes_as_a_list(tmp_path: Path) -> None:
    source = table(tmp_path, 'file,tags\na.jpg,"Male, Young"\nb.JPG,Bald|Male\nc.png,\n', tags="tags")
    assert source.classes() == ("Bald", "Male", "Young")
    assert [sample.labels for sample in source.samples(8, 8)] == [(0, 1, 1), (1, 1, 0), (0, 0, 0)]


def test_people(tmp_path: Path) -> None:
    text = "image,person,label\na.jpg,Ann,x\nb.JPG,Bob,x\nc.png,Ann,x\nd.jpeg,,x\n"
    source = table(tmp_path, text, identity="person", test=0.5)
    samples = source.samples(8, 8)
    assert source.classes() == () and [sample.identity for sample in samples] == [0, 1, 0, -1]
    assert samples[0].split == samples[2].split  # a person is in one part


def test_a_column_says_the_part(tmp_path: Path) -> None:
    text = "file,label,Split\na.jpg,x,Training\nb.JPG,y,val\nc.png,x,TEST\n"
    assert [sample.split for sample in table(tmp_path, text).samples(8, 8)] == ["train", "validation", "test"]
    with pytest.raises(DistillError, match=r"the column Split of .* says which part"):
        table(tmp_path, text, validation=0.1).samples(8, 8)
    with pytest.raises(DistillError, match=r"table\.csv:3: Split is 'held', expected one of train, training, "):
        table(tmp_path, text.replace("val", "held")).samples(8, 8)


def test_shares_of_each_class_are_held_out(tmp_path: Path) -> None:
    put(tmp_path, *(f"{breed}{n}.jpg" for breed in "pb" for n in range(20)))
    rows = "".join(f"{breed}{n}.jpg,{breed}\n" for breed in "pb" for n in range(20))
    (tmp_path / "t.csv").write_text(f"file,label\n{rows}")
    samples = Table(csv=tmp_path / "t.csv", validation=0.1, test=0.25).samples(8, 8)
    for breed in "pb":
        splits = [sample.split for sample in samples if sample.name.startswith(breed)]
        assert [splits.count(split) for split in ("train", "validation", "test")] == [13, 2, 5]
    (tmp_path / "t.csv").write_text(f"file,label\n{rows}one.jpg,one\n")
    with pytest.raises(DistillError, match="has 1 of one, too few to hold some out"):
        Table(csv=tmp_path / "t.csv", test=0.25).samples(8, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"table\.csv:1: '', expected the names of the columns"),
        ("file,file\n", r"table\.csv:1: 'file,file', expected the names of the columns, each once"),
        ("file,label\n", r"table\.csv: no rows after the header"),
        ("file,label\na.jpg,x,y\n", r"table\.csv:2: 3 cells, and the header has 2, separated by ','"),
        ("file,label\na.jpg,x\na.jpg,y\n", r"table\.csv:3: 'a\.jpg' has a row already, line 2"),
        ("file,label\n,x\na.jpg,y\n", r"table\.csv:2: file is empty"),
        ("file,label\na.jpg,x\nb.JPG,x\n", r"^label: the column label of .* holds 1 classes \(x\)"),
        ('file,label\n"a.jpg,x\n', r"table\.csv:2: cannot be read as CSV"),
        (
            "file,label\nx/a.jpg,x\nx/b.jpg,y\n",
            r"^root: 2 of the 2 pictures of .* are not in .*photos: x/a\.jpg, x/b\.jpg\. In .*photos there are a\.jpg",
        ),
    ],
)
def test_a_malformed_table_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        table(tmp_path, text).samples(8, 8)


@pytest.mark.parametrize("size", [150, 5000, 10**6])
def test_a_long_row_is_not_repeated(tmp_path: Path, size: int) -> None:
    source = table(tmp_path, f"file,label\na.jpg,x\n{'b' * size},y\n{'c' * size},z\n")
    with pytest.raises(DistillError) as error:
        source.samples(8, 8)
    assert len(str(error.value).replace(str(tmp_path), "")) < 600


def test_keys_that_contradict_each_other() -> None:
    with pytest.raises(DistillError, match="label and tags both say what is on a picture"):
        Table(label="a", tags="b")
    with pytest.raises(DistillError, match=r"^csv: not set"):
        Table().classes()


def test_the_state_follows_table_and_pictures(tmp_path: Path) -> None:
    text = "file,label\na.jpg,x\nb.JPG,y\n"
    source = table(tmp_path, text)
    states = {source.state()}
    assert source.state() in states
    for changed in (text.replace("y", "z"), text.replace("a.jpg,x", "a.jpg,y").replace("b.JPG,y", "b.JPG,x")):
        states.add(table(tmp_path, changed).state())
    (tmp_path / "photos" / "b.JPG").write_bytes(b"another picture")
    states.add(source.state())
    assert len(states) == 4


def test_a_name_that_no_file_can_have_is_a_picture_that_is_missing(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "t.csv").write_bytes(b"file,label\na.jpg,x\nb.jpg,y\nc\0.jpg,x\n")
    table = Table(csv=tmp_path / "t.csv")
    assert len(table.samples(8, 8)) == 3 and table.state() == table.state()
