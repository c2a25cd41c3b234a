"""gallery.json: who is enrolled in a gallery, by which model, and from which cosine on somebody counts as known.

    gallery.json                 the facts below, the sha256 of each other file, and its own
    vectors-KEY.npy              float32 (N, D) of unit length, person by person
    strangers-KEY.npy            float32 (S, D), of people who are not enrolled: what FPIR is measured on
    levels-KEY.npy, links-KEY.npy   the graph of an approximate search

KEY are the first 16 digits of the file's sha256: no file is ever written over by another, and a gallery changes in the
one moment in which a new gallery.json is renamed over the old.

Shapes: N vectors, D dimensions, S strangers' pictures.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NotRequired, Self, TypedDict, cast, get_args

from distill.errors import DistillError
from distill.files.schema import check_schema
from distill.files.sealed import read_sealed, write_sealed

VERSION = 1
MANIFEST = "gallery.json"
Keep = Literal["mean", "each"]
"""Of several photographs of a person: the mean of their vectors, or each."""
Index = Literal["flat", "hnsw"]
Role = Literal["vectors", "strangers", "levels", "links"]


class Strangers(TypedDict):
    """What thresholds were measured on: how many pictures, and where they came from, in words."""

    pictures: int
    source: str


class _Content(TypedDict):
    version: int
    model: str
    fingerprint: str
    dimensions: int
    keep: str
    index: str
    people: list[str]
    vectors: list[int]
    photographs: list[int]
    strangers: Strangers | None
    fpirs: dict[str, float]
    fars: dict[str, float]
    files: dict[str, str]
    entry: NotRequired[int]
    recall: NotRequired[float]


@dataclass(frozen=True)
class Manifest:
    """The content of `gallery.json`.

    Attributes:
        model, fingerprint: the name of the file that embedded everybody here, and a checksum of it.
        dimensions: D.
        people: their names, sorted. vectors, photographs: of each of them, how many are kept, and were used.
        fpirs: the threshold by the FPIR asked for, measured with these people on `strangers`.
        fars: the same by the FAR, of pairs.
        files: sha256 by role.
        entry, recall: of a graph, where a search begins, and the share of the 10 most alike that it finds.
    """

    model: str
    fingerprint: str
    dimensions: int
    keep: Keep
    index: Index
    people: tuple[str, ...]
    vectors: tuple[int, ...]
    photographs: tuple[int, ...]
    strangers: Strangers | None
    fpirs: dict[str, float]
    fars: dict[str, float]
    files: dict[str, str]
    entry: int | None = None
    recall: float | None = None

    def place(self, directory: Path, role: Role) -> Path:
        """Where a file of the gallery lies."""
        return directory / file_name(role, self.files[role])

    def write(self, directory: Path) -> None:
        """Make a gallery this one, whole or not at all.

        Raises:
            DistillError: the place cannot be written to.
        """
        content = {key: value for key, value in asdict(self).items() if value is not None or key == "strangers"}
        write_sealed(directory / MANIFEST, {"version": VERSION, **content})

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The manifest of a gallery, which another process may be changing.

        Raises:
            DistillError: there is none, it is damaged, or it contradicts itself.
        """
        while True:
            stamp = _stamp(directory / MANIFEST)
            try:
                return cls._read(directory)
            except DistillError:
                if _stamp(directory / MANIFEST) == stamp:  # else it is that of two files, one after another
                    raise

    @classmethod
    def _read(cls, directory: Path) -> Self:
        file = directory / MANIFEST
        if not file.is_file():
            raise DistillError(
                f"{directory}: no gallery ({MANIFEST} is not in it). Begin one with distill gallery enroll."
            )
        remedy = damage(directory)
        content = cast(_Content, read_sealed(file, _Content, remedy, VERSION))
        strangers = content["strangers"]
        if strangers is not None:
            check_schema(file, strangers, Strangers, remedy)
        people, counts = content["people"], content["vectors"]
        wanted: set[str] = {"vectors"} | ({"strangers"} if strangers else set())
        wanted |= {"levels", "links"} if content["index"] == "hnsw" else set()
        checks = {
            "keep or index is none of those there are": content["keep"] in get_args(Keep)
            and content["index"] in get_args(Index),
            "people are not sorted, or twice": people == sorted(set(people)),
            "its counts are not those of its people": len(people) == len(counts) == len(content["photographs"])
            and min(counts, default=1) > 0
            and content["dimensions"] > 0,
            "its files are not those of its index": wanted == content["files"].keys()
            and all(_is_checksum(value) for value in content["files"].values()),
            "it has no entry": content["index"] == "flat" or "entry" in content,
        }
        for fault, holds in checks.items():
            if not holds:
                raise DistillError(f"{file}: {fault}. {remedy}")
        known = {key: value for key, value in content.items() if key in cls.__dataclass_fields__}
        listed = {key: tuple(cast(list[object], known[key])) for key in ("people", "vectors", "photographs")}
        return cls(**known | listed)  # type: ignore[arg-type]


def damage(directory: Path) -> str:
    """What to do about a damaged file."""
    return f"Take it from a copy, or delete {directory} and enroll everybody again."


def file_name(role: Role, checksum: str) -> str:
    """The name of a file of that checksum."""
    return f"{role}-{checksum[:16]}.npy"


def _stamp(file: Path) -> tuple[int, int] | None:
    """Another where another file stands there."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _is_checksum(value: str) -> bool:
    return len(value) == 64 and set(value) <= set("0123456789abcdef")
