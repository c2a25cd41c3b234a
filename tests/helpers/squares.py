"""Photographs in VOC's layout that show squares in the cells of a grid, and a detector of such squares as a graph.

A square fills a cell of 16 pixels, so that the detector needs no more than the mean colour of each cell: bright in red
is the one class, bright in blue the other. It wants BGR on 0..255, and the picture where it came from: in the upper
left corner.
"""

from pathlib import Path
from typing import Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE, CELL, HEIGHT, ROWS, COLUMNS = 64, 16, 60, 3, 4
"""Pixels that the detector sees a side, of a cell, and of a picture's height, whose width is a side; whole cells that
are in it."""
CLASSES = ("blue", "red")
COLORS = {"blue": (30, 30, 230), "red": (230, 30, 30)}


def voc_of_squares(root: Path, count: int = 16) -> Path:
    """The folders, all of the training part but for four; deterministic."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    generator = np.random.default_rng(0)
    names = [f"{number:06d}" for number in range(count + 4)]
    for name in names:
        picture = generator.integers(60, 120, (HEIGHT, SIDE, 3), dtype=np.uint8)
        objects = ""
        for cell in generator.permutation(ROWS * COLUMNS)[:3].tolist():
            y, x, color = cell // COLUMNS * CELL, cell % COLUMNS * CELL, CLASSES[int(generator.integers(2))]
            picture[y : y + CELL, x : x + CELL] = COLORS[color]
            sides = {"xmin": x + 1, "ymin": y + 1, "xmax": x + CELL, "ymax": y + CELL}
            box = "".join(f"<{key}>{side}</{key}>" for key, side in sides.items())
            objects += f"<object><name>{color}</name><difficult>0</difficult><bndbox>{box}</bndbox></object>"
        Image.fromarray(picture).save(root / "JPEGImages" / f"{name}.png")
        size = f"<size><width>{SIDE}</width><height>{HEIGHT}</height><depth>3</depth></size>"
        (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{size}{objects}</annotation>")
    for part, some in (("train", names[:count]), ("val", names[count : count + 2]), ("test", names[count + 2 :])):
        (root / f"ImageSets/Main/{part}.txt").write_text("\n".join(some))
    return root


def square_detector(path: Path, writes: Literal["grids", "corners"] = "grids", names: str | None = None) -> Path:
    """The graph, of one picture at a time as YOLOX's.

    Args:
        writes: as YOLOX, one output on grids of strides 8, 16 and 32 with an objectness; or corners as shares of the
            picture and the scores of the classes, in two outputs of which the second comes first.
        names: of its classes, in its metadata.
    """
    cells = (SIDE // CELL) ** 2
    y, x = (axis.ravel() * CELL / SIDE for axis in np.mgrid[: SIDE // CELL, : SIDE // CELL])
    corners = np.stack([x, y, x + CELL / SIDE, y + CELL / SIDE], axis=1)
    stored = {
        "axes": np.array([0, cells, 3], np.int64),
        "of_color": np.array([[1, 0], [0, 0], [0, 1]], np.float32) / 80,  # in the order of blue, green, red
        "dark": np.full(2, -150 / 80, np.float32),
        "zero": np.float32(0),
        "one": np.float32(1),
        "last": np.array([2], np.int64),
        "middle": np.tile(np.float32([0.5, 0.5, 0, 0]), (1, cells, 1)),
        "finer": np.zeros((1, 4 * cells, 7), np.float32),
        "coarser": np.zeros((1, cells // 4, 7), np.float32),
        "corners": corners[None].astype(np.float32),
    }
    nodes = [
        helper.make_node("AveragePool", ["pictures"], ["means"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Transpose", ["means"], ["last_colors"], perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["last_colors", "axes"], ["rows"]),
        helper.make_node("MatMul", ["rows", "of_color"], ["bright"]),
        helper.make_node("Add", ["bright", "dark"], ["bright_enough"]),
        helper.make_node("Clip", ["bright_enough", "zero", "one"], ["classes"]),
        helper.make_node("ReduceMax", ["classes", "last"], ["objectness"], keepdims=1),
        helper.make_node("Concat", ["middle", "objectness", "classes"], ["of_stride_16"], axis=2),
        helper.make_node("Concat", ["finer", "of_stride_16", "coarser"], ["grids"], axis=1),
        helper.make_node("Identity", ["corners"], ["boxes"]),
    ]
    shapes = {"grids": (1, 21 * cells // 4, 7), "classes": (1, cells, 2), "boxes": (1, cells, 4)}
    given = ["grids"] if writes == "grids" else ["classes", "boxes"]
    graph = helper.make_graph(
        nodes,
        "squares",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in given],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if names is not None:
        helper.set_model_props(model, {"names": names})
    onnx.save(model, path)
    return path
