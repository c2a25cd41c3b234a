"""Files as MXNet writes them, by its documentation alone: records, their index, and a set of faces as InsightFace's."""

import struct
from collections.abc import Sequence
from pathlib import Path

MAGIC = struct.pack("<I", 0xCED7230A)


def packed(labels: Sequence[float], picture: bytes, number: int = 0, *, listed: bool = False) -> bytes:
    """The content of a record; `listed` writes one label as a list of one."""
    if len(labels) == 1 and not listed:
        return struct.pack("<IfQQ", 0, labels[0], number, 0) + picture
    return struct.pack("<IfQQ", len(labels), 0.0, number, 0) + struct.pack(f"<{len(labels)}f", *labels) + picture


def record(content: bytes) -> bytes:
    """A record, cut where its content holds the first number of one at a multiple of four bytes."""
    cuts = [place for place in range(0, len(content) - 3, 4) if content[place : place + 4] == MAGIC]
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(content)]
    written = b""
    for place, (start, end) in enumerate(zip(starts, ends, strict=True)):
        kind = 0 if not cuts else 1 if place == 0 else 3 if place == len(cuts) else 2
        part = content[start:end]
        written += MAGIC + struct.pack("<I", kind << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
    return written


def write_records(file: Path, contents: dict[int, bytes]) -> dict[int, int]:
    """A .rec file and its .idx beside it, in the order given; where each record begins."""
    offsets, written = {}, b""
    for number, content in contents.items():
        offsets[number] = len(written)
        written += record(content)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(written)
    file.with_suffix(".idx").write_text("".join(f"{number}\t{offset}\n" for number, offset in offsets.items()))
    return offsets


def write_faces(file: Path, people: Sequence[Sequence[bytes]]) -> dict[int, int]:
    """A set as InsightFace's: record 0, the encoded pictures of each person, then a record for each person."""
    contents, ranges, number = {0: b""}, [], 1
    for person, pictures in enumerate(people):
        ranges.append((number, number + len(pictures)))
        for picture in pictures:
            contents[number] = packed([float(person)], picture, number)
            number += 1
    contents[0] = packed([number, number + len(people)], b"")
    for place, bounds in enumerate(ranges):
        contents[number + place] = packed(bounds, b"", number + place)
    return write_records(file, contents)
