"""How a picture is to be turned, read from its EXIF by itself: what else that holds may be damaged or nonsense.

An encoded picture without its metadata is the same picture: where these alone make it unreadable, it is read without.
"""

import struct

ORIENTATION = 0x0112
_SIZES = {1: "B", 3: "H", 4: "I"}  # of numbers by the type EXIF gives them: byte, short, long
_EXIF = b"Exif\0\0"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_DROPPED = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"tIME", b"pHYs", b"gAMA", b"cHRM", b"sRGB")
_PNG_ANIMATION = (b"acTL", b"fcTL", b"fdAT")  # of which the first picture is taken, and it stands outside of them
_WEBP_DROPPED = (b"EXIF", b"XMP ", b"ICCP")
_NO_LENGTH = {0x01, *range(0xD0, 0xD8)}  # markers of a JPEG that nothing follows
_SCAN = 0xDA
_JFIF, _ADOBE = 0xE0, 0xEE  # which say how colours are written
_LEAST = {_JFIF: 11, _ADOBE: 16}  # bytes of one that can be read
_TABLES = b"\xff\xdb"  # what a picture begins with


def exif_orientation(exif: bytes) -> int | None:
    """The orientation, 1 to 8, that a block of EXIF gives; None where it gives none.

    The first directory is walked to that entry, and nothing else of it is read.
    """
    data = exif.removeprefix(_EXIF)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4])
    if order is None or len(data) < 8:
        return None
    (start,) = struct.unpack(f"{order}I", data[4:8])
    if len(data) < start + 2:
        return None
    (count,) = struct.unpack(f"{order}H", data[start : start + 2])
    for place in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        tag, kind, values = struct.unpack(f"{order}HHI", data[place : place + 8])
        if tag == ORIENTATION and kind in _SIZES and values == 1:
            number: int = struct.unpack_from(f"{order}{_SIZES[kind]}", data, place + 8)[0]
            return number if 1 <= number <= 8 else None
    return None


def exif_of(encoded: bytes) -> bytes:
    """The EXIF of a JPEG, PNG or WebP; empty where there is none."""
    if encoded.startswith(b"\xff\xd8"):
        blocks = [data for marker, data in _segments(encoded) if marker == 0xE1]
        return next((block[4:] for block in blocks if block[4:].startswith(_EXIF)), b"")
    chunks = _chunks(encoded)
    return next((data for name, data, _ in chunks if name in (b"eXIf", b"EXIF")), b"")


def without_metadata(encoded: bytes) -> bytes | None:
    """A JPEG, PNG or WebP without what says nothing of its pixels; None of another kind."""
    if encoded.startswith(b"\xff\xd8"):
        segments = _segments(encoded)
        kept = [
            data
            for marker, data in segments
            if not 0xE0 <= marker <= 0xEF or len(data) >= _LEAST.get(marker, len(data) + 1)
        ]
        rest = 2 + sum(len(data) for _, data in segments)
        return b"\xff\xd8" + b"".join(kept) + encoded[rest:]
    if encoded.startswith(_PNG):
        return _PNG + b"".join(
            whole for name, _, whole in _chunks(encoded) if name not in (*_PNG_DROPPED, *_PNG_ANIMATION)
        )
    if encoded.startswith(b"RIFF"):
        body = b"".join(whole for name, _, whole in _chunks(encoded) if name not in _WEBP_DROPPED)
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    return None


def _segments(encoded: bytes) -> list[tuple[int, bytes]]:
    """The segments of a JPEG before its first scan: each its marker and all its bytes."""
    segments, place = [], 2
    while place + 4 <= len(encoded) and encoded[place] == 0xFF:
        marker = encoded[place + 1]
        if marker == _SCAN:
            break
        alone = marker in _NO_LENGTH or marker == 0xFF  # filling
        size = (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(encoded[place + 2 : place + 4], "big")
        if 0xE0 <= marker <= 0xEF and place + size > len(encoded):  # its length is damaged
            size = max(encoded.find(_TABLES, place + 4) - place, 2)
        segments.append((marker, encoded[place : place + size]))
        place += size
    return segments


def _chunks(encoded: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """The chunks of a PNG or WebP: each its name, its content, and all its bytes."""
    png = encoded.startswith(_PNG)
    chunks, place = [], 8 if png else 12
    while place + 8 <= len(encoded):
        if png:
            size, name = int.from_bytes(encoded[place : place + 4], "big"), encoded[place + 4 : place + 8]
            end = place + 12 + size
        else:
            name, size = encoded[place : place + 4], int.from_bytes(encoded[place + 4 : place + 8], "little")
            end = place + 8 + size + size % 2
        chunks.append((name, encoded[place + 8 : place + 8 + size], encoded[place:end]))
        place = end
    return chunks
