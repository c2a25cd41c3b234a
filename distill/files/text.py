"""Text files that people give: UTF-8, with or without the mark that Windows programs put at the beginning."""

from pathlib import Path

from distill.errors import DistillError
from distill.files.nearby import nearby


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
