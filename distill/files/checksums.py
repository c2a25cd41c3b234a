"""SHA256SUMS: checksums of the files beside it, as `sha256sum --check` reads them.

The first line, a remark to that program, is the checksum of the lines below it.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum

SUMS = "SHA256SUMS"
_HEAD = "# sha256 of the lines below: "
_HEAD_PARTS = ("sha256 of the", "lines below")  # one of them stays where a byte of the other is changed
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


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
        lines = "".join(f"{value}  {name}\n" for name, value in sorted(sums.items()))
        temporary.write_text(f"{_HEAD}{_of_lines(lines)}\n{lines}", encoding="utf-8")


def read_sums(directory: Path) -> dict[str, str]:
    """What the list says; nothing where there is none. Of one that another program wrote, what is not understood is
    left out.

    Raises:
        DistillError: it is empty, or is not what was written.
    """
    file = directory / SUMS
    if not file.is_file():
        return {}
    text = file.read_bytes().decode("utf-8-sig", errors="replace")
    head, _, lines = text.partition("\n")
    if not text or (any(part in head for part in _HEAD_PARTS) and head != _HEAD + _of_lines(lines)):
        raise DistillError(
            f"{file}: damaged: it is not what its first line has the sha256 of. Delete it once the files beside it are "
            "known to be whole, or them too; the command that wrote them makes them again."
        )
    rows = (_LINE.fullmatch(line) for line in text.splitlines())
    return {row[2]: row[1] for row in rows if row is not None}


def check_sum(file: Path, remedy: str) -> None:
    """Hold a file to the list beside it, if that names it.

    Args:
        remedy: what to do about a damaged file, as a sentence.

    Raises:
        DistillError: the file was changed since it was written, cut short, or lost; or the list is damaged.
    """
    if not agrees(file):
        raise DistillError(
            f"{file}: is not the file {SUMS} beside it has the checksum of: cut short, or changed since it was "
            f"written. {remedy}"
        )


def agrees(file: Path) -> bool:
    """Whether a file is what the list beside it says, or is not named there.

    Raises:
        DistillError: the list is damaged.
    """
    listed = read_sums(file.parent).get(file.name)
    return listed is None or (file.is_file() and checksum(file) == listed)


def _of_lines(lines: str) -> str:
    return hashlib.sha256(lines.encode()).hexdigest()
