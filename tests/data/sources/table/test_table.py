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


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
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


@pytest.mark.parametrize("end", ["", ".0"])
def test_parts_in_numbers_are_celebas_and_that_is_said(tmp_path: Path, end: str) -> None:
    text = "file,label,partition\na.jpg,x,0\nb.JPG,y,1\nc.png,x,2\n".replace("\n", f"{end}\n").replace("n.0", "n")
    source = table(tmp_path, text)
    assert [sample.split for sample in source.samples(8, 8)] == ["train", "validation", "test"]
    assert any("partition is in numbers, read as CelebA's: 0 train" in remark for remark in source.remarks())
    with pytest.raises(DistillError, match=r"table\.csv:2: partition is '0.*0 and 1 without a 2 may be any two parts"):
        table(tmp_path, text.replace("x,2", "x,1")).samples(8, 8)


@pytest.mark.parametrize(
    ("words", "split"),
    [
        (("TRAIN", "train_set", "Training set", "trainval", "training-images"), "train"),
        (("VALID", "Dev", "val set", "Validation", "eval", "validate"), "validation"),
        (("Testing", "TEST ", "testset", "test_data"), "test"),
    ],
)
def test_parts_in_any_spelling(tmp_path: Path, words: tuple[str, ...], split: str) -> None:
    for word in words:
        text = f"file,label,split\na.jpg,x,{word}\nb.JPG,y,train\n"
        assert table(tmp_path, text).samples(8, 8)[0].split == split, word


def test_what_is_unlabelled_is_for_training_only_where_no_column_says_otherwise(tmp_path: Path) -> None:
    text = "file,label,split\na.jpg,x,train\nb.JPG,,test\nc.png,y,test\nd.jpeg,,train\n"
    source = table(tmp_path, text)
    assert [(sample.split, sample.labels) for sample in source.samples(8, 8)] == [
        ("train", (1, 0)),
        ("test", (-1, -1)),
        ("test", (0, 1)),
        ("train", (-1, -1)),
    ]
    (remark,) = source.remarks()
    assert "2 of 4 pictures have no label: 1 for training" in remark and "1 of validation and test" in remark
    put(tmp_path / "photos", *(f"{n}.jpg" for n in range(20)))
    rows = "".join(f"{n}.jpg,{'Ann' if n % 2 else 'Bob'},{n % 2}\n" for n in range(10))
    rows += "".join(f"{n}.jpg,,\n" for n in range(10, 20))
    for keys in ({"identity": "person"}, {"attributes": ("tall",)}):
        samples = table(tmp_path, f"file,person,tall\n{rows}", test=0.5, **keys).samples(8, 8)
        assert {sample.split for sample in samples[10:]} == {"train"}
        assert {sample.split for sample in samples[:10]} == {"train", "test"}


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
        (
            "a.jpg,x\nb.JPG,y\n",
            r"^file: .*only 'a\.jpg, x'\. Its first line is a row, and a header is expected above it",
        ),
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_excel_writes_is_read(tmp_path: Path, encoding: str) -> None:
    put(tmp_path, "ä.jpg", "b.jpg")
    mark = "\ufeff" if encoding.endswith("e") else ""
    text = f"{mark}file\tlabel\r\nä.jpg\tgroß\r\nb.jpg\tklein\r\n"
    (tmp_path / "t.txt").write_bytes(text.encode(encoding))
    source = Table(csv=tmp_path / "t.txt")
    assert source.classes() == ("groß", "klein") and source.samples(8, 8)[0].name == "ä.jpg"
    for content in (text.removeprefix(mark).encode("cp1252"), text.removeprefix(mark).encode("utf-16-le")):
        (tmp_path / "t.txt").write_bytes(content)
        with pytest.raises(DistillError, match=r't\.txt: .*Save it in UTF-8 \("CSV UTF-8" in Excel\)\.$'):
            source.classes()


@pytest.mark.parametrize("first", ["", "Unnamed: 0"])
def test_the_index_of_pandas_is_passed_over_and_that_is_said(tmp_path: Path, first: str) -> None:
    source = table(tmp_path, f"{first},file,label\n0,a.jpg,x\n1,b.JPG,y\n")
    assert [sample.labels for sample in source.samples(8, 8)] == [(1, 0), (0, 1)]
    assert source.remarks() == (f"{source.csv}: columns without a name (number 1) are not read.",)


def test_separators_that_excel_names_and_leaves_at_the_end(tmp_path: Path) -> None:
    source = table(tmp_path, "sep=;\r\nfile;label\r\na.jpg;x;;\r\nb.JPG;y\r\n;;\r\n")
    assert [sample.labels for sample in source.samples(8, 8)] == [(1, 0), (0, 1)]
    with pytest.raises(DistillError, match=r"table\.csv:3: 3 cells"):
        table(tmp_path, "sep=;\r\nfile;label\r\na.jpg;x;z\r\n").samples(8, 8)


def test_whole_numbers_are_in_their_own_order(tmp_path: Path) -> None:
    text = "file,label\na.jpg,10\nb.JPG,2\nc.png,1\n"
    assert table(tmp_path, text).classes() == ("1", "2", "10")
    assert table(tmp_path, text.replace(",1\n", ",1b\n")).classes() == ("10", "1b", "2")


def test_pictures_in_the_one_folder_beside_a_table_are_found_and_that_is_said(tmp_path: Path) -> None:
    source = Table(csv=table(tmp_path, "file,label\na.jpg,x\nb.JPG,y\nmissing.jpg,y\n").csv)
    put(tmp_path / "other", "a.jpg")
    assert source.samples(8, 8)[0].picture == tmp_path / "photos" / "a.jpg"
    assert source.remarks() == (
        f"{source.csv}: its pictures are not beside it but in {tmp_path}/photos, which is taken for root.",
    )
    put(tmp_path / "other", "b.JPG")  # which of the two is meant, nobody says
    with pytest.raises(DistillError, match=rf"^root: 3 of the 3 pictures of .* are not in {tmp_path}: a\.jpg"):
        source.samples(8, 8)
    put(tmp_path, "a.jpg", "b.JPG")
    assert source.samples(8, 8)[0].picture == tmp_path / "a.jpg" and source.remarks() == ()


@pytest.mark.parametrize("header", ["Image Name,Class Name", "IMG_PATH,Labels", "image-id,Species"])
def test_columns_as_people_call_them(tmp_path: Path, header: str) -> None:
    source = table(tmp_path, f"{header}\na.jpg,x\nb.JPG,y\n")
    assert source.classes() == ("x", "y") and source.remarks() == ()


def test_what_may_have_been_meant_otherwise_is_said(tmp_path: Path) -> None:
    text = "id,label,class_name\na.jpg,1,x|y\nb.JPG,2,x\n"
    (said,) = table(tmp_path, text).remarks()
    assert "the class is read from label, not from class_name; label names another" in said
    assert table(tmp_path, text, label="label").remarks() == ()
    (said,) = table(tmp_path, text, label="class_name").remarks()
    assert "1 classes of class_name look like lists, such as 'x|y'" in said and "tags: class_name reads them" in said
    (said,) = table(tmp_path, "image,MEL,NV\na.jpg,1,0\n").remarks()
    assert "nothing says what is shown: name it by label, attributes, tags or identity, among 'image, MEL, NV'" in said


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


def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "t.csv").write_bytes(b"file,label\na.jpg,x\nb.jpg,y\nc\0.jpg,x\n")
    with pytest.raises(DistillError, match=r"t\.csv: holds NUL characters"):
        Table(csv=tmp_path / "t.csv").samples(8, 8)
