"""Small valid inputs of each kind, to be damaged."""

import importlib.util
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

TABLE = b"file,breed,split,Bald,who\n" + b"".join(
    b"p/%d.jpg,%s,%s,%d,%d\n" % (n, b"pug" if n % 2 else b"beagle", (b"train", b"test")[n % 3 == 0], n % 2, n // 2)
    for n in range(12)
)
LANDMARKS = b"file,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n" + b"".join(
    b"%d.jpg,%d,2,3,4,5.5,6,7,8,9,10\n" % (n, n) for n in range(5)
)


def pictures() -> list[tuple[str, bytes]]:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    made = []
    for mode in ("RGB", "L", "P", "RGBA", "CMYK", "1", "I;16"):
        picture = Image.fromarray(pixels)
        picture = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257) if mode == "I;16" else picture.convert(mode)
        for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM"):
            exif = Image.Exif()
            exif[0x0112] = 6
            more: dict[str, Any] = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}
            if kind == "TIFF" and mode in ("RGB", "L"):
                more["compression"] = "tiff_lzw" if mode == "L" else "tiff_deflate"
            file = io.BytesIO()
            try:
                picture.save(file, kind, **more)
            except (OSError, ValueError):  # not all modes in all kinds
                continue
            made.append((f"{mode.replace(';', '')}.{kind.lower()}", file.getvalue()))
    return made


def safetensors() -> bytes:
    import torch
    from safetensors.torch import save

    return save({"conv.weight": torch.ones(2, 3), "conv.bias": torch.ones(2), "n": torch.ones((), dtype=torch.int64)})


def torch_files() -> list[tuple[str, bytes]]:
    import torch

    tensors = {"conv.weight": torch.ones(2, 3), "conv.bias": torch.ones(2)}
    made = []
    for name, content in (("plain", tensors), ("checkpoint", {"state_dict": tensors, "epoch": 3, "ema": tensors})):
        for zipped in (True, False):
            file = io.BytesIO()
            torch.save(content, file, _use_new_zipfile_serialization=zipped)
            made.append((f"{name}-{zipped}.pth", file.getvalue()))
    return made


def tiny_onnx() -> bytes:
    """A graph as a vendor has it: float pictures to five logits."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["pictures"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "vendor",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["N", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 5])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"author": "vendor"})
    return bytes(model.SerializeToString())


def tflite() -> bytes:
    """A graph that answers; without its runtime, bytes that begin like one, and all that is seen is the refusal."""
    if importlib.util.find_spec("ai_edge_litert") is None:
        return b"\x1c\x00\x00\x00TFL3" + bytes(range(200))
    from tests.helpers.litert import litert_graph

    with tempfile.TemporaryDirectory() as folder:
        return litert_graph(Path(folder) / "a.tflite").read_bytes()


def lists() -> list[tuple[str, bytes]]:
    attributes = "4\nBald Male\n" + "".join(f"{n:06d}.jpg  {1 - 2 * (n % 2)} -1\n" for n in range(4))
    partition = "".join(f"{n:06d}.jpg {n % 3}\n" for n in range(4))
    pairs = "2\t1\n" + "".join(f"A{n}\t1\t2\nA{n}\t1\tB{n}\t{n + 1}\n" for n in range(2))
    box = "<annotation><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></annotation>"
    texts = {
        "list_attr_celeba.txt": attributes,
        "list_eval_partition.txt": partition,
        "identity_CelebA.txt": partition,
        "pairs.txt": pairs,
        "classes.txt": "pug\nbeagle\nhound\n",
        "classes.json": json.dumps(["pug", "beagle"]),
        "class_map.txt": "n02085620 Chihuahua\nnone\nn02085782\n",
        "box.xml": box,
        "SHA256SUMS": f"{'0' * 64}  a.onnx\n{'1' * 64}  b/c d.onnx\n",
    }
    return [(name, text.encode()) for name, text in texts.items()]


def mat_list() -> bytes:
    from scipy.io import savemat

    file = io.BytesIO()
    names = np.array([[f"n0{n}-pug/n0{n}_{n}.jpg"] for n in range(4)], dtype=object)
    savemat(file, {"file_list": names, "labels": np.array([[1.0], [2.0], [1.0], [2.0]])})
    return file.getvalue()


def recipes() -> list[tuple[str, bytes]]:
    from importlib.resources import files

    from tests.campaign.scenarios import TAUGHT, TINY

    made = [("tiny.yaml", json.dumps(TINY, indent=1).encode()), ("taught.yaml", json.dumps(TAUGHT).encode())]
    return made + [(file.name, file.read_bytes()) for file in sorted(Path(str(files("recipes"))).glob("*.yaml"))]
