"""What a file is, by what stands in it, whatever it is called: nothing of it is run."""

import zipfile
from pathlib import Path

ONNX = "an ONNX file, perhaps; that is for `teacher: {name: onnx, file: ...}`"
LITERT = "a LiteRT file (.tflite)"
PICKLE = "a pickle, as Python and torch write"
TORCH = "a torch file"
TORCHSCRIPT = "a TorchScript program with its weights"
TEXT = "text that begins with"
WEB_PAGE = "a web page (HTML or XML)"
_HEAD = 512
_TEXT_SHOWN = 40
_ENTRIES_SHOWN = 3

_BEGINNINGS = (
    (b"version https://git-lfs", "a pointer of Git LFS, which stands for the file (`git lfs pull` fetches it)"),
    (b"\x89HDF", "an HDF5 file, as Keras writes"),
    (b"\x1f\x8b", "compressed by gzip; unpack it"),
    (b"BZh", "compressed by bzip2; unpack it"),
    (b"\xfd7zXZ", "compressed by xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstandard; unpack it"),
    (b"7z\xbc\xaf", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\x93NUMPY", "an array of NumPy (.npy)"),
    (b"PAR1", "a Parquet file; that is for `data: {name: hub, path: ...}`"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook (.xls); save it as CSV"),
    (b"GGUF", "a GGUF file, of a language model"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"\x80", PICKLE),
    (b"\x08", ONNX),
)


def kind_of(file: Path) -> str | None:
    """What a file is, in words; None where that cannot be told.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    if not head:
        return "it is empty"
    if head.startswith(b"PK\x03\x04"):
        return _archive(file)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file"
    if head[4:8] == b"TFL3":
        return LITERT
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it"
    return next((what for begin, what in _BEGINNINGS if head.startswith(begin)), None) or _text(head)


def _archive(file: Path) -> str:
    """What a zip archive holds."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):  # of a version that is none, the second
        return "a zip archive that is cut short, as torch's files are; fetch it again"
    inner = {name.partition("/")[2] for name in names}
    if "constants.pkl" in inner:
        return TORCHSCRIPT
    if "data.pkl" in inner:
        return TORCH
    if names and all(name.endswith(".npy") for name in names):
        return "arrays of NumPy (.npz)"
    if "archive_format" in inner:
        return "a program of torch.export, with its weights"
    if "xl/workbook.xml" in names:
        return "an Excel workbook (.xlsx); save it as CSV"
    if "model.weights.h5" in names:
        return "a Keras file"
    some = (name[:_TEXT_SHOWN] for name in names[:_ENTRIES_SHOWN])
    shown = ", ".join(name if name.isprintable() else repr(name) for name in some)
    return f"a zip archive of {shown or 'nothing'}{', ...' if len(names) > _ENTRIES_SHOWN else ''}; unpack it"


def _text(head: bytes) -> str | None:
    text = (
        head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace").rstrip("\N{REPLACEMENT CHARACTER}").strip()
    )
    if text.startswith("<"):
        return WEB_PAGE
    line = " ".join(text.split())
    if not line.isprintable() or "\N{REPLACEMENT CHARACTER}" in line:
        return None
    return f"{TEXT} {line[:_TEXT_SHOWN]!r}"
