"""Files of MATLAB are read as scipy reads them, and damaged ones end in an error of their own."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from distill.data.sources.mat_file import read_mat


def cells(*values: Any) -> np.ndarray:
    array = np.empty((len(values), 1), object)
    array[:, 0] = values
    return array


CONTENT = {
    "file_list": cells("n02085620-pug/a.jpg", "ä", ""),
    "numbers": cells(np.array([[1.0, 2.0]]), np.array([[3]], np.uint8)),
    "labels": np.array([[1.0], [2.5], [-3.0]]),
    "small": np.array([[7]], np.int16),
    "wide": np.arange(6, dtype=np.uint32).reshape(2, 3),
    "text": "one line",
    "of_fields": {"a": 1.0},
}


def written(content: dict[str, Any], compressed: bool) -> bytes:
    file = io.BytesIO()
    savemat(file, content, do_compression=compressed)
    return file.getvalue()


@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_writes_is_read(compressed: bool) -> None:
    found = read_mat(written(CONTENT, compressed))
    assert found.keys() == CONTENT.keys() - {"of_fields"}
    assert found["file_list"] == ["n02085620-pug/a.jpg", "ä", ""] and found["text"] == "one line"
    assert [one.tolist() for one in found["numbers"]] == [[1.0, 2.0], [3]]
    for name in ("labels", "small", "wide"):
        assert found[name].tolist() == CONTENT[name].ravel(order="F").tolist()


def test_the_other_order_of_bytes() -> None:
    def element(kind: int, data: bytes) -> bytes:
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    parts = (6, struct.pack(">II", 6, 0)), (5, struct.pack(">ii", 1, 2)), (1, b"labels"), (9, struct.pack(">dd", 1, 2))
    array = element(14, b"".join(element(*part) for part in parts))
    assert read_mat(b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + array)["labels"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("compressed", [False, True])
def test_whatever_is_damaged_is_read_or_an_error(compressed: bool) -> None:
    content, random, refused = written(CONTENT, compressed), np.random.default_rng(0), 0
    for number in range(2000):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[random.integers(124, len(content), 1 + number % 3)] ^= random.integers(1, 256, dtype=np.uint8)
        try:
            read_mat(damaged.tobytes()[: len(content) - number % 7])
        except ValueError:
            refused += 1
    assert refused > 300


def test_what_would_fill_the_memory_is_refused() -> None:
    bomb = zlib.compress(bytes(2**27), 9)
    head = b"MATLAB 5.0".ljust(124) + b"\x00\x01IM"
    with pytest.raises(ValueError, match="larger than 64 MB"):
        read_mat(head + struct.pack("<II", 15, len(bomb)) + bomb)
