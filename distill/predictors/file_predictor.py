"""What the predictors of all exported files share: the contract in the file, and the resize outside of it."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from distill.errors import DistillError
from distill.files.kind import LITERT, WEB_PAGE, kind_of
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.predictor import Predictor
from distill.preprocess.preprocess import Preprocess

_OWN = {"LiteRT": LITERT, "OpenVINO": WEB_PAGE}  # what a runtime's own files look like


class FilePredictor(Predictor):
    """Runs an exported student in the runtime of its file.

    Its `preprocess` gives crop, size and resize kernel of the file's input; the normalisation is the file's own and
    not applied.

    Args:
        path: of the file.
        metadata: what the file says of itself.
    """

    def __init__(self, path: Path, metadata: OnnxMetadata) -> None:
        self.path, self.name = path, path.name
        self.kind = metadata.answers
        self.preprocess = Preprocess.resizing(
            metadata.height, metadata.width, metadata.interpolation, crop=metadata.crop
        )
        self.picture, self.fit = (metadata.picture_height, metadata.picture_width), metadata.fit

    def __call__(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, H, W, 3) to float32 answers (N, ...) by name.

        Raises:
            DistillError: the runtime refuses them, or answers NaN or infinity.
        """
        outputs = self.run(self.preprocess.resize(torch.from_numpy(pictures)).numpy())
        answers = dict(zip(self.kind.tensors, outputs, strict=True))
        for name, values in answers.items():
            if bad := int((~np.isfinite(values)).reshape(len(values), -1).any(axis=1).sum()):
                raise DistillError(
                    f"{self.path}: NaN or infinity in {name!r} for {bad} of {len(values)} pictures. Export the student "
                    "again."
                )
        return answers

    @abstractmethod
    def run(self, batch: np.ndarray) -> Sequence[np.ndarray]:
        """uint8 (N, h, w, 3) of the file's own size to its outputs in their order, float32 (N, ...).

        Raises:
            DistillError: the runtime refuses the batch.
        """


def needs(extra: str, error: ImportError) -> DistillError:
    """The error of a runtime that is not installed."""
    return DistillError(f"{error.name or error} is not installed: pip install '.[{extra}]' in Distill's folder.")


def foreign(path: Path) -> DistillError:
    """The error of a file without metadata."""
    return DistillError(
        f"{path}: its metadata does not say what it takes and gives, so it was not exported here. Export the student "
        "again with distill export."
    )


def unreadable(path: Path, runtime: str, error: Exception) -> DistillError:
    """The error of a file that its runtime cannot load."""
    kind = kind_of(path)
    text = " ".join(str(error).split())[:300] if kind in (None, _OWN.get(runtime)) else kind
    return DistillError(f"{path}: {runtime} cannot load it ({text}). Export it again.")
