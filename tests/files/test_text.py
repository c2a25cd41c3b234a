"""Text is read with and without a byte order mark; what is none is named."""

from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.files.atomic import read_json
from distill.files.text import as_text, no_text, read_text


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "a.txt").write_text("größe\n", encoding=encoding)
        assert read_text(tmp_path / "a.txt", "a list") == "größe\n"
        (tmp_path / "a.json").write_text('{"a": 1}', encoding=encoding)
        assert read_json(tmp_path / "a.json") == {"a": 1}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"a\.txt: no such file; expected a list\. .* is empty"):
        read_text(tmp_path / "a.txt", "a list")
    (tmp_path / "a.txt").write_text("a list", encoding="utf-16")
    with pytest.raises(
        DistillError, match=r"a\.txt: cannot be read as text \(.* at byte 0\); expected a list, in UTF-8"
    ):
        read_text(tmp_path / "a.txt", "a list")
    with pytest.raises(DistillError, match="cannot be read as text"):
        read_text(tmp_path, "a list")


@pytest.mark.parametrize(("value", "code"), [("a\0b", "U+0000"), ("caf\udce9", "U+DCE9"), ("\x1b[31m", "U+001B")])
def test_what_no_text_holds_is_named_by_its_code(value: str, code: str) -> None:
    assert no_text(value) == code


def test_text_of_any_script_is_text() -> None:
    assert no_text("Zwerg-Dackel \u00e9\u4e2d\U0001f600\n\ttab") is None


def test_bytes_of_another_encoding_become_some_text() -> None:
    assert as_text("caf\u00e9") == as_text("caf\u00e9".encode()) == "caf\u00e9"
    assert as_text(b"caf\xe9") == "caf\ufffd"
