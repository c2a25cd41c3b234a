"""Arrays of numbers, characters and cells in files of MATLAB 5 to 7.2, read byte by byte.

scipy's reader is written in C and trusts the lengths that a file states: damaged files end the whole process.

A file is a header of 128 bytes and elements, each a type, a length and so many bytes; a small one has all three in 8
bytes. An element may be zlib of another. An array's own elements are its class, its shape, its name, and its content:
numbers, characters, or, of a cell array, arrays.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

_HEADER, _LARGEST = 128, 2**26
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _CHARACTERS, _NUMERIC = 1, 4, range(6, 16)


def read_mat(content: bytes) -> dict[str, Any]:
    """Variables by name: lists of cells; text; numpy arrays, flat. Those of other classes are left out.

    Raises:
        ValueError: it is no such file, or damaged; or it holds more than 64 MB.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise ValueError("it does not begin as a file of MATLAB 5 to 7.2")
    found: dict[str, Any] = {}
    for kind, data in _elements(content[_HEADER:], order):
        if kind == _COMPRESSED:
            ((kind, data),) = _elements(_inflated(data), order)
        if kind == _MATRIX:
            name, value = _matrix(data, order, cells=True)
            found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def _inflated(data: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        inflated = decompressor.decompress(data, _LARGEST)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not decompressor.eof:
        raise ValueError("what is compressed in it is cut short, or larger than 64 MB")
    return inflated


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Each element's type and bytes."""
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise ValueError("an element is cut short")
        kind, length = struct.unpack_from(f"{order}II", data, at)
        start, after = at + 8, at + 8 + length + (0 if kind == _COMPRESSED else -length % 8)
        if kind >> 16:  # a small one
            kind, length, start, after = kind & 0xFFFF, kind >> 16, at + 4, at + 8
            if length > 4:
                raise ValueError("an element is longer than it may be")
        if start + length > len(data):
            raise ValueError("an element is cut short")
        yield kind, data[start : start + length]
        at = after


def _matrix(data: bytes, order: str, cells: bool) -> tuple[str, Any]:
    """An array's name and content; None of one that is neither of numbers nor of text, nor, where `cells`, of cells."""
    elements = _elements(data, order)
    try:
        (_, flags), (_, shape), (_, name) = next(elements), next(elements), next(elements)
    except StopIteration:
        raise ValueError("an array is cut short") from None
    if len(flags) != 8 or len(shape) % 4 or any(size < 0 for size in np.frombuffer(shape, f"{order}i4").tolist()):
        raise ValueError("an array has no class or no shape")
    of, count = struct.unpack(f"{order}I", flags[:4])[0] & 0xFF, 1
    for size in np.frombuffer(shape, f"{order}i4").tolist():
        count *= size
    value: Any = None
    if of == _CELL and cells:
        value = [_matrix(inner, order, cells=False)[1] for kind, inner in elements if kind == _MATRIX]
    elif of == _CHARACTERS:
        value = "".join(_text(kind, inner, order) for kind, inner in elements)
    elif of in _NUMERIC:
        value = np.concatenate([_numbers(kind, inner, order) for kind, inner in elements] or [np.empty(0)])
    if value is not None and len(value) != count:
        raise ValueError(f"an array of {count} holds {len(value)}")
    return name.decode("latin-1"), value


def _numbers(kind: int, data: bytes, order: str) -> np.ndarray:
    if kind not in _NUMBERS:
        raise ValueError(f"numbers of a type {kind} that there is none of")
    return np.frombuffer(data, f"{order}{_NUMBERS[kind]}")  # of a length that is no multiple, a ValueError


def _text(kind: int, data: bytes, order: str) -> str:
    if kind in _TEXTS:
        return data.decode(_TEXTS[kind] + ("" if kind == 16 else "-le" if order == "<" else "-be"))
    return "".join(map(chr, _numbers(kind, data, order).astype(np.uint16).tolist()))
