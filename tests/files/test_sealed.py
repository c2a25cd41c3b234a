"""JSON with its own checksum: no byte of it changes unnoticed, and what is wrong is told by its key."""

from pathlib import Path
from typing import NotRequired, TypedDict

import pytest

from distill.errors import DistillError
from distill.files.sealed import read_sealed, sealed, write_sealed


class Content(TypedDict):
    version: int
    names: list[str]
    of: dict[str, float | None]
    more: NotRequired[bool]


GOOD = {"version": 2, "names": ["eins", "zwei", "drei ü"], "of": {"a": 1e-7, "b": None, "c": 3}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_sealed(tmp_path / "file.json", GOOD)
    return tmp_path / "file.json"


def test_what_is_written_is_read(file: Path) -> None:
    assert read_sealed(file, Content, "Delete it.", version=2) == GOOD
    assert list(sealed(GOOD)) == [*GOOD, "sha256"]
    assert sealed(sealed(GOOD)) == sealed(GOOD)


def test_no_byte_of_it_changes_unnoticed(file: Path) -> None:
    good = file.read_bytes()
    changed = [good[:place] + good[place + 1 :] for place in range(len(good))]
    for bit in range(8 * len(good)):
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(content))
    for content in (*changed, b"", good[:50], good + b" ", b"\xef\xbb\xbf" + good):
        file.write_bytes(content)
        with pytest.raises(DistillError, match=r"file\.json.* Delete it\.$"):
            read_sealed(file, Content, "Delete it.", version=2)


def test_another_version_is_told_only_where_it_is_not_damaged(file: Path) -> None:
    file.write_text(file.read_text().replace('"version": 2', '"version": 3'))
    with pytest.raises(DistillError, match="damaged: it is not what it has the sha256 of"):
        read_sealed(file, Content, "Delete it.", version=2)
    write_sealed(file, GOOD | {"version": 3})
    with pytest.raises(DistillError, match=r"is of version 3, expected 2: another distill wrote it\. Delete it"):
        read_sealed(file, Content, "Delete it.", version=2)
    file.write_text('{"version": 1}')  # of a time before there were checksums
    with pytest.raises(DistillError, match="is of version 1, expected 2"):
        read_sealed(file, Content, "Delete it.", version=2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"names": [], "of": {}}, "version is missing"),
        (GOOD | {"names": "x"}, "names is 'x', expected a list"),
        (GOOD | {"names": ["x", 3]}, r"names\[1\] is 3, expected a text"),
        (GOOD | {"of": {"a": "1"}}, r"of\.a is '1', which is none of what it may be"),
        (GOOD | {"more": 1}, "more is 1, expected true or false"),
        (GOOD | {"version": True}, "version is True, expected a whole number"),
    ],
)
def test_a_wrong_key_is_named(content: dict[str, object], said: str, file: Path) -> None:
    write_sealed(file, content)
    with pytest.raises(DistillError, match=rf"file\.json: {said}\. Delete it\.$"):
        read_sealed(file, Content, "Delete it.")


def test_a_file_without_a_checksum_is_told(file: Path) -> None:
    for text in ("{}", "[]", "3", '{"version": 2}'):
        file.write_text(text)
        with pytest.raises(DistillError, match=r"file\.json: has no sha256 of itself: .* Delete it\.$"):
            read_sealed(file, Content, "Delete it.")
    with pytest.raises(DistillError, match=r"none\.json: no such file"):
        read_sealed(file.with_name("none.json"), Content, "Delete it.")
