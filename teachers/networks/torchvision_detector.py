"""torchvision's detectors as bare networks, built for the weights of a file.

Shapes: N batch, F channels of a map, h w pixels, M classes, the background at 0 among them.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.checkpoint import fitting_names
from distill.files.weights import load_weights
from distill.objectives.boxes.features import map_name

Model = Literal[
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "retinanet_resnet50_fpn",
    "retinanet_resnet50_fpn_v2",
    "fcos_resnet50_fpn",
    "ssd300_vgg16",
    "ssdlite320_mobilenet_v3_large",
]
"""By torchvision's names."""

# Of each kind of head: the bias that has a number for each class of each anchor of a cell, and these anchors.
_CLASSIFIERS = {
    "fasterrcnn": ("roi_heads.box_predictor.cls_score.bias", 1),
    "retinanet": ("head.classification_head.cls_logits.bias", 9),
    "fcos": ("head.classification_head.cls_logits.bias", 1),
    "ssd300": ("head.classification_head.module_list.0.bias", 4),
    "ssdlite320": ("head.classification_head.module_list.0.1.bias", 6),
}
# What layers were called when the published COCO weights of the first versions were written.
_FORMER = (
    (r"^(backbone\.fpn\.(?:inner|layer)_blocks\.\d)\.(weight|bias)$", r"\1.0.\2"),
    (r"^(rpn\.head\.conv)\.(weight|bias)$", r"\1.0.0.\2"),
)
_FORMER_RETINANET = re.compile(r"^(head\.(?:classification|regression)_head\.conv)\.([0246])\.(weight|bias)$")
# torchvision runs these with an epsilon of 0 in what they have of batch normalisation that is frozen.
_WITHOUT_EPSILON = ("fasterrcnn_resnet50_fpn", "retinanet_resnet50_fpn")
_COUNTER = "num_batches_tracked"


def build(model: Model, tensors: Mapping[str, Tensor], path: Path, side: int | None) -> Any:
    """A detector with every weight of a file, in eval mode; it normalises nothing itself.

    Args:
        tensors: of that file, as `read_weights` gives them.
        path: for messages.
        side: pixels of a side of the square pictures it sees; None for torchvision's own.

    Raises:
        DistillError: the weights are of another network, or it takes one size alone and another is wanted.
    """
    from torchvision.models import detection

    if model not in get_args(Model):
        raise DistillError(f"teacher.model is {model!r}, expected one of {', '.join(get_args(Model))}.")
    classes = _classes_of(model, tensors, path)
    fixed = model.startswith("ssd")
    sizes = {} if side is None or fixed else {"min_size": side, "max_size": side}
    with torch.device("meta"):  # drawing the numbers that the file's take the place of costs seconds
        network: Any = getattr(detection, model)(weights=None, weights_backbone=None, num_classes=classes, **sizes)
    if fixed and side not in (None, side_of(network)):
        raise DistillError(
            f"teacher.resolution is {side}, and {model} takes only {side_of(network)}, which its boxes hang on. Leave "
            "it out."
        )
    network.to_empty(device="cpu")
    for name, buffer in network.named_buffers():
        if name.endswith(_COUNTER):  # the one that files may lack
            buffer.zero_()
    expected = network.state_dict()
    fitting = fitting_names(tensors, expected, path)
    load_weights(network, {_new_name(name, expected): tensor for name, tensor in fitting.items()}, path)
    frozen = not any(name.endswith(_COUNTER) for name in tensors)
    if frozen and model in _WITHOUT_EPSILON:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    return network.eval()


def side_of(network: Any) -> int:
    """Pixels that torchvision brings the side of a square picture to."""
    transform = network.transform
    return int(transform.fixed_size[0] if transform.fixed_size else min(transform.min_size[-1], transform.max_size))


def outputs_of(network: Any) -> int:
    """M."""
    heads = network.roi_heads.box_predictor.cls_score.out_features if hasattr(network, "roi_heads") else None
    if heads is not None:
        return int(heads)
    head = network.head.classification_head
    return int(getattr(head, "num_classes", None) or head.num_columns)


def limits_of(network: Any) -> dict[str, float]:
    """The score from which a box is given, how many of a picture are at most, the IoU of two of a class above which the
    weaker is left out, and the epsilons of batch normalisation."""
    last = getattr(network, "roi_heads", network)
    epsilons = {module.eps for module in network.modules() if isinstance(module, nn.BatchNorm2d)}
    limits = {name: getattr(last, name) for name in ("score_thresh", "detections_per_img", "nms_thresh")}
    return limits | {"epsilon": min(epsilons, default=0.0)}


def maps_of(network: Any, pixels: Tensor) -> dict[str, Tensor]:
    """The maps (N, F, h', w') that its boxes are found on, by stride: the least power of two that makes no more cells
    of the picture's side. Of two of one stride, as FPN on MobileNetV3 has, the first.

    Args:
        pixels: normalised float (N, 3, h, w).
    """
    maps: dict[str, Tensor] = {}
    for values in network.backbone(pixels).values():
        stride = 1
        while -(-pixels.shape[2] // stride) > values.shape[2]:
            stride *= 2
        maps.setdefault(map_name(stride), values)
    return maps


class Counted(nn.Module):
    """What of a detector has weights, for its cost: of one that looks at proposals, as many as it may take.

    Args:
        network: a detector of torchvision's.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised float (1, 3, h, w) to outputs of no order."""
        maps = list(self.network.backbone(pixels).values())
        if not hasattr(self.network, "roi_heads"):
            return list(self.network.head(maps).values())
        logits, places = self.network.rpn.head(maps)
        heads, proposals = self.network.roi_heads, self.network.rpn.post_nms_top_n()
        windows = pixels.new_zeros(proposals, maps[0].shape[1], *heads.box_roi_pool.output_size)
        return [*logits, *places, *heads.box_predictor(heads.box_head(windows))]


def _classes_of(model: Model, tensors: Mapping[str, Tensor], path: Path) -> int:
    """M, as the file has them."""
    bias, anchors = _CLASSIFIERS[model.partition("_")[0]]
    for name, tensor in tensors.items():
        if (name == bias or name.endswith(f".{bias}")) and tensor.ndim == 1 and len(tensor) % anchors == 0:
            return max(2, len(tensor) // anchors)
    raise DistillError(
        f"{path}: weights for another network: {model} has {bias}, of {anchors} numbers for each class, and the file "
        f"has none. It begins with {', '.join(list(tensors)[:3]) or 'nothing'}. Give teacher.model as the weights are."
    )


def _new_name(name: str, expected: Mapping[str, Tensor]) -> str:
    """What torchvision calls a layer now that it once called otherwise, where the network has that."""
    if name in expected:
        return name
    for former, new in _FORMER:
        name = re.sub(former, new, name)
    if found := _FORMER_RETINANET.match(name):
        name = f"{found[1]}.{int(found[2]) // 2}.0.{found[3]}"
    return name
