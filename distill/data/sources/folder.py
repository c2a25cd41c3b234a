"""A directory of pictures nobody labelled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.data.sources.listing import digest, directory, walk
from distill.data.sources.source import Sample
from distill.data.wordnet import shown
from distill.errors import DistillError
from distill.files.nearby import nearby

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}
)
# Pictures too, which are to be named as bad and not passed over.
UNREADABLE = frozenset({".heic", ".heif", ".avif", ".jxl"})


@dataclass(frozen=True)
class Folder:
    """Every picture below ``root``, at any depth, by file name suffix in either case; all of them are for training.

    Files and directories whose names begin with a dot, and thumbnails that storage systems keep (@eaDir), are no
    pictures.
    """

    name: Literal["folder"] = "folder"
    root: Path | None = None

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        return pictures_below(self.root, "root")

    def state(self) -> str:
        return digest(self.samples(0, 0))


def pictures_below(root: Path | None, key: str) -> list[Sample]:
    """Every picture in a directory, sorted by name.

    Args:
        key: what the directory is called where it was named, for the error.

    Raises:
        DistillError: it is not there, cannot be read, holds no picture, or one whose name is not UTF-8.
    """
    root = directory(root, key, "the pictures")
    listed = SUFFIXES | UNREADABLE
    files = sorted((file.relative_to(root).as_posix(), file) for file in walk(root) if file.suffix.lower() in listed)
    if not files:
        raise DistillError(
            f"{key}: {root} holds no picture; expected files named {', '.join(sorted(SUFFIXES))}. {nearby(root)}"
        )
    for name, _ in files:
        try:
            name.encode()
        except UnicodeEncodeError:  # bytes of another encoding, which no list of pictures could hold
            raise DistillError(f"{key}: {root} holds a picture named {name!r}, expected UTF-8. Rename it.") from None
    return [Sample(name, file) for name, file in files]


def likely_root(root: Path, pictures: list[Sample], what: str) -> str:
    """Advice where all pictures of a directory are in one folder of it, and folders of classes or people were expected.

    Args:
        what: the folders are of, in the plural.
    """
    place, inner = root.expanduser(), [sample.name.split("/") for sample in pictures]
    while all(len(parts) > 1 for parts in inner) and len({parts[0] for parts in inner}) == 1:
        place, inner = place / inner[0][0], [parts[1:] for parts in inner]
    folders = sorted({parts[0] for parts in inner if len(parts) > 1})
    if len(folders) > 1:
        return f"The folders of the {what} are likely those in {place}, {shown(folders)}: name that as the root."
    above = root.expanduser().absolute().parent
    return f"Name the directory above the folders of all {what}, {above} perhaps. {nearby(above)}"
