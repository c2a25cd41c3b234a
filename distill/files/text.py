"""Text files that people give: UTF-8, with or without the mark that Windows programs put at the beginning."""

import re
from pathlib import Path

from distill.errors import DistillError
from distill.files.nearby import nearby

_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def no_text(value: str) -> str | None:
    """The code of the first character that no text holds; None where there is none.

    One of control, or half of a pair: such as Python makes of a byte that is no UTF-8, on a command line or in the name
    of a file. It can be written to no file.
    """
    found = _NO_TEXT.search(value)
    return None if found is None else f"U+{ord(found[0]):04X}"


def read_text(file: Path, expected: str) -> str:
    """The content of a text file, without a byte order mark.

    Args:
        expected: what the file should be, for the error.

    Raises:
        DistillError: it is missing, cannot be read, or is no UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; expected {expected}. {nearby(file)}") from None
    except UnicodeDecodeError as error:
        raise DistillError(
            f"{file}: cannot be read as text ({error.reason} at byte {error.start}); expected {expected}, in UTF-8."
        ) from None
    except OSError as error:
        raise DistillError(
            f"{file}: cannot be read as text ({error.strerror or error}); expected {expected}."
        ) from None
