"""A checkpoint ends with its own checksum, and torch and zip programs do not mind."""

import random
import zipfile
from pathlib import Path

import pytest
import torch

from distill.errors import DistillError
from distill.files.sealed_zip import check_zip, seal_zip


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    file = tmp_path / "last.ckpt"
    torch.save({"weights": torch.arange(500, dtype=torch.float32), "step": 3}, file)
    seal_zip(file)
    return file


def test_torch_and_zip_read_it_as_before(checkpoint: Path) -> None:
    check_zip(checkpoint, "Delete it.")
    content = torch.load(checkpoint, weights_only=True)
    assert content["step"] == 3 and torch.equal(content["weights"], torch.arange(500, dtype=torch.float32))
    with zipfile.ZipFile(checkpoint) as archive:
        assert archive.testzip() is None and archive.comment.startswith(b"sha256:")


def test_no_byte_of_it_changes_unnoticed(checkpoint: Path) -> None:
    good, drawn = checkpoint.read_bytes(), random.Random(0)
    changed = [good[:place] + good[place + 1 :] for place in drawn.sample(range(len(good)), 50)]
    for bit in [*drawn.sample(range(8 * len(good)), 200), *range(8 * len(good) - 800, 8 * len(good))]:
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(content))
    for content in (*changed, b"", good[:30], good[:-71], good + b"x"):
        checkpoint.write_bytes(content)
        with pytest.raises(DistillError, match=r"last\.ckpt: damaged: .* Delete it\."):
            check_zip(checkpoint, "Delete it.")


def test_one_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "large.ckpt"
    for size in (2**20 - 200, 2**20, 2**20 + 71, 2**21 + 5):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("a", random.Random(size).randbytes(size))
        seal_zip(file)
        check_zip(file, "")


def test_what_is_no_archive_gets_no_checksum(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b"", b"weights" * 10):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="no zip archive"):
            seal_zip(file)
        assert file.read_bytes() == content
