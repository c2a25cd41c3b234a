"""A picture is turned as its EXIF says, and read, whatever else its metadata hold."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from distill.data.prepared.decode import BadPicture, decode
from distill.data.prepared.orientation import exif_of, exif_orientation, without_metadata

PIXELS = np.kron(np.random.default_rng(7).integers(0, 256, (3, 2, 3), dtype=np.uint8), np.ones((16, 16, 1), np.uint8))
TURNED = {1: PIXELS, 3: PIXELS[::-1, ::-1], 6: np.rot90(PIXELS, -1), 8: np.rot90(PIXELS)}


def exif(*entries: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    """A block with one directory: of each entry its tag, type, number of values, and four bytes."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(struct.pack(f"{order}HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    return b"Exif\0\0" + head + struct.pack(f"{order}IH", 8, len(entries)) + body + bytes(4)


def orientation(number: int, order: str = "<") -> tuple[int, int, int, bytes]:
    return 0x0112, 3, 1, struct.pack(f"{order}HH", number, 0)


NONSENSE = {
    "a place beyond the end": (0x010F, 2, 2**31, struct.pack("<I", 2**31)),
    "a rational beyond the end": (0x011A, 5, 1, struct.pack("<I", 2**30)),
    "a type that there is not": (0x0110, 99, 7, b"abcd"),
    "a directory at itself": (0x8769, 4, 1, struct.pack("<I", 8)),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("number", [1, 3, 6, 8])
def test_the_entry_is_found_in_both_orders_of_bytes(number: int, order: str) -> None:
    assert exif_orientation(exif((0x0100, 4, 1, bytes(4)), orientation(number, order), order=order)) == number


@pytest.mark.parametrize("block", [b"", b"Exif\0\0", b"Exif\0\0II*\0", exif(), exif(orientation(9)), exif()[:-8]])
def test_where_there_is_none(block: bytes) -> None:
    assert exif_orientation(block) is None


@pytest.mark.parametrize("what", NONSENSE)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("first", [True, False])
def test_nonsense_beside_the_orientation(what: str, kind: str, first: bool) -> None:
    entries = [NONSENSE[what], orientation(6)] if first else [orientation(6), NONSENSE[what]]
    file = io.BytesIO()
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True}
    Image.fromarray(PIXELS).save(file, kind, exif=exif(*entries), **options)
    found = decode(file.getvalue(), "a").astype(int)
    assert found.shape == TURNED[6].shape and np.abs(found - TURNED[6]).max() <= (3 if kind == "JPEG" else 0)
    assert exif_orientation(exif_of(file.getvalue())) == 6


def test_text_that_bursts_its_bounds_is_passed_over() -> None:
    info = PngInfo()
    info.add_text("Description", "x" * 2 * 10**6, zip=True)  # which PIL refuses
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", pnginfo=info, exif=exif(orientation(8)))
    with pytest.raises(ValueError, match="too large"):
        Image.open(io.BytesIO(file.getvalue())).load()
    assert np.array_equal(decode(file.getvalue(), "a"), TURNED[8])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_without_its_metadata_is_the_same_picture(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, exif=exif(orientation(6)), icc_profile=b"profile" * 9)
    bare = without_metadata(file.getvalue())
    assert bare is not None and len(bare) < len(file.getvalue()) and not exif_of(bare)
    assert np.array_equal(np.rot90(decode(bare, "a"), -1), decode(file.getvalue(), "a"))
    assert without_metadata(b"GIF89a") is None


def test_damage_of_the_picture_is_no_damage_of_metadata() -> None:
    """A palette whose name was damaged would leave the picture grey."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).quantize(4).save(file, "PNG", exif=exif(orientation(6)))
    damaged = file.getvalue().replace(b"PLTE", b"PLTF")
    with pytest.raises(BadPicture, match="damaged"):
        decode(damaged, "a")
    assert zlib.crc32(damaged) != zlib.crc32(file.getvalue())


def segment(marker: int, content: bytes, length: int | None = None) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2 if length is None else length) + content


def jpeg(*segments: bytes, without_jfif: bool = False) -> bytes:
    """A JPEG to be turned by a quarter, with more segments before it."""
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "JPEG", quality=100, subsampling=0)
    whole = file.getvalue()
    return b"\xff\xd8" + segment(0xE1, exif(orientation(6))) + b"".join(segments) + whole[20 if without_jfif else 2 :]


@pytest.mark.parametrize(
    "encoded",
    [
        jpeg(segment(0xEE, b"Adobe")),
        jpeg(segment(0xE0, b"JFIF"), without_jfif=True),
        jpeg(segment(0xE0, b"JFIF\0\1"), without_jfif=True),
        jpeg(segment(0xE2, b"ICC_PROFILE\0\5\1" + bytes(30))),
        jpeg(segment(0xE2, b"MPF\0II*\0" + struct.pack("<I", 2**31))),
        jpeg(segment(0xED, b"Photoshop 3.0\0" + b"8BIM\x03\xed" + b"\xff" * 20)),
        jpeg(segment(0xE1, b"")),
        jpeg(segment(0xED, b"x", length=0xFFFF)),  # longer than the file
        b"\xff\xd8" + segment(0xE1, exif(orientation(6)), length=0xFFFF) + jpeg()[2:],
    ],
)
def test_segments_that_are_damaged_leave_the_picture(encoded: bytes) -> None:
    found = decode(encoded, "a").astype(int)
    assert found.shape == TURNED[6].shape and np.abs(found - TURNED[6]).max() <= 3


@pytest.mark.parametrize(("name", "content"), [(b"acTL", b"\0\0\0"), (b"pHYs", b"\0"), (b"gAMA", b""), (b"sRGB", b"")])
def test_chunks_that_are_damaged_leave_the_picture(name: bytes, content: bytes) -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG", exif=exif(orientation(6)))
    whole, chunk = file.getvalue(), name + content
    chunk = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert np.array_equal(decode(whole[:33] + chunk + whole[33:], "a"), TURNED[6])


def test_a_file_that_is_no_picture_without_its_metadata_is_called_damaged() -> None:
    with pytest.raises(BadPicture, match="damaged or truncated"):
        decode(b"\xff\xd8" + segment(0xE1, exif(orientation(6)), length=0xFFFF), "a")
