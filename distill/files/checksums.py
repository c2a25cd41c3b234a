"""SHA256SUMS: checksums of the files beside it, as `sha256sum --check` reads them."""

from collections.abc import Iterable
from pathlib import Path

from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum
from distill.files.text import read_text

SUMS = "SHA256SUMS"


def sums_of(directory: Path, names: Iterable[str]) -> dict[str, str]:
    """Hex sha256 of files, and of all files in folders, by their place in the directory."""
    sums: dict[str, str] = {}
    for name in names:
        path = directory / name
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        sums |= {str(file.relative_to(directory)): checksum(file) for file in files}
    return sums


def write_sums(directory: Path, sums: dict[str, str]) -> None:
    """Replace the list.

    Raises:
        DistillError: the place cannot be written to.
    """
    with atomic_path(directory / SUMS) as temporary:
        lines = [f"{value}  {name}\n" for name, value in sorted(sums.items())]
        temporary.write_text("".join(lines), encoding="utf-8")


def read_sums(directory: Path) -> dict[str, str]:
    """What the list says; nothing where there is none.

    Raises:
        DistillError: it cannot be read, or is no text.
    """
    file = directory / SUMS
    if not file.is_file():
        return {}
    text = read_text(file, "a checksum and a name a line, as sha256sum writes them; delete it and export again")
    rows = (line.split("  ", maxsplit=1) for line in text.splitlines())
    return {row[1]: row[0] for row in rows if len(row) == 2}


def check_sum(file: Path) -> None:
    """Hold a file to the list beside it, if that names it.

    Raises:
        DistillError: the file was changed since it was written, cut short, or lost.
    """
    listed = read_sums(file.parent).get(file.name)
    if listed is not None and (not file.is_file() or checksum(file) != listed):
        raise DistillError(
            f"{file}: is not the file {SUMS} beside it has the checksum of: cut short, or changed since it was "
            "exported. Copy it again, or export the student again."
        )
