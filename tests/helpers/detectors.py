"""Face detectors as small ONNX graphs: they see a face where a cell of 8 x 8 pixels is bright in their first channel.

YuNet and RetinaFace are shown blue first, SCRFD red; the mean of a cell, as a share of 255, is the score. The landmarks
lie around the cell as `OFFSETS` say, and the box is `SIZE` pixels wide and high around the same middle.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from PIL import Image

OFFSETS = np.array([[-8.0, -8.0], [8.0, -8.0], [0.0, 0.0], [-6.0, 8.0], [6.0, 8.0]])
"""Of the five landmarks from the middle of the cell, in pixels of what is shown."""
SIZE = 40.0
STRIDES = (8, 16, 32)
BLUE, RED = 2, 0
"""The channel of an RGB picture that is bright where a face is."""


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, values: object, kind: type = np.float32) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(values, kind), name))
        return name

    def node(self, operator: str, inputs: list[str], name: str | None = None, **attributes: object) -> str:
        name = name or f"node{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def scores(self, scale: float, shift: float) -> dict[int, str]:
        """By stride a share for each cell, (1, R, 1); of the coarser ones nothing is ever sure."""
        ends = [self.constant(value, np.int64) for value in ([0], [1], [1])]
        first = self.node("Slice", ["pictures", *ends])
        scores = {}
        for stride in STRIDES:
            pooled = self.node("AveragePool", [first], kernel_shape=[stride] * 2, strides=[stride] * 2)
            scaled = self.node("Mul", [pooled, self.constant(scale if stride == 8 else 0.0)])
            shifted = self.node("Add", [scaled, self.constant(shift if stride == 8 else 0.0)])
            scores[stride] = self.node("Reshape", [shifted, self.constant([1, -1, 1], np.int64)])
        return scores

    def filled(self, like: str, values: object, name: str | None = None) -> str:
        """The same row of values for each cell."""
        nothing = self.node("Mul", [like, self.constant(0.0)])
        return self.node("Add", [nothing, self.constant(values)], name)

    def save(self, path: Path, outputs: list[str], side: int | str) -> Path:
        graph = helper.make_graph(
            self.nodes,
            "detector",
            [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, (1, 3, side, side if side else "W"))],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.constants,
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
        return path


def yunet_graph(path: Path, side: int | str = "") -> Path:
    """Write a detector of YuNet's layout, for any size or one."""
    graph, outputs = _Graph(), []
    for stride, scores in graph.scores(1 / 255, 0.0).items():
        landmarks = (OFFSETS / stride + 0.5).ravel()
        outputs += [
            graph.node("Identity", [scores], f"cls_{stride}"),
            graph.node("Identity", [scores], f"obj_{stride}"),
            graph.filled(scores, [0.5, 0.5, *np.log([SIZE / stride] * 2)], f"bbox_{stride}"),
            graph.filled(scores, landmarks, f"kps_{stride}"),
        ]
    # As the real one has them: first all scores, then all boxes.
    return graph.save(path, sorted(outputs, key=lambda name: name.split("_")[0]), side)


def scrfd_graph(path: Path, side: int | str = "", batched: bool = False) -> Path:
    """Write a detector of SCRFD's layout; its middle of a cell is the cell's upper left corner."""
    graph, outputs = _Graph(), []
    rows = (1, -1) if batched else (-1,)
    for stride, scores in graph.scores(128 / 255, 0.5).items():
        # Two anchors a cell, of which the second is never sure.
        both = graph.node("Concat", [scores, graph.filled(scores, [0.0])], axis=2)
        shaped = graph.node("Reshape", [both, graph.constant([1, -1, 1], np.int64)])
        parts = (
            shaped,
            graph.filled(shaped, [SIZE / 2 / stride] * 4),
            graph.filled(shaped, (OFFSETS / stride).ravel()),
        )
        for part, columns in zip(parts, (1, 4, 10), strict=True):
            outputs.append(graph.node("Reshape", [part, graph.constant([*rows, columns], np.int64)]))
    return graph.save(path, [*outputs[0::3], *outputs[1::3], *outputs[2::3]], side)


def retinaface_graph(path: Path, side: int | str = "") -> Path:
    """Write a detector of RetinaFace's layout, its first boxes of 16 pixels sure."""
    graph = _Graph()
    rows = []
    for stride, scores in graph.scores(1 / 255, 104 / 255).items():
        both = graph.node("Concat", [scores, graph.filled(scores, [0.0])], axis=2)
        rows.append(graph.node("Reshape", [both, graph.constant([1, -1, 1], np.int64)]))
        assert stride in STRIDES
    faces = graph.node("Concat", rows, axis=1)
    others = graph.node("Sub", [graph.constant(1.0), faces])
    boxes = graph.filled(faces, [0.0, 0.0, *np.log([SIZE / 16] * 2) / 0.2], "loc")
    points = graph.filled(faces, (OFFSETS / 16 / 0.1).ravel(), "landms")
    return graph.save(path, [boxes, graph.node("Concat", [others, faces], "conf", axis=2), points], side)


def photograph(height: int, width: int, cells: list[tuple[int, int, int]], channel: int = BLUE) -> np.ndarray:
    """uint8 (H, W, 3), black but for faces: (row, column, brightness) of cells of 8 x 8 pixels."""
    picture = np.zeros((height, width, 3), np.uint8)
    for row, column, brightness in cells:
        picture[8 * row : 8 * row + 8, 8 * column : 8 * column + 8, channel] = brightness
    return picture


def middle(row: int, column: int) -> np.ndarray:
    """(x, y) of the middle of a cell, counted as detectors count."""
    return np.array([8 * column + 4.0, 8 * row + 4.0])


def photographed(place: Path, aligned: bool = False) -> Path:
    """Five people with two pictures each, the second of P1 without a face, and two folds of two pairs of each kind."""
    for person in range(5):
        (place / f"P{person}").mkdir(parents=True)
        for number in (1, 2):
            noise = np.random.default_rng(10 * person + number).integers(0, 60, (112, 112, 3), dtype=np.uint8)
            cells = [] if (person, number) == (1, 2) and not aligned else [(6, 6, 250)]
            picture = np.maximum(noise, photograph(112, 112, cells))
            Image.fromarray(picture).save(place / f"P{person}" / f"P{person}_{number:04d}.png")
    first, second = "P0 1 2\nP1 1 2\nP0 1 P1 2\nP1 1 P2 1\n", "P2 1 2\nP3 1 2\nP3 1 P4 2\nP4 1 P2 1\n"
    (place / "pairs.txt").write_text(f"2 2\n{first}{second}")
    return place
