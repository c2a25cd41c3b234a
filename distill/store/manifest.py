"""What a store says of itself: whose answers, to which views of which pictures, in which files.

A store is a directory that another program can read, or write, from this description alone:

    manifest.json         the facts below, the sha256 of every other file, and as `sha256` that of the rest of itself,
                          as JSON with its keys sorted and no space, in a file indented by two that ends a line;
                          another program may leave that one out
    pictures.npy          uint64 (N,), content hashes of the pictures whose views were shown, rising
    whole.npy             uint64 (M,), content hashes of the pictures shown whole, rising: those N, or of `top` the
                          sample of them that agreement is measured on, and the pictures that are only evaluated on
                          (`whole_hashes`: aligned otherwise, the same file is another picture)
    view-0007-00003.npy   the answers to view 7 of the pictures of rows 3 R to 4 R - 1 of pictures.npy
    whole-00003.npy       the same of whole.npy, each picture whole, as evaluation shows it
    SHA256SUMS            the sha256 of a recipe beside the answers, by which they can be asked for again

R is `rows`. Every file is a NumPy array of version 1.0: the header, then the rows, which a memory map
reads in place. A row is one of

    full    the C logits, or dimensions of an embedding, as float16 or float32; where answers are several tensors, a
            record with a field for each, of its shape
    top     one record (`distill.store.codec`): the k largest logits less the largest of them, their
            classes, and for the temperatures 1, 2 and 4 the logarithm of the probability of all other classes together;
            of views alone: answers to whole pictures, which the teacher is scored by, are always full

View v of a picture is what `distill.data.views.views` draws from (seed, content hash, v) under the policy `views`, cut
at the teacher's own size by `distill.data.views.cutting`; both are pure functions, so an answer stays true for ever.
`view_policy` counts the changes of those functions.

Shapes: N pictures with V views each, M pictures, C outputs of the teacher, R rows a file.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, Self, TypedDict, cast, get_args

import numpy as np

from distill.data.views.views import POLICY, Views
from distill.errors import DistillError
from distill.files.schema import check_schema
from distill.files.sealed import SEAL, check_seal, read_damaged, write_sealed
from distill.preprocess.preprocess import Preprocess
from distill.store.codec import Codec, codec_of

VERSION = 1
MANIFEST = "manifest.json"
PICTURES, WHOLE = "pictures.npy", "whole.npy"
ROWS = 16_384  # rows a file: what a kill can cost, in answers

StoredDtype = Literal["float16", "float32"]

# What manifests written before a kind of view existed say of it, and what `Views.facts` leaves unsaid.
_BEFORE = {"cutmix": 0.0, "zoom_out": Views.zoom_out, "zoom": Views.zoom, "keep_object": Views.keep_object}
_CHANNELS = {"channels": "rgb"}  # what `Preprocess.facts` leaves unsaid


class _Teacher(TypedDict):
    name: str
    fingerprint: str
    outputs: int | dict[str, list[int]]
    classes: list[str] | None
    preprocess: dict[str, Any]
    mult_adds: int | None
    parameters: int | None


class _Pictures(TypedDict):
    pixels: list[str]
    height: int
    width: int
    viewed: int
    whole: int
    fingerprint: str


class _Content(TypedDict):
    """Of `manifest.json`; what is inside `views` and `preprocess` is checked by what they are."""

    teacher: _Teacher
    pictures: _Pictures
    seed: int
    views: dict[str, Any]
    count: int
    dtype: str
    top: int | None
    rows: int
    view_policy: int
    version: int
    checksums: dict[str, str]


@dataclass(frozen=True)
class TeacherFacts:
    """Who answered.

    `outputs` is the length of its one tensor, or of several the shape of each by name. `classes` is None of tensors
    that are no logits; `mult_adds` and `parameters` are where a black box hides them.
    """

    name: str
    fingerprint: str
    outputs: int | dict[str, tuple[int, ...]]
    classes: tuple[str, ...] | None
    preprocess: Preprocess
    mult_adds: int | None
    parameters: int | None


@dataclass(frozen=True)
class PictureFacts:
    """What was shown: prepared pictures of H x W pixels, N of them in views and M whole.

    `pixels` is their version and what faces were aligned by: of the pictures in views first, then of those that are
    only evaluated on, where they were aligned otherwise. `fingerprint` is sha256 over it, H, W and both lists of
    hashes.
    """

    pixels: tuple[str, ...]
    height: int
    width: int
    viewed: int
    whole: int
    fingerprint: str

    @classmethod
    def of(cls, pixels: tuple[str, ...], size: tuple[int, int], viewed: np.ndarray, whole: np.ndarray) -> Self:
        """The facts of pictures of one size, by rising content hashes uint64 (N,) and (M,)."""
        digest = hashlib.sha256(f"{pixels}; {size} {len(viewed)}".encode())
        for hashes in (viewed, whole):
            digest.update(hashes.astype("<u8").tobytes())
        return cls(pixels, *size, len(viewed), len(whole), digest.hexdigest())


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`.

    Attributes:
        count: V, views of each picture: numbers 0 to V - 1.
        views: how they were drawn; its own `count` is null.
        top: k where only the k largest logits of a view were kept, else None.
        checksums: sha256 by file name; empty while the store is being written.
    """

    teacher: TeacherFacts
    pictures: PictureFacts
    seed: int
    views: Views
    count: int
    dtype: StoredDtype = "float16"
    top: int | None = None
    rows: int = ROWS
    view_policy: int = POLICY
    version: int = VERSION
    checksums: dict[str, str] = field(default_factory=dict)

    @property
    def file_count(self) -> int:
        """How many files of answers there are."""
        viewed, whole = (-(-pictures // self.rows) for pictures in (self.pictures.viewed, self.pictures.whole))
        return self.count * viewed + whole

    def files(self) -> list[str]:
        """The names of all files of answers."""
        return [name for view in (None, *range(self.count)) for name in self.files_of(view)]

    def files_of(self, view: int | None) -> list[str]:
        """The names of the files of answers to one view, or (None) to whole pictures."""
        count = self.pictures.whole if view is None else self.pictures.viewed
        parts = range(-(-count // self.rows))
        return [whole_file(part) if view is None else view_file(view, part) for part in parts]

    def codec(self, view: int | None) -> Codec:
        """How answers to a view are kept, or (None) to whole pictures."""
        return codec_of(self.teacher.outputs, self.dtype, None if view is None else self.top)

    def describe(self) -> dict[str, Any]:
        """All but the checksums, as JSON holds it: equal for stores of the same answers."""
        content = json.loads(json.dumps(self._content()))
        del content["checksums"]
        return cast(dict[str, Any], content)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        content = self._content()
        write_sealed(path, content)

    def _content(self) -> dict[str, Any]:
        content = asdict(self)
        content["teacher"]["preprocess"] = self.teacher.preprocess.facts()
        content["views"] = self.views.facts()
        return content

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file.

        Raises:
            DistillError: it is missing or no manifest, was changed since it was written, or is of an older version or
                view policy.
        """
        remedy = f"Take it from a copy of the store, or delete {path.parent} and store the answers again."
        content = read_damaged(path, remedy)
        if isinstance(content, dict) and SEAL in content:
            check_seal(path, content, remedy)
            del content[SEAL]
        if not (isinstance(content, dict) and "view_policy" in content and isinstance(content.get("checksums"), dict)):
            raise DistillError(f"{path}: not the manifest of a store of teacher answers. {remedy}")
        for key, expected in (("version", VERSION), ("view_policy", POLICY)):
            if content.get(key) != expected:
                raise DistillError(
                    f"{path}: {key} is {content.get(key)!r}, and this program's is {expected}: its views are no longer "
                    f"those that were answered. Delete {path.parent}, or name another place, and store the answers "
                    "again."
                )
        check_schema(path, content, _Content, remedy)
        try:
            if content["dtype"] not in get_args(StoredDtype):
                raise ValueError(f"dtype is {content['dtype']!r}")
            shown = content["pictures"]
            if content["rows"] < 1 or min(content["count"], shown["viewed"], shown["whole"]) < 0:
                raise ValueError("a count is below what it may be")
            teacher, views = _known(TeacherFacts, content["teacher"]), _known(Views, _BEFORE | content["views"])
            preprocess = _known(Preprocess, _CHANNELS | teacher["preprocess"])
            pictures = _known(PictureFacts, content["pictures"])
            teacher["preprocess"] = Preprocess(**{key: _frozen(value) for key, value in preprocess.items()})
            return cls(
                **_known(cls, content)
                | {
                    "teacher": TeacherFacts(**{key: _frozen(value) for key, value in teacher.items()}),
                    "pictures": PictureFacts(**{key: _frozen(value) for key, value in pictures.items()}),
                    "views": Views(**{key: _frozen(value) for key, value in views.items()}),
                }
            )
        except (DistillError, IndexError, KeyError, TypeError, ValueError) as error:
            raise DistillError(f"{path}: not the manifest of a store of teacher answers ({error}). {remedy}") from error


def view_file(view: int, part: int) -> str:
    """The file of answers to one view."""
    return f"view-{view:04d}-{part:05d}.npy"


def whole_hashes(hashes: np.ndarray, pixels: str, viewed: str) -> np.ndarray:
    """What pictures shown whole are known by: their content hashes, uint64 (n,), and how they were aligned.

    Args:
        pixels: their version and alignment, as `PictureFacts.pixels` has them. Where it is not that of the pictures in
            views, every hash is XORed with the first 8 bytes of its sha256, little-endian.
        viewed: that of the pictures in views.
    """
    if pixels == viewed:
        return hashes
    mark = np.frombuffer(hashlib.sha256(pixels.encode()).digest()[:8], "<u8")[0]
    return hashes ^ np.uint64(mark)


def whole_file(part: int) -> str:
    """The file of answers to whole pictures."""
    return f"whole-{part:05d}.npy"


def differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> list[str]:
    """Each fact in which two descriptions differ, with both values."""
    different: list[str] = []
    for key in dict.fromkeys((*there, *here)):
        before, after = there.get(key), here.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            different += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            different.append(f"{prefix}{key} is {before!r} there and {after!r} here")
    return different


def without_growth(manifest: Manifest) -> dict[str, Any]:
    """What must stay the same where a store grows: all but the number of views and which pictures there are."""
    content = replace(manifest, count=0).describe()
    content["pictures"] = {key: content["pictures"][key] for key in ("pixels", "height", "width")}
    return content


def _known(kind: type, content: dict[str, Any]) -> dict[str, Any]:
    expected = {field.name for field in fields(kind)}
    if content.keys() != expected:
        raise KeyError(f"keys missing or unknown: {', '.join(sorted(content.keys() ^ expected))}")
    return dict(content)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(one) for key, one in value.items()}
    return tuple(value) if isinstance(value, list) else value
