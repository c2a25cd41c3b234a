"""Where the pictures lie that a table lists."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from distill.data.sources.csv_rows import Row
from distill.data.sources.folder import SUFFIXES, UNREADABLE
from distill.data.sources.listing import HIDDEN, directory, walk
from distill.data.wordnet import shown
from distill.errors import DistillError
from distill.files.nearby import nearby

_LOOKED_FOR = 100  # pictures, to find where they lie


def names_of(rows: Sequence[Row], column: str, table: Path) -> list[str]:
    """What each row calls its picture.

    Raises:
        DistillError: a row names none.
    """
    for row in rows:
        if not row.cells[column]:
            raise DistillError(f"{table}:{row.number}: {column} is empty; expected a picture.")
    return [row.cells[column].replace("\\", "/") for row in rows]


def root_of(names: Sequence[str], table: Path, root: Path | None) -> Path:
    """Where the names begin: as it is named, else in the table's directory, or in the one directory of it where most of
    the pictures lie.

    Raises:
        DistillError: it is named, and is no directory.
    """
    if root is not None:
        return directory(root, "root", "the pictures of the table")
    some = names[:: max(1, len(names) // _LOOKED_FOR)]
    if not all(map(is_picture, some)) or _hold_most(table.parent, some):
        return table.parent
    folders = [place for place in table.parent.iterdir() if place.is_dir() and place.name.lower() not in HIDDEN]
    holding = [place for place in folders if place.name[0] != "." and _hold_most(place, some)]
    return holding[0] if len(holding) == 1 else table.parent


def places_of(names: Sequence[str], column: str, table: Path, root: Path) -> dict[str, Path]:
    """Where each picture lies.

    A name without an ending stands for the picture that is called so.

    Args:
        column: of the names, for the error.
        root: where they begin.

    Raises:
        DistillError: most are not there.
    """
    places = {name: root / name for name in names}
    if not all(map(is_picture, places)):
        by_stem = _by_stem(root)
        places |= {name: by_stem.get(name, root / name) for name in places if not is_picture(name)}
    missing = [name for name, place in places.items() if not _lies(place)]
    if 2 * len(missing) > len(places):  # fewer are bad pictures, which are counted
        raise DistillError(
            f"root: {len(missing)} of the {len(places)} pictures of {table} are not in {root}: {shown(missing)}. "
            f"{nearby(places[missing[0]])} Name the directory that the column {column} begins in."
        )
    return places


def is_picture(name: str) -> bool:
    """Whether a name ends as those of pictures do."""
    return PurePosixPath(name).suffix.lower() in SUFFIXES | UNREADABLE


def _by_stem(root: Path) -> dict[str, Path]:
    """Pictures below a directory by their names without endings, and without folders where one alone is called so.

    Raises:
        DistillError: two pictures of one folder differ in their endings alone.
    """
    places: dict[str, Path] = {}
    for file in walk(root):
        stem = file.relative_to(root).with_suffix("").as_posix()
        if is_picture(file.name) and places.setdefault(stem, file) != file:
            raise DistillError(f"{file}: {places[stem].name} beside it is called the same; remove one of the two.")
    bare: dict[str, list[Path]] = {}
    for stem, file in places.items():
        bare.setdefault(PurePosixPath(stem).name, []).append(file)
    return {name: files[0] for name, files in bare.items() if len(files) == 1} | places


def _hold_most(place: Path, names: Sequence[str]) -> bool:
    return 2 * sum(_lies(place / name) for name in names) > len(names)


def _lies(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):  # a name that no file can have: too long, or with a null character
        return False
