"""ONNX with the preprocessing inside: uint8 (N, h, w, 3) at the network's resolution in, probabilities (N, C) or
unit embeddings (N, D) out.

The one step outside the graph is the resize to h x w; its kernel is named in the metadata, and every reader of the file
applies it through `distill.preprocess.resize`, the function training used.
"""

import copy
import logging
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from distill.files import atomic_path
from distill.predictors.onnx_metadata import Given, OnnxMetadata
from distill.predictors.torch_predictor import Activation, activate
from distill.preprocess import Preprocess


class _Exported(nn.Module):
    def __init__(self, network: nn.Module, preprocess: Preprocess, activation: Activation) -> None:
        super().__init__()
        self.network, self.preprocess, self.activation = network, preprocess, activation

    def forward(self, pictures: Tensor) -> Tensor:
        pixels = pictures.permute(0, 3, 1, 2).float()
        return activate(self.network(self.preprocess.normalize(pixels)), self.activation)


def export_onnx(
    path: Path,
    network: nn.Module,
    preprocess: Preprocess,
    *,
    classes: tuple[str, ...] | None,
    thresholds: tuple[float, ...] | None,
    picture: tuple[int, int],
    activation: Activation | None = None,
    far_thresholds: dict[str, float] | None = None,
) -> None:
    """Write a network of normalised float (N, 3, h, w) to logits (N, C) or embeddings (N, D) as one self-contained file
    of dynamic batch.

    Args:
        classes, thresholds: of the C outputs, for the file's metadata; None of an embedding.
        activation: of the outputs; by default a sigmoid each, and unit length of an embedding.
        far_thresholds: of an embedding, by FAR, for the metadata.
        picture: (height, width) of the prepared pictures the network was made for, for the metadata.

    Raises:
        DistillError: the place cannot be written to.
    """
    import onnx

    activation = activation or ("sigmoid" if classes is not None else "unit")
    exported = _Exported(copy.deepcopy(network).cpu().eval(), preprocess, activation).eval()
    # Two pictures: an example batch of one would be taken for a constant.
    example = torch.zeros(2, preprocess.height, preprocess.width, 3, dtype=torch.uint8)
    if classes is not None:
        gives: Given = "softmax" if activation == "softmax" else "probabilities"
        metadata = OnnxMetadata.of(classes, thresholds, preprocess, picture, gives)
    else:
        with torch.inference_mode():
            dimensions = exported(example).shape[1]
        metadata = OnnxMetadata.of_embedding(dimensions, far_thresholds, preprocess, picture)
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                exported,
                (example,),
                dynamo=True,
                dynamic_shapes={"pictures": {0: torch.export.Dim("batch")}},
                input_names=["pictures"],
                output_names=["probabilities" if classes is not None else "embeddings"],
                external_data=False,
                verbose=False,
            )
    finally:
        quiet.setLevel(level)
    assert program is not None  # what dynamo=True returns
    model = program.model_proto
    onnx.helper.set_model_props(model, metadata.to_props())
    with atomic_path(path) as temporary:
        temporary.write_bytes(model.SerializeToString())
