"""Text is read with and without a byte order mark; what is none is named."""

import random
import zipfile
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.files.atomic import read_json
from distill.files.text import as_text, no_text, read_text


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        (tmp_path / "a.txt").write_text("größe\r\nfarbe\rform\n", encoding=encoding)
        assert read_text(tmp_path / "a.txt", "a list") == "größe\nfarbe\nform\n"
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.json").write_text('{"a": 1}', encoding=encoding)
        assert read_json(tmp_path / "a.json") == {"a": 1}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"a\.txt: no such file; expected a list\. .* is empty"):
        read_text(tmp_path / "a.txt", "a list")
    (tmp_path / "a.txt").write_text("x" * 9999 + "größe", encoding="latin-1")
    with pytest.raises(
        DistillError, match=r"a\.txt: cannot be read as text \(.* at byte 10001\); expected a list, in UTF-8\. Save it"
    ):
        read_text(tmp_path / "a.txt", "a list")
    (tmp_path / "a.txt").write_text("a list", encoding="utf-16-le")  # without its mark
    with pytest.raises(DistillError, match=r"a\.txt: holds NUL characters, as UTF-16"):
        read_text(tmp_path / "a.txt", "a list")
    with pytest.raises(DistillError, match="cannot be read as text"):
        read_text(tmp_path, "a list")


def test_what_is_no_text_is_called_what_it_is(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>" * 99)
        archive.writestr("xl/workbook.xml", random.Random(0).randbytes(99))
    with pytest.raises(DistillError, match=r"a\.csv: is no text \(an Excel workbook \(\.xlsx\); save it as CSV\)"):
        read_text(tmp_path / "a.csv", "a table")


@pytest.mark.parametrize(("value", "code"), [("a\0b", "U+0000"), ("caf\udce9", "U+DCE9"), ("\x1b[31m", "U+001B")])
def test_what_no_text_holds_is_named_by_its_code(value: str, code: str) -> None:
    assert no_text(value) == code


def test_text_of_any_script_is_text() -> None:
    assert no_text("Zwerg-Dackel \u00e9\u4e2d\U0001f600\n\ttab") is None


def test_bytes_of_another_encoding_become_some_text() -> None:
    assert as_text("caf\u00e9") == as_text("caf\u00e9".encode()) == "caf\u00e9"
    assert as_text(b"caf\xe9") == "caf\ufffd"
