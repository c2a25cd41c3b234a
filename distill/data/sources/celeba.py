"""CelebA (Liu et al., Deep Learning Face Attributes in the Wild, ICCV 2015) in its official files.

root/img_align_celeba/000001.jpg
root/list_attr_celeba.txt       the number of rows; the attribute names; then `000001.jpg -1 1 ...`
root/list_eval_partition.txt    `000001.jpg 0`: 0 train, 1 validation, 2 test
root/identity_CelebA.txt        `000001.jpg 2880`; optional
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeVar

from distill.data.sources.listing import digest, directory
from distill.data.sources.source import SPLITS, Sample, Split
from distill.errors import DistillError

Value = TypeVar("Value")

PICTURES = "img_align_celeba"
ATTRIBUTES = "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"
IDENTITIES = "identity_CelebA.txt"
HOLDS = f"{PICTURES}/, {ATTRIBUTES} and {PARTITION}"


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
        pictures = root / PICTURES
        if not pictures.is_dir():
            raise DistillError(f"root: {pictures} is missing; expected the aligned pictures there.")
        partition = root / PARTITION if self.partition is None else _partition(self.partition.expanduser())
        splits = _pairs(partition, "a picture and 0, 1 or 2", _split)
        people = root / IDENTITIES
        identities = _pairs(people, "a picture and a person's number", int) if people.exists() else {}
        for name in splits:
            if name not in labels:
                raise DistillError(f"{partition}: {name} has no row in {self._file()}; expected one.")
        return [
            Sample(name, pictures / name, labels[name], identities.get(name, -1), split)
            for name, split in splits.items()
        ]

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def _root(self) -> Path:
        return directory(self.root, "root", HOLDS)

    def _file(self) -> Path:
        return self._root() / ATTRIBUTES

    def _chosen(self, names: tuple[str, ...]) -> tuple[str, ...]:
        for wanted in self.attributes or ():
            if wanted not in names:
                raise DistillError(f"attributes: {wanted!r} is not in {self._file()}, which has {', '.join(names)}.")
        return names if self.attributes is None else tuple(self.attributes)

    def _labels(self) -> dict[str, tuple[int, ...]]:
        """1 or 0 for each chosen attribute of each picture in the list."""
        file = self._file()
        names, rows = _header(file)
        columns = [names.index(name) for name in self._chosen(names)]
        labels: dict[str, tuple[int, ...]] = {}
        for number, row in enumerate(rows, start=3):
            picture, *values = row.split() or [""]
            if len(values) != len(names) or not set(values) <= {"1", "-1"}:
                raise DistillError(f"{file}:{number}: {row!r}, expected a picture and {len(names)} values of 1 or -1.")
            if picture in labels:
                raise DistillError(f"{file}:{number}: {picture} has a row already; expected one a picture.")
            labels[picture] = tuple(int(values[column] == "1") for column in columns)
        return labels


def _partition(named: Path) -> Path:
    shipped = Path(str(files("recipes"))) / "splits" / f"{named}.txt"
    return shipped if not named.exists() and shipped.is_file() else named


def _lines(file: Path) -> list[str]:
    """The lines of a list file but empty ones at its end."""
    try:
        return file.read_text(encoding="utf-8").rstrip().split("\n")
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; expected CelebA's official list there.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DistillError(f"{file}: cannot be read as text ({error}); expected CelebA's official list.") from None


def _header(file: Path) -> tuple[tuple[str, ...], list[str]]:
    """The attribute names, and the rows after them, as many as the first line says."""
    first, *rest = _lines(file)
    if not first.strip().isdecimal() or not rest:
        raise DistillError(f"{file}:1: {first!r}, expected the number of rows, then a line of attribute names.")
    names, rows = tuple(rest[0].split()), rest[1:]
    if int(first) != len(rows):
        raise DistillError(f"{file}: {len(rows)} rows, but its first line says {int(first)}; download the file again.")
    return names, rows


def _pairs(file: Path, expected: str, parse: Callable[[str], Value]) -> dict[str, Value]:
    """A list of two columns: a picture, once, and its value."""
    pairs: dict[str, Value] = {}
    for number, row in enumerate(_lines(file), start=1):
        try:
            picture, text = row.split()
            value = parse(text)
        except ValueError:
            raise DistillError(f"{file}:{number}: {row!r}, expected {expected}.") from None
        if picture in pairs:
            raise DistillError(f"{file}:{number}: {picture} has a row already; expected one a picture.")
        pairs[picture] = value
    return pairs


def _split(value: str) -> Split:
    return SPLITS[("0", "1", "2").index(value)]
