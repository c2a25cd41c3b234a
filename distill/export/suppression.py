"""Non-maximum suppression inside an ONNX graph: each thing once, the surest first, as
`distill.answers.suppression.suppressed` has it behind every other file.

Appended behind the last layer, in the operators of ONNX itself, so that OpenVINO converts it as well. All shapes but
the batch are fixed: a picture in which less is found has rows of zeros at its end.

Shapes: N pictures, K boxes of an answer, C classes, S kept ones of all pictures, M of a picture that are given.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.answers.detections import IOU, MOST
from distill.answers.suppression import LEAST

if TYPE_CHECKING:
    import onnx

_LATER = ".all"  # of the names of what was given before


def with_suppression(model: "onnx.ModelProto", tensors: Sequence[str]) -> "onnx.ModelProto":
    """The graph that gives boxes (N, M, 4) and scores (N, M, C), one class a box, for its (N, K, 4) and (N, K, C).

    Args:
        model: changed in place.
        tensors: its outputs, of boxes x1, y1, x2, y2 and of scores.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph, (boxes, scores) = model.graph, tensors
    sizes = [[side.dim_value for side in output.type.tensor_type.shape.dim] for output in graph.output]
    (_, places, _), (_, _, classes) = sizes
    _rename(graph, {name: f"{name}{_LATER}" for name in tensors})

    def constant(name: str, value: np.ndarray) -> str:
        graph.initializer.append(numpy_helper.from_array(value, f"once.{name}"))
        return f"once.{name}"

    def node(operator: str, given: Sequence[str], *names: str, **attributes: Any) -> str:
        gives = [name if name in tensors else f"once.{name}" for name in names]
        graph.node.append(helper.make_node(operator, given, gives, name=f"once.{names[0]}.node", **attributes))
        return gives[0]

    by_class = node("Transpose", [f"{scores}{_LATER}"], "scores.by_class", perm=[0, 2, 1])
    limits = [
        constant("most", np.array([MOST], np.int64)),
        constant("iou", np.array([IOU], np.float32)),
        # The operator wants more than that, the function as much.
        constant("least", np.nextafter(np.array([LEAST], np.float32), np.float32(0))),
    ]
    kept = node("NonMaxSuppression", [f"{boxes}{_LATER}", by_class, *limits], "kept")  # (S, 3): picture, class, box
    nothing = node("ConstantOfShape", [node("Shape", [by_class], "shape")], "nothing")
    surest = node("ScatterND", [nothing, kept, node("GatherND", [by_class, kept], "of_kept")], "scores.kept")
    flat = node("Reshape", [surest, constant("flat", np.array([0, -1], np.int64))], "scores.flat")
    # There are M of them even in a network of fewer.
    padded = node("Pad", [flat, constant("room", np.array([0, 0, 0, MOST], np.int64))], "scores.padded")
    sureness, which = node("TopK", [padded, limits[0]], "sureness", "which", axis=1), "once.which"
    number = constant("places", np.array(places, np.int64))
    box, kind = node("Mod", [which, number], "which.box"), node("Div", [which, number], "which.class")
    last = constant("last", np.array([-1], np.int64))
    column = node("Unsqueeze", [node("Sign", [sureness], "there"), last], "there.column")
    rows = node("Unsqueeze", [box, last], "box.column")
    picked = node("GatherND", [f"{boxes}{_LATER}", rows], "picked", batch_dims=1)
    node("Mul", [picked, column], boxes)
    off_on = constant("off_on", np.array([0, 1], np.float32))
    hot = node("OneHot", [kind, constant("classes", np.array([classes], np.int64)), off_on], "classes.hot")
    node("Mul", [hot, node("Unsqueeze", [sureness, last], "sureness.column")], scores)
    for output, last_side in zip(graph.output, (4, classes), strict=True):
        batch = output.type.tensor_type.shape.dim[0]
        shape = [batch.dim_param or batch.dim_value, MOST, last_side]
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, shape))
    return model


def _rename(graph: "onnx.GraphProto", names: dict[str, str]) -> None:
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [names.get(value, value) for value in values]
