"""What is known of a black box before it is asked: the keys of a `teacher` section that its graph and metadata say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from distill.errors import DistillError
from distill.predictors.onnx_predictor import read_metadata
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess.preprocess import Fit

_WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


@dataclass(frozen=True)
class Contract:
    """A `teacher` section.

    Attributes:
        keys: what is known, as a recipe writes it.
        unsaid: what is not, by key: a value to begin with, and which others there are.
        section: lines of the whole section in place of both, where it was measured.
        fit: of the prepared pictures, that it wants.
        seen: what the file takes and gives, in words.
        size: height and width of its input, None where they are open.
        outputs: numbers of one answer, None where that is open.
    """

    keys: Mapping[str, Any]
    seen: str
    size: tuple[int, int] | None = None
    outputs: int | None = None
    unsaid: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    section: tuple[str, ...] = ()
    fit: Fit = "crop"


def contract_of(file: Path) -> Contract:
    """What an ONNX file says of itself; one that was exported here says all.

    Raises:
        DistillError: it is no ONNX file, or not one that takes pictures.
    """
    if file.suffix.lower() in _WEIGHTS:
        raise DistillError(
            f"--teacher {file}: weights alone, which do not say of what network. Give an ONNX file, or write "
            f"the recipe with teacher: {{name: timm, model: NAME, weights: {file}}}."
        )
    session = OnnxSession(file)
    metadata = read_metadata(session)
    sizes = session.shape[1:3] if session.shape[3] == 3 else session.shape[2:]
    height, width = sizes
    size = (height, width) if height and width else None
    seen = f"{file.name} takes {session.dtype} {_shape(session.shape)} and gives {', '.join(session.outputs)}"
    keys: dict[str, Any] = {"name": "onnx", "file": str(file)}
    if metadata is not None:
        names = metadata.answers.class_names
        return Contract(keys, f"{seen}; exported here, it says all the rest", size, len(names) if names else None)
    unsaid = {
        "gives": ("logits", "or probabilities (each class by itself), or softmax (they sum to one)"),
        "interpolation": ("bilinear", "or bicubic: how pictures are brought to its size"),
    }
    unsaid["channels"] = ("rgb", "or bgr")
    if session.dtype != np.uint8:
        unsaid["scale"] = ("0..1", "or 0..255; or both mean and std, of values in 0..1")
    if len(session.outputs) > 1:
        unsaid["output"] = (session.outputs[0], f"or {', '.join(session.outputs[1:])}")
    if size is None:
        unsaid |= {"height": ("224", "pixels"), "width": ("224", "pixels")}
    if (session.shape[1] == 3) == (session.shape[3] == 3):
        unsaid["layout"] = ("nchw", "or nhwc")
    return Contract(keys, seen, size, _outputs(session, size), unsaid)


def _outputs(session: OnnxSession, size: tuple[int, int] | None) -> int | None:
    """Asked of a blank picture, for a graph need not declare them."""
    if size is None or len(session.outputs) > 1:
        return None
    shape = (1, *size, 3) if session.shape[3] == 3 else (1, 3, *size)
    return int(session(np.zeros(shape, session.dtype)).shape[1])


def _shape(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('N' if size is None else str(size) for size in shape)})"
