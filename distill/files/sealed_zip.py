"""Checkpoints that end with their own checksum, as the comment of the zip archive that torch makes of them.

Neither torch nor zip programs mind a comment, and torch does not compare the archive's own checksums. File and checksum
are one file, so a kill leaves both or neither.
"""

import hashlib
import struct
from pathlib import Path

from distill.errors import DistillError

_NAME = b"sha256:"
_LENGTH = len(_NAME) + 2 * hashlib.sha256().digest_size
_END = b"PK\x05\x06"  # of the record at the end of an archive, 22 bytes whose last two are the length of the comment
_BYTES = 22


def seal_zip(file: Path) -> None:
    """Give an archive without a comment the checksum of all before it; it is read once.

    Raises:
        OSError: it cannot be written to.
        ValueError: it is no zip archive, or has a comment.
    """
    with file.open("rb+") as handle:
        size = handle.seek(0, 2)
        handle.seek(max(0, size - _BYTES))
        end = handle.read()
        if len(end) < _BYTES or not end.startswith(_END) or end[-2:] != b"\0\0":
            raise ValueError(f"{file}: no zip archive without a comment")
        handle.seek(-2, 2)
        handle.write(struct.pack("<H", _LENGTH))
        handle.seek(0)
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        handle.seek(0, 2)
        handle.write(_NAME + digest.encode("ascii"))


def check_zip(file: Path, remedy: str) -> None:
    """Hold an archive to the checksum at its end; it is read once.

    Args:
        remedy: what to do about a damaged file, as a sentence; what is to be deleted among it.

    Raises:
        DistillError: it is not what was written, or has no checksum.
        OSError: it cannot be read.
    """
    digest, held = hashlib.sha256(), b""
    with file.open("rb") as handle:
        while block := handle.read(1 << 20):
            held += block
            digest.update(held[:-_LENGTH])
            held = held[-_LENGTH:]
    if held != _NAME + digest.hexdigest().encode("ascii"):
        raise DistillError(
            f"{file}: damaged: it is not what it has the sha256 of at its end, or a distill before there were any "
            f"wrote it. {remedy}"
        )
