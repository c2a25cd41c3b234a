"""Black boxes that tell flat colours apart, written for one input contract, and pictures of these colours.

Each answers by the nearest of its classes' mean pixels in its own units, so only the contract it was written for has
the right nearest one; an activation hides nothing of that.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

COLORS = {
    "brick": (170, 60, 50),
    "grass": (70, 140, 60),
    "navy": (50, 60, 150),
    "rose": (250, 170, 190),
    "sand": (190, 170, 120),
    "slate": (90, 100, 120),
    "snow": (240, 240, 245),
    "soot": (35, 30, 30),
}
"""RGB of each class; none is its own reverse."""


def color_folders(root: Path, each: int = 8, size: tuple[int, int] = (40, 40)) -> Path:
    """A folder for each class with pictures of its colour, noise on it.

    Args:
        size: width and height.
    """
    generator = np.random.default_rng(0)
    for name, color in COLORS.items():
        (root / "test" / name).mkdir(parents=True)
        (root / "train" / name).mkdir(parents=True)
        for number in range(each + 1):
            pixels = np.array(color) + generator.normal(0, 12, (size[1], size[0], 3)) + generator.normal(0, 4, 3)
            part = "test" if number < each else "train"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / part / name / f"{number}.png")
    return root


def color_box(
    path: Path,
    *,
    channels: str = "rgb",
    mean: float | tuple[float, ...] = 0.0,
    std: float | tuple[float, ...] = 1.0,
    layout: str = "nchw",
    ends: str | None = None,
    inside: bool = False,
    axes: tuple[int | str, int | str, int | str] = (3, 24, 24),
) -> Path:
    """Write the graph that tells `COLORS` apart in these units.

    Args:
        mean, std: of values in 0..1, in RGB order.
        axes: channels, height and width as it declares them; a name of one that it leaves open.
        ends: an activation at its end.
        inside: it takes 0..1 and normalises by itself.
    """
    centres = (np.array([*COLORS.values()]) / 255 - mean) / std
    if channels == "bgr":
        centres = centres[:, ::-1]
    shape = ["N", *axes] if layout == "nchw" else ["N", *axes[1:], axes[0]]
    averaged = [2, 3] if layout == "nchw" else [1, 2]
    of_channel = [1, 3, 1, 1] if layout == "nchw" else [1, 1, 1, 3]
    means, stds = (np.broadcast_to(np.array(value, np.float32), 3) for value in (mean, std))
    own = [helper.make_node("Sub", ["pictures", "mean"], ["less"]), helper.make_node("Div", ["less", "std"], ["eaten"])]
    # The nearest centre c of a mean m: largest 2 c m - c^2, for m^2 is the same to all.
    nodes = [
        *(own if inside else [helper.make_node("Identity", ["pictures"], ["eaten"])]),
        helper.make_node("ReduceMean", ["eaten", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        *([] if ends is None else [helper.make_node(ends, ["logits"], ["answers"])]),
    ]
    stored = {
        "axes": np.array(averaged, np.int64),
        "mean": means.reshape(of_channel),
        "std": stds.reshape(of_channel),
        "weight": (6 * centres.T).astype(np.float32),
        "bias": (-3 * (centres**2).sum(axis=1)).astype(np.float32),
    }
    last = "logits" if ends is None else "answers"
    graph = helper.make_graph(
        nodes,
        "colors",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, ["N", len(COLORS)])],
        [
            numpy_helper.from_array(array, name)
            for name, array in stored.items()
            if inside or name not in ("mean", "std")
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path
