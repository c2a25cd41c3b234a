from collections.abc import Callable
from pathlib import Path

import pytest

from distill.data.sources.celeba import CelebA
from distill.errors import DistillError

NAMES = ("Bald", "Male", "Smiling")
ROWS = {  # attributes, split, person
    "000001.jpg": ((-1, 1, 1), 0, 2880),
    "000002.jpg": ((1, -1, -1), 2, 17),
    "000003.jpg": ((-1, -1, 1), 1, 2880),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "img_align_celeba").mkdir()
    for name in ROWS:
        (tmp_path / "img_align_celeba" / name).write_bytes(b"picture")
    rows = [f"{name} {' '.join(f'{value:2d}' for value in values)}" for name, (values, _, _) in ROWS.items()]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["3", " ".join(NAMES) + " ", *rows]) + "\n")
    (tmp_path / "list_eval_partition.txt").write_text("".join(f"{name} {row[1]}\n" for name, row in ROWS.items()))
    (tmp_path / "identity_CelebA.txt").write_text("".join(f"{name} {row[2]}\n" for name, row in ROWS.items()))
    return tmp_path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_official_files_are_read(root: Path) -> None:
    source = CelebA(root=root)
    assert source.classes() == NAMES
    found = {
        sample.name: (tuple(2 * label - 1 for label in sample.labels), sample.split, sample.identity)
        for sample in source.samples(8, 8)
    }
    split = ("train", "validation", "test")
    assert found == {name: (values, split[number], person) for name, (values, number, person) in ROWS.items()}
    assert [sample.picture for sample in source.samples(8, 8)] == [root / "img_align_celeba" / name for name in ROWS]


def test_attributes_are_chosen_in_the_order_asked_for(root: Path) -> None:
    source = CelebA(root=root, attributes=("Smiling", "Bald"))
    assert source.classes() == ("Smiling", "Bald")
    assert [sample.labels for sample in source.samples(8, 8)] == [(1, 0), (0, 1), (1, 0)]


def test_identities_are_optional(root: Path) -> None:
    edit(root / "identity_CelebA.txt", "000002.jpg 17\n", "")
    assert [sample.identity for sample in CelebA(root=root).samples(8, 8)] == [2880, -1, 2880]
    (root / "identity_CelebA.txt").unlink()
    assert [sample.identity for sample in CelebA(root=root).samples(8, 8)] == [-1, -1, -1]


def test_another_partition_chooses_the_pictures(root: Path, tmp_path: Path) -> None:
    partition = tmp_path / "mine.txt"
    partition.write_text("000003.jpg 2\n000001.jpg 1\n")
    samples = CelebA(root=root, partition=partition).samples(8, 8)
    assert [(sample.name, sample.split) for sample in samples] == [("000003.jpg", "test"), ("000001.jpg", "validation")]


def test_a_shipped_partition_is_known_by_its_name(root: Path) -> None:
    with pytest.raises(DistillError, match=r"celeba_10000\.txt: '000004\.jpg' has no row"):
        CelebA(root=root, partition=Path("celeba_10000")).samples(8, 8)


def test_the_state_follows_lists_and_pictures(root: Path) -> None:
    source = CelebA(root=root)
    states = [source.state(), source.state()]
    assert states[0] == states[1]
    edit(root / "list_attr_celeba.txt", "000001.jpg -1", "000001.jpg  1")
    states.append(source.state())
    (root / "img_align_celeba" / "000002.jpg").write_bytes(b"another picture")
    states.append(source.state())
    (root / "img_align_celeba" / "000002.jpg").unlink()
    states.append(source.state())
    assert len(set(states)) == 4


@pytest.mark.parametrize("missing", ["list_attr_celeba.txt", "list_eval_partition.txt"])
def test_a_missing_list_is_named(root: Path, missing: str) -> None:
    (root / missing).unlink()
    with pytest.raises(DistillError, match=rf"{missing}: no such file; expected"):
        CelebA(root=root).samples(8, 8)


def test_a_missing_root_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"root: not set; expected .* list_attr_celeba\.txt"):
        CelebA().classes()
    with pytest.raises(DistillError, match=r"root: .*nowhere is not a directory"):
        CelebA(root=tmp_path / "nowhere").samples(8, 8)


def test_missing_pictures_directory_is_named(root: Path) -> None:
    (root / "img_align_celeba").rename(root / "images")
    with pytest.raises(DistillError, match=r"img_align_celeba is missing"):
        CelebA(root=root).samples(8, 8)


def test_an_unknown_attribute_lists_the_valid_ones(root: Path) -> None:
    with pytest.raises(DistillError, match=r"attributes: 'Smilling' .* Bald, Male, Smiling"):
        CelebA(root=root, attributes=("Male", "Smilling")).classes()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("list_attr_celeba.txt", "3\n", "4\n", r"list_attr_celeba\.txt: 3 rows, but its first line says 4"),
        ("list_attr_celeba.txt", "3\n", "many\n", r"list_attr_celeba\.txt:1: 'many'"),
        ("list_attr_celeba.txt", "000002.jpg  1 -1 -1", "000002.jpg  1 -1", r"list_attr_celeba\.txt:4: .* 3 values"),
        ("list_attr_celeba.txt", "000002.jpg  1 -1 -1", "000002.jpg  1 -1 0", r"list_attr_celeba\.txt:4: "),
        ("list_attr_celeba.txt", "000002.jpg  1 -1 -1", "", r"list_attr_celeba\.txt:4: ''"),
        ("list_attr_celeba.txt", "000003", "000001", r"list_attr_celeba\.txt:5: '000001\.jpg' has a row already"),
        ("list_eval_partition.txt", "000002.jpg 2", "000002.jpg 3", r"list_eval_partition\.txt:2: '000002\.jpg 3'"),
        ("list_eval_partition.txt", "000002.jpg 2", "000002.jpg", r"list_eval_partition\.txt:2: .* 0, 1 or 2"),
        ("list_eval_partition.txt", "000003", "000002", r"list_eval_partition\.txt:3: '000002\.jpg' has a row already"),
        (
            "list_eval_partition.txt",
            "000003",
            "000009",
            r"list_eval_partition\.txt: '000009\.jpg' has no row in .*attr",
        ),
        ("identity_CelebA.txt", "17", "Ann", r"identity_CelebA\.txt:2: '000002\.jpg Ann'"),
    ],
)
def test_a_malformed_list_is_named_with_its_line(root: Path, file: str, old: str, new: str, message: str) -> None:
    edit(root / file, old, new)
    with pytest.raises(DistillError, match=message):
        CelebA(root=root).samples(8, 8)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("list_attr_celeba.txt", "3\n", "9" * 5_000 + "\n"),
        ("list_attr_celeba.txt", "\n000003.jpg", "\nLONG -1 -1 1\nLONG"),
        ("list_eval_partition.txt", "000003.jpg 1", "LONG 1"),
        ("list_eval_partition.txt", "000003.jpg", "LONG 1\nLONG"),
    ],
)
def test_of_a_name_of_5000_letters_an_error_repeats_the_beginning(root: Path, file: str, old: str, new: str) -> None:
    edit(root / file, old, new.replace("LONG", "x" * 5_000))
    if old.startswith("\n"):  # a row more
        edit(root / file, "3\n", "4\n")
    with pytest.raises(DistillError, match=rf"{file}") as caught:
        CelebA(root=root).samples(8, 8)
    assert len(str(caught.value).replace(str(root), "")) < 400


def test_of_many_attributes_an_error_names_the_first(root: Path) -> None:
    edit(root / "list_attr_celeba.txt", "Smiling", "S" * 5_000)
    with pytest.raises(DistillError, match=r"attributes: 'Smiling' is not in .*, which has Bald, Male, S+ \.\.\.\.$"):
        CelebA(root=root, attributes=("Smiling",)).classes()


def test_a_list_that_is_no_text_is_named(root: Path) -> None:
    (root / "list_eval_partition.txt").write_bytes(b"\x89PNG\xff\xff")
    with pytest.raises(DistillError, match=r"list_eval_partition\.txt: is no text \(a picture"):
        CelebA(root=root).samples(8, 8)


def as_csv(root: Path) -> None:
    """The lists as Kaggle has them: commas and a header; the pictures in a folder within their folder."""
    rows = [f"{name},{','.join(map(str, values))}" for name, (values, _, _) in ROWS.items()]
    lists = {
        "list_attr_celeba": [f"image_id,{','.join(NAMES)}", *rows],
        "list_eval_partition": ["image_id,partition", *(f"{name},{row[1]}" for name, row in ROWS.items())],
    }
    for name, lines in lists.items():
        (root / f"{name}.txt").unlink()
        (root / f"{name}.csv").write_bytes("\r\n".join([*lines, ""]).encode())
    (root / "img_align_celeba").rename(root / "inner")
    (root / "img_align_celeba").mkdir()
    (root / "inner").rename(root / "img_align_celeba" / "img_align_celeba")


def test_kaggles_form_says_the_same(root: Path) -> None:
    source = CelebA(root=root)
    before = [(sample.name, sample.labels, sample.identity, sample.split) for sample in source.samples(8, 8)]
    as_csv(root)
    after = source.samples(8, 8)
    assert source.classes() == NAMES
    assert [(sample.name, sample.labels, sample.identity, sample.split) for sample in after] == before
    assert all(isinstance(sample.picture, Path) and sample.picture.is_file() for sample in after)
    edit(root / "list_attr_celeba.csv", f"image_id,{','.join(NAMES)}\r\n".replace("\r", ""), "")
    with pytest.raises(DistillError, match=r"list_attr_celeba\.csv:1: '000001\.jpg,-1,1,1', expected the names"):
        source.classes()


def quoted(text: str) -> str:
    return "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines())


def numbered(text: str) -> str:
    """With pandas' index."""
    return "\n".join(f"{number or ''},{line}" for number, line in enumerate(text.splitlines()))


@pytest.mark.parametrize(
    "rewritten",
    [quoted, numbered, lambda text: text.replace(",", ";"), lambda text: text.replace("-1", "0")],
)
def test_csv_lists_that_somebody_wrote_again(root: Path, rewritten: Callable[[str], str]) -> None:
    before = [(sample.name, sample.labels, sample.split) for sample in CelebA(root=root).samples(8, 8)]
    as_csv(root)
    for file in root.glob("*.csv"):
        file.write_text(rewritten(file.read_text()))
    source = CelebA(root=root)
    assert source.classes() == NAMES
    assert [(sample.name, sample.labels, sample.split) for sample in source.samples(8, 8)] == before
    text = (root / "list_attr_celeba.csv").read_text()
    (root / "list_attr_celeba.csv").write_text(text.replace("1", "-1", 1).replace("1", "0") + "000001.jpg,2,2,2")
    with pytest.raises(DistillError, match=r"list_attr_celeba\.csv"):
        source.samples(8, 8)


def test_an_archive_unpacked_in_a_folder_of_its_name(root: Path) -> None:
    before = [(sample.name, sample.labels, sample.split) for sample in CelebA(root=root).samples(8, 8)]
    as_csv(root)
    for file in list(root.glob("*.csv")):
        file.rename(root / "moved")
        file.mkdir()
        (root / "moved").rename(file / file.name)
    assert [(sample.name, sample.labels, sample.split) for sample in CelebA(root=root).samples(8, 8)] == before


@pytest.mark.parametrize("folder", ["img_align_celeba", "img_align_celeba_png"])
def test_pictures_as_png_while_lists_say_jpg(root: Path, folder: str) -> None:
    pictures = (root / "img_align_celeba").rename(root / folder)
    for file in list(pictures.iterdir()):
        file.rename(file.with_suffix(".png"))
    samples = CelebA(root=root).samples(8, 8)
    assert [sample.name for sample in samples] == list(ROWS)
    assert [sample.picture for sample in samples] == [pictures / f"{name[:-4]}.png" for name in ROWS]


def test_a_csv_list_without_its_header_loses_no_row(root: Path) -> None:
    as_csv(root)
    edit(root / "list_eval_partition.csv", "image_id,partition\n", "")
    assert [sample.name for sample in CelebA(root=root).samples(8, 8)] == list(ROWS)


def test_a_byte_order_mark_is_no_number(root: Path) -> None:
    before = CelebA(root=root).samples(8, 8)
    for file in root.glob("*.txt"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert CelebA(root=root).samples(8, 8) == before


def test_the_authors_folders(root: Path) -> None:
    before = [(sample.name, sample.labels, sample.split) for sample in CelebA(root=root).samples(8, 8)]
    for folder, names in (
        ("Anno", ("list_attr_celeba.txt", "identity_CelebA.txt")),
        ("Eval", ("list_eval_partition.txt",)),
        ("Img", ("img_align_celeba",)),
    ):
        (root / folder).mkdir()
        for name in names:
            (root / name).rename(root / folder / name)
    assert [(sample.name, sample.labels, sample.split) for sample in CelebA(root=root).samples(8, 8)] == before


def test_missing_says_what_lies_there(root: Path) -> None:
    (root / "list_attr_celeba.txt").rename(root / "attributes.txt")
    with pytest.raises(DistillError, match=r"list_attr_celeba\.txt: no such file; .* there are .*, attributes\.txt"):
        CelebA(root=root).classes()
    with pytest.raises(DistillError, match=rf"root: .*/nowhere is not a directory; .* In {root} there are "):
        CelebA(root=root / "nowhere").classes()


def test_a_long_line_is_not_repeated(root: Path) -> None:
    edit(root / "list_attr_celeba.txt", "000002.jpg  1 -1 -1", "x" * 100_000)
    with pytest.raises(DistillError) as error:
        CelebA(root=root).samples(8, 8)
    assert len(str(error.value).replace(str(root), "")) < 400
