"""Text files that people give: UTF-8, or UTF-16 and UTF-32 where a byte order mark says so, as Excel writes them."""

import codecs
import re
from pathlib import Path

from distill.errors import DistillError
from distill.files.kind import TEXT, WEB_PAGE, kind_of
from distill.files.nearby import nearby

# UTF-32's mark begins as UTF-16's does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAVE = 'Save it in UTF-8 ("CSV UTF-8" in Excel)'
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def no_text(value: str) -> str | None:
    """The code of the first character that no text holds; None where there is none.

    One of control, or half of a pair: such as Python makes of a byte that is no UTF-8, on a command line or in the name
    of a file. It can be written to no file.
    """
    found = _NO_TEXT.search(value)
    return None if found is None else f"U+{ord(found[0]):04X}"


def as_text(value: str | bytes) -> str:
    """A text of a file that may keep bytes of any encoding in its place, such as the metadata of an ONNX graph."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def read_text(file: Path, expected: str) -> str:
    r"""The content of a text file, without a byte order mark, its lines ended by \n.

    Args:
        expected: what the file should be, for the error.

    Raises:
        DistillError: it is missing, cannot be read, or is no such text.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; expected {expected}. {nearby(file)}") from None
    except (OSError, ValueError) as error:  # a name that nothing can have: with a null character
        reason = getattr(error, "strerror", None) or error
        raise DistillError(f"{file}: cannot be read as text ({reason}); expected {expected}.") from None
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        kind = kind_of(file)
        if kind and kind != WEB_PAGE and not kind.startswith(TEXT):
            raise DistillError(f"{file}: is no text ({kind}); expected {expected}.") from None
        raise DistillError(
            f"{file}: cannot be read as text ({error.reason} at byte {error.start}); expected {expected}, in UTF-8. "
            f"{_SAVE}."
        ) from None
    if "\0" in text:
        raise DistillError(
            f"{file}: holds NUL characters, as UTF-16 without its mark does; expected {expected}, in UTF-8. {_SAVE}."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
