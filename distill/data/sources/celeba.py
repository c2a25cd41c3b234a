"""CelebA (Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015) in its official files.

root/img_align_celeba/000001.jpg    or img_align_celeba/img_align_celeba/000001.jpg, as archives unpack
root/list_attr_celeba.txt       the number of rows; the attribute names; then `000001.jpg -1 1 ...`
root/list_eval_partition.txt    `000001.jpg 0`: 0 train, 1 validation, 2 test
root/identity_CelebA.txt        `000001.jpg 2880`; optional

Lists are read in Kaggle's form as well: `list_attr_celeba.csv`, with a header and commas, perhaps in a folder of its
own name; and from the folders Anno and Eval, pictures from Img, as the authors publish them. Pictures may be PNG while
lists say .jpg.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Literal, TypeVar

from distill.data.sources.csv_rows import read_rows
from distill.data.sources.folder import SUFFIXES
from distill.data.sources.listing import digest, directory, walk
from distill.data.sources.source import SPLITS, Sample, Split
from distill.errors import DistillError, echo, shortened
from distill.files.nearby import nearby
from distill.files.text import read_text

Value = TypeVar("Value")

PICTURES = "img_align_celeba"
ATTRIBUTES = "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"
IDENTITIES = "identity_CelebA.txt"
HOLDS = f"{PICTURES}/, {ATTRIBUTES} and {PARTITION}"

_FOLDERS = ("", "Anno", "Eval")
_PICTURE_FOLDERS = tuple(f"{folder}{PICTURES}{end}" for folder in ("", "Img/") for end in ("", "_png"))
_VALUES = {"1": 1, "-1": 0}
_KAGGLES = {"1": 1, "0": 0}  # in a CSV file that somebody wrote again
_EXPECTED = "CelebA's official list there"


@dataclass(frozen=True)
class CelebA:
    """CelebA's aligned faces with their attributes.

    Attributes:
        root: the directory of the official files.
        partition: another partition file, or the name of a shipped one (celeba_10000); only the pictures it lists are
            used. Default: the one in ``root``.
        attributes: the attributes to learn, in this order. Default: all, in the file's order.
    """

    name: Literal["celeba"] = "celeba"
    root: Path | None = None
    partition: Path | None = None
    attributes: tuple[str, ...] | None = None

    def classes(self) -> tuple[str, ...]:
        names, _ = _header(self._file())
        return self._chosen(names)

    def samples(self, height: int, width: int) -> list[Sample]:
        labels = self._labels()
        root = self._root()
        places = _places(_pictures(root))
        partition = _list(root, PARTITION) if self.partition is None else _partition(self.partition.expanduser())
        splits = _pairs(partition, "a picture and 0, 1 or 2", _split)
        people = _list(root, IDENTITIES)
        identities = _pairs(people, "a picture and a person's number", int) if people.exists() else {}
        for name in splits:
            if name not in labels:
                raise DistillError(f"{partition}: {echo(name)} has no row in {self._file()}; expected one.")
        return [
            Sample(name, places(name), labels[name], identities.get(name, -1), split) for name, split in splits.items()
        ]

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def _root(self) -> Path:
        return directory(self.root, "root", HOLDS)

    def _file(self) -> Path:
        return _list(self._root(), ATTRIBUTES)

    def _chosen(self, names: tuple[str, ...]) -> tuple[str, ...]:
        for wanted in self.attributes or ():
            if wanted not in names:
                raise DistillError(
                    f"attributes: {echo(wanted)} is not in {self._file()}, which has {shortened(', '.join(names))}."
                )
        return names if self.attributes is None else tuple(self.attributes)

    def _labels(self) -> dict[str, tuple[int, ...]]:
        """1 or 0 for each chosen attribute of each picture in the list."""
        file = self._file()
        names, rows = _header(file)
        columns = [names.index(name) for name in self._chosen(names)]
        labels: dict[str, tuple[int, ...]] = {}
        rewritten = file.suffix == ".csv" and all("-1" not in fields for _, fields in rows)
        meanings = _KAGGLES if rewritten else _VALUES
        for number, (picture, *values) in rows:
            if len(values) != len(names) or not meanings.keys() >= set(values):
                found = echo(" ".join([picture, *values]))
                raise DistillError(f"{file}:{number}: {found}, expected a picture and {len(names)} values of 1 or -1.")
            if picture in labels:
                raise DistillError(f"{file}:{number}: {echo(picture)} has a row already; expected one a picture.")
            labels[picture] = tuple(meanings[values[column]] for column in columns)
        return labels


def _partition(named: Path) -> Path:
    shipped = Path(str(files("recipes"))) / "splits" / f"{named}.txt"
    return shipped if not named.exists() and shipped.is_file() else named


def _list(root: Path, name: str) -> Path:
    """Where a list lies, of all the places and forms it comes in; that of the official files where it is in none."""
    csv = name.replace(".txt", ".csv")
    places = [root / folder / form for folder in _FOLDERS for form in (name, csv, f"{name}/{name}", f"{csv}/{csv}")]
    return next((place for place in places if place.is_file()), places[0])


def _pictures(root: Path) -> Path:
    """The directory of the aligned pictures.

    Raises:
        DistillError: there is none.
    """
    for folder in _PICTURE_FOLDERS:
        for place in (root / folder / PICTURES, root / folder):  # an archive in a folder of its own name
            if place.is_dir():
                return place
    raise DistillError(
        f"root: {root / PICTURES} is missing; expected the aligned pictures there, or in Img/{PICTURES}. {nearby(root)}"
    )


def _places(pictures: Path) -> Callable[[str], Path]:
    """Where a picture lies that a list names; by its name without ending, where it is kept in another format."""
    by_stem: dict[str, Path] = {}

    def place(name: str) -> Path:
        if (pictures / name).is_file():
            return pictures / name
        if not by_stem:
            by_stem.update((file.stem, file) for file in walk(pictures) if file.suffix.lower() in SUFFIXES)
        return by_stem.get(PurePath(name).stem, pictures / name)

    return place


Rows = list[tuple[int, list[str]]]
"""The fields of each row, with the number of its line."""


def _fields(file: Path) -> Rows:
    """All rows of a list but empty ones at its end; of a CSV file its header first."""
    if file.suffix != ".csv":
        lines = read_text(file, _EXPECTED).rstrip().split("\n")
        return [(number, line.split()) for number, line in enumerate(lines, start=1)]
    table = read_rows(file)
    return [(1, list(table.header)), *((row.number, list(row.cells.values())) for row in table.rows)]


def _header(file: Path) -> tuple[tuple[str, ...], Rows]:
    """The attribute names, and the rows after them: as many as the first line says, where it does."""
    (_, first), *rest = _fields(file)
    if file.suffix == ".csv":
        names = first[1:]
        if not names or {"1", "-1", "0"} & set(names):
            raise DistillError(
                f"{file}:1: {echo(','.join(first))}, expected a header, image_id and the attribute names."
            )
        return tuple(names), rest
    if len(first) != 1 or not (first[0].isascii() and first[0].isdecimal()) or not rest:
        raise DistillError(
            f"{file}:1: {echo(' '.join(first))}, expected the number of rows, then a line of attribute names."
        )
    (_, names), *rows = rest
    if first[0].lstrip("0") != str(len(rows)).lstrip("0"):  # of 5,000 digits Python makes no number
        raise DistillError(
            f"{file}: {len(rows)} rows, but its first line says {shortened(first[0])}; download the file again."
        )
    return tuple(names), [(number, fields or [""]) for number, fields in rows]


def _pairs(file: Path, expected: str, parse: Callable[[str], Value]) -> dict[str, Value]:
    """A list of two columns: a picture, once, and its value."""
    pairs: dict[str, Value] = {}
    for number, fields in _fields(file):
        try:
            picture, text = fields
            value = parse(text)
        except ValueError:
            if number == 1 and file.suffix == ".csv":
                continue  # its header
            raise DistillError(f"{file}:{number}: {echo(' '.join(fields))}, expected {expected}.") from None
        if picture in pairs:
            raise DistillError(f"{file}:{number}: {echo(picture)} has a row already; expected one a picture.")
        pairs[picture] = value
    return pairs


def _split(value: str) -> Split:
    return SPLITS[("0", "1", "2").index(value)]
