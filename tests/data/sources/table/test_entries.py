"""Several rows of one picture: the same counts once; a contradiction is left out, named and never settled by order."""

from pathlib import Path

import pytest

from distill.data.prepared.contradictions import check_contradictions
from distill.data.prepared.pictures import Pictures
from distill.data.sources.table import Table
from distill.errors import DistillError
from tests.helpers.listed import put, run


def rows_of(root: Path, extra: str, header: str = "file,label") -> Table:
    """Forty pictures of two classes, and more rows."""
    put(root / "photos", 40)
    rows = "".join(f"{n:03d}.png,{'xy'[n % 2]}\n" for n in range(40))
    (root / "t.csv").write_text(f"{header}\n{rows}{extra}")
    return Table(csv=root / "t.csv", root=root / "photos")


def test_the_same_row_again_counts_once_and_is_said(tmp_path: Path) -> None:
    source = rows_of(tmp_path, "000.png,x\n000.png,x\n001.png,y\n")
    samples = source.samples(10, 8)
    assert len(samples) == 40 and samples[0].name == "000.png"
    assert source.remarks() == (f"{source.csv}: 3 rows say what another says already, and count once.",)
    prepared = run(source, tmp_path / "set")
    assert len(Pictures.of(prepared, "train")) == 40 and not prepared.ledger


def test_what_one_row_leaves_open_another_may_say(tmp_path: Path) -> None:
    put(tmp_path, 2)
    (tmp_path / "t.csv").write_text("file,a,b\n000.png,1,\n000.png,,0\n001.png,0,1\n")
    source = Table(csv=tmp_path / "t.csv", attributes=("a", "b"))
    assert [(sample.name, sample.labels) for sample in source.samples(8, 8)] == [
        ("000.png", (1, 0)),
        ("001.png", (0, 1)),
    ]
    assert "1 pictures have rows of which one says what another leaves open" in source.remarks()[0]


@pytest.mark.parametrize("reverse", [False, True])
def test_a_contradiction_is_named_with_both_lines_and_counted(
    tmp_path: Path, reverse: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["000.png,y", "000.png,x", "000.png,"]
    source = rows_of(tmp_path, "\n".join(more[::-1] if reverse else more) + "\n")
    prepared = run(source, tmp_path / "set")
    names = {prepared.names[row] for row in Pictures.of(prepared, "train").rows[0]}
    assert len(names) == 39 and not any("000.png" in name for name in names)
    check_contradictions(prepared, 0.05, "data")
    said = capsys.readouterr().err
    line = 44 if reverse else 42
    assert "data: 2 of 41 files show photographs that are labelled in two ways" in said
    assert f"000.png (line 2): contradiction: x here, y in 000.png (line {line})" in said
    with pytest.raises(DistillError, match=r"^data: 2 of 41 files .* more than max_bad_share = 1\.00%"):
        check_contradictions(prepared, 0.01, "data")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("file,a,b\n000.png,1,0\n000.png,1,1\n001.png,0,1\n", {"attributes": ("a", "b")}),
        ("file,who\n000.png,Ann\n000.png,Bob\n001.png,Bob\n", {"identity": "who"}),
    ],
)
def test_attributes_and_people_contradict_each_other_too(tmp_path: Path, text: str, keys: dict[str, object]) -> None:
    put(tmp_path, 2)
    (tmp_path / "t.csv").write_text(text)
    prepared = run(Table(csv=tmp_path / "t.csv", **keys), tmp_path / "set")  # type: ignore[arg-type]
    assert [name for name, _ in prepared.ledger] == ["000.png (line 2)", "000.png (line 3)"]
    assert all(reason.startswith("contradiction: ") for _, reason in prepared.ledger)


@pytest.mark.parametrize("order", [("train", "test"), ("test", "train")])
def test_a_picture_in_two_parts_is_in_the_one_it_is_scored_in(tmp_path: Path, order: tuple[str, str]) -> None:
    put(tmp_path, 3)
    rows = "".join(f"000.png,x,{part}\n" for part in order)
    (tmp_path / "t.csv").write_text(f"file,label,split\n{rows}001.png,y,train\n002.png,y,test\n")
    source = Table(csv=tmp_path / "t.csv")
    assert [sample.split for sample in source.samples(8, 8)] == ["test", "train", "test"]
    assert "1 pictures are in several parts" in source.remarks()[0]
