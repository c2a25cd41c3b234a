"""An array comes back as it was written, and nothing else comes of a file."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from distill.errors import DistillError
from distill.files.arrays import read_array


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3, 1)])
def test_an_array_comes_back(tmp_path: Path, mapped: bool, shape: tuple[int, ...]) -> None:
    written = np.arange(np.prod(shape, dtype=int), dtype="<u2").reshape(shape)
    np.save(tmp_path / "a.npy", written)
    read = read_array(tmp_path / "a.npy", "Delete it.", mapped)
    assert read.dtype == written.dtype and np.array_equal(read, written) and read.shape == shape


def header(text: str, content: bytes = bytes(8)) -> bytes:
    line = text.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(line).to_bytes(2, "little") + line + content


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        pickle.dumps([1]),
        header("{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }"),
        header("{'descr': '<u8', 'fortran_order': False, 'shape': (-1,), }"),
        header("{'descr': '<u8', 'fortran_order': False, 'shape': (1, 4611686018427387904), }"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle.dumps([1])),
        header("{'descr': '<u8', 'fortran_order': False"),
        header("{'descr': '<u8', 'fortran_order': False, 'shape': (9"),
        header("'''"),
    ],
)
def test_what_is_no_array_is_told(tmp_path: Path, mapped: bool, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(DistillError, match=r"a\.npy: no array \(.*\)\. Delete it\.$") as caught:
        read_array(tmp_path / "a.npy", "Delete it.", mapped)
    assert "\n" not in str(caught.value)


def test_an_archive_is_no_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.ones(2))
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    with pytest.raises(DistillError, match=r"a\.npy: an archive, expected one array\. Delete it\."):
        read_array(tmp_path / "a.npy", "Delete it.", mapped=True)


def test_a_file_that_is_not_there_is_for_the_caller(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_array(tmp_path / "a.npy", "Delete it.")
