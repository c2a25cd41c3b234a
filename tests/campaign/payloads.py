"""Inputs that would run code, read other files or swell, given to every place that loads, under every name it takes."""

import io
import json
import pickle
import struct
import zipfile
import zlib

MARKER = "payload-was-run"


class _Runs:
    """Unpickled, it makes the marker."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return (os.system, (f"touch {MARKER}",)) if self.how == "system" else (exec, (f"open({MARKER!r}, 'w')",))


def payloads() -> list[tuple[str, bytes]]:
    """What each is, and its bytes."""
    made = [
        (f"pickle {how} {protocol}", pickle.dumps(_Runs(how), protocol))
        for how in ("system", "exec")
        for protocol in (0, 2, 4)
    ]
    made += [
        (f"{name} in a torch archive", _archive({"data.pkl": content, "version": b"3\n"})) for name, content in made
    ]
    made += [(f"{name} in an array", _array(content)) for name, content in made[:6]]
    made += [
        (
            "TorchScript",
            _archive(
                {
                    "code/__torch__.py": b"import os\nos.system('x')",
                    "data.pkl": b"\x80\x02}.",
                    "constants.pkl": b"\x80\x02).",
                }
            ),
        ),
        ("zip bomb", _archive({"data.pkl": b"\x80\x02}.", "data/0": bytes(300 * 2**20)}, compressed=True)),
        ("PNG bomb", _png(60_000, 60_000, b"")),
        ("PNG text bomb", _png(8, 8, zlib.compress(bytes(200 * 2**20), 9))),
        ("gzip", b"\x1f\x8b\x08\x00" + bytes(20)),
        ("JSON depth", b"[" * 200_000),
        ("JSON number", b'{"version": ' + b"9" * 100_000 + b"}"),
        ("JSON keys", json.dumps({"a" * n: n for n in range(2000)}).encode()),
        ("YAML tag", f"!!python/object/apply:os.system ['touch {MARKER}']".encode()),
        ("YAML tag inside", f"task: classes\ndata: !!python/object/new:os.system [touch {MARKER}]\n".encode()),
        (
            "YAML bomb",
            b"a: &a [x, x]\n"
            + b"".join(b"%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c]\n" % (n, n, *[n - 1] * 6) for n in range(98, 110)),
        ),
        (
            "YAML class path",
            b"trainer: {callbacks: {class_path: subprocess.Popen, init_args: {args: [touch, payload-was-run]}}}",
        ),
        (
            "XML entities",
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "&x;&x;">]><annotation>&y;</annotation>',
        ),
        ("safetensors header", struct.pack("<Q", 2**40) + b"{"),
        (
            "safetensors offsets",
            _safetensors({"conv.weight": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 8]}}),
        ),
        ("CSV field", b"file,breed\n" + b"a" * 5_000_000 + b",pug\n"),
        ("CSV quote", b'file,breed\n"' + b"a,b\n" * 200_000),
        ("ONNX external data above", _external("../../../../../../etc/passwd")),
        ("ONNX external data absolute", _external("/etc/passwd")),
        ("ONNX external data endless", _external("/dev/zero")),
        ("ONNX other domain", _external(None)),
        ("zeros", bytes(2**20)),
        ("nothing", b""),
        ("Git LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    ]
    return made


def _archive(files: dict[str, bytes], compressed: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(f"archive/{name}", content)
    return file.getvalue()


def _array(content: bytes) -> bytes:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (4,), }"
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def _png(width: int, height: int, text: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    more = chunk(b"zTXt", b"Comment\x00\x00" + text) + chunk(b"iCCP", b"x\x00\x00" + text) if text else b""
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", zlib.compress(bytes(8 * 25))) + chunk(b"IEND", b"")


def _safetensors(header: dict[str, object]) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes(8)


def _external(location: str | None) -> bytes:
    """An ONNX file whose weights lie elsewhere; None for one with an operator of nobody's."""
    import onnx
    from onnx import TensorProto

    from tests.campaign.valid import tiny_onnx

    model = onnx.ModelProto()
    model.ParseFromString(tiny_onnx())
    if location is None:
        model.graph.node[0].domain = "com.microsoft.extensions"
        model.graph.node[0].op_type = "PyOp"
        return bytes(model.SerializeToString())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "60")):
        tensor.external_data.add(key=key, value=value)
    return bytes(model.SerializeToString())
