"""What a file is called that is not what was expected."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from distill.files.kind import LITERT, ONNX, PICKLE, TORCH, TORCHSCRIPT, kind_of
from tests.helpers.graphs import linear_graph


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "it is empty"),
        (b"\xef\xbb\xbf  <html>404</html>", "a web page (HTML or XML)"),
        (b'{"error": "denied"}', 'text that begins with \'{"error": "denied"}\''),
        (b"Access denied\n", "text that begins with 'Access denied'"),
        ("größe".encode(), "text that begins with 'größe'"),
        (gzip.compress(b"x", mtime=0), "compressed by gzip; unpack it"),
        (b"PK\x03\x04" + bytes(50), "a zip archive that is cut short, as torch's files are; fetch it again"),
        (b"\x1c\0\0\0TFL3" + bytes(50), LITERT),
        (b"\x80\x04\x95", PICKLE),
        (bytes(100), None),
        (bytes(range(1, 60)), None),
    ],
)
def test_the_first_bytes_tell(tmp_path: Path, content: bytes, kind: str | None) -> None:
    (tmp_path / "a").write_bytes(content)
    assert kind_of(tmp_path / "a") == kind


def test_what_libraries_write(tmp_path: Path) -> None:
    file, tensor = tmp_path / "a", torch.ones(2)
    torch.save({"a": tensor}, file)
    assert kind_of(file) == TORCH
    torch.save({"a": tensor}, file, _use_new_zipfile_serialization=False)
    assert kind_of(file) == PICKLE
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(file))
    assert kind_of(file) == TORCHSCRIPT
    save_file({"a": tensor}, file)
    assert kind_of(file) == "a safetensors file"
    with file.open("wb") as opened:
        np.savez(opened, a=np.ones(2))
    assert kind_of(file) == "arrays of NumPy (.npz)"
    assert kind_of(linear_graph(tmp_path / "b")) == ONNX


def test_an_archive_of_a_version_that_is_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    whole = bytearray((tmp_path / "a").read_bytes())
    whole[whole.index(b"PK\x01\x02") + 6] = 255
    (tmp_path / "a").write_bytes(whole)
    assert kind_of(tmp_path / "a") == "a zip archive that is cut short, as torch's files are; fetch it again"


def test_archives_say_what_they_hold(tmp_path: Path) -> None:
    file = tmp_path / "a"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("model/weights.pth", b"x")
    assert kind_of(file) == "a zip archive of model/weights.pth; unpack it"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a\nb", b"x")
    assert kind_of(file) == r"a zip archive of 'a\nb'; unpack it"  # a message is of one line
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("weights.pth"), io.BytesIO())
    assert kind_of(file) == "a tar archive; unpack it"
