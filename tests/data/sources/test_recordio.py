"""Records as MXNet writes them, and each way in which a file can be damaged, by its number and offset."""

import math
import struct
from pathlib import Path

import pytest

from distill.data.sources.recordio import Record, opened, read_index
from distill.errors import DistillError
from tests.helpers.record_io import MAGIC, packed, write_records

SPLIT = b"abcd" + MAGIC + b"efgh" + MAGIC + MAGIC + b"ij"  # at multiples of four bytes, so it is cut there
CONTENTS = {
    3: packed([7.0], b"three", 3),
    0: packed([1.0, 2.0, 3.0], b"", 0),
    1: packed([5.0], SPLIT, 1),
    2: packed([4.0], b"1" + MAGIC, 2, listed=True),  # not at a multiple of four
}


def records(place: Path) -> dict[int, Record]:
    file = place / "train.rec"
    write_records(file, CONTENTS)
    return {number: Record(file, number, offset) for number, offset in read_index(file.with_suffix(".idx"), file)}


def test_records_are_read_by_number_in_any_order(tmp_path: Path) -> None:
    found = records(tmp_path)
    assert list(found) == [0, 1, 2, 3]
    with opened(tmp_path / "train.rec") as stream:
        contents = {number: found[number].content(stream) for number in (2, 0, 3, 1)}
        assert [found[number].labels(stream) for number in (1, 0, 2, 3)] == [(5,), (1, 2, 3), (4,), (7,)]
    assert contents[0] == ((1, 2, 3), b"") and contents[3] == ((7,), b"three")
    assert contents[1] == ((5,), SPLIT) and contents[2] == ((4,), b"1" + MAGIC)
    assert found[1].read() == SPLIT


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """Everything but one record, and the heads of the others, may be anything."""
    found = records(tmp_path)
    data = bytearray((tmp_path / "train.rec").read_bytes())
    data[found[1].offset :] = bytes(len(data) - found[1].offset)
    (tmp_path / "train.rec").write_bytes(data)
    assert found[3].read() == b"three"
    with pytest.raises(DistillError, match=r"record 1 at byte \d+ 0x00000000 stands where a record begins"):
        found[1].read()


def damaged(place: Path, number: int, at: int, value: bytes) -> Record:
    """A record with other bytes at a distance from its begin."""
    found = records(place)[number]
    data = bytearray(found.file.read_bytes())
    data[found.offset + at : found.offset + at + len(value)] = value
    found.file.write_bytes(data)
    return found


@pytest.mark.parametrize(
    ("number", "at", "value", "message"),
    [
        (3, 0, b"JPEG", r"record 3 at byte 0 0x4745504a stands where a record begins, expected 0xced7230a\. Download"),
        (3, 4, struct.pack("<I", 2 << 29 | 29), r"record 3 at byte 0 begins inside a record of several parts"),
        (1, 4, struct.pack("<I", 28), r"^(?!.*record)"),  # whole: the other parts are other records
        (3, 4, struct.pack("<I", 1 << 29 | 29), r"record 3 at byte 0 has no last part"),
        (3, 4, struct.pack("<I", 10**6), r"record 3 at byte 0 is cut short: the file ends 999\d+ bytes before"),
        (3, 4, struct.pack("<I", 9), r"record 3 at byte 0 has 9 bytes, expected a header of 24"),
        (0, 8, struct.pack("<I", 1000), r"record 0 at byte 40 has 36 bytes, expected 1000 labels in 4024"),
        (3, 12, struct.pack("<f", math.nan), r"record 3 at byte 0 has the label nan, expected finite numbers"),
        (0, 36, struct.pack("<f", math.inf), r"record 0 at byte 40 has the label 1\.0, inf, 3\.0, expected finite"),
    ],
)
def test_damage_is_named(tmp_path: Path, number: int, at: int, value: bytes, message: str) -> None:
    record = damaged(tmp_path, number, at, value)
    if "(?!" in message:
        assert record.read() == SPLIT[:4]
        return
    for read in (record.read, lambda: record.labels(opened(record.file))):
        if "cut short" in message and read != record.read:
            continue  # its head is whole
        with pytest.raises(DistillError, match=message):
            read()


def test_a_file_cut_anywhere_is_named(tmp_path: Path) -> None:
    found = records(tmp_path)[2]
    data = found.file.read_bytes()
    for end in range(found.offset, found.offset + 8 + 24 + 4 + 5):
        found.file.write_bytes(data[:end])
        with pytest.raises(DistillError, match=rf"record 2 at byte {found.offset} (is cut short|has)"):
            found.read()


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("", r"train\.idx: 0 lines"),
        ("0\t0\nx\t40\n", r"train\.idx: is no index \(.*'x'.*\), expected a number and an offset in each line"),
        ("0\t0\n1\n", r"train\.idx: is no index \("),
        ("0 0 0\n1 1 1\n", r"train\.idx: 2 lines of 3 numbers, expected some of two"),
        ("4\t0\n5\t40\n4\t80\n", r"train\.idx: record 4 stands in it twice"),
        ("0\t0\n9\t5000\n", r"train\.idx: record 9 begins at byte 5000, and train\.rec has \d+: one of the two is cut"),
        ("0\t-4\n", r"train\.idx: record 0 begins at byte -4"),
        ("0\t99999999999999999999\n", r"train\.idx: is no index"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(tmp_path: Path, index: str, message: str) -> None:
    records(tmp_path)
    (tmp_path / "train.idx").write_text(index)
    with pytest.raises(DistillError, match=message):
        read_index(tmp_path / "train.idx", tmp_path / "train.rec")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    records(tmp_path)
    (tmp_path / "train.idx").unlink()
    with pytest.raises(DistillError, match=r"train\.idx: no such file; expected the index beside train\.rec"):
        read_index(tmp_path / "train.idx", tmp_path / "train.rec")
    with pytest.raises(DistillError, match=r"gone\.rec: no such file"):
        read_index(tmp_path / "train.idx", tmp_path / "gone.rec")
