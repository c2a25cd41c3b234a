"""What a format of exported files is made of, and what it is made from."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import numpy as np
from torch import fx, nn

from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.export.deployed import Deployed
from distill.export.int8.equalization import equalize
from distill.export.int8.folding import fold
from distill.faces.settings import Detect
from distill.predictors.file_predictor import FilePredictor
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import Preprocess
from students.manifest import StudentManifest

Calibration = Literal["least_error", "percentile", "minmax"]


@dataclass(frozen=True)
class Job:
    """A student on its way into files.

    Attributes:
        network: of normalised float (N, 3, h, w) to the raw tensors of the manifest's kind of answers.
        pictures: uint8 (N, h, w, 3) to calibrate int8 on; empty where no format needs them.
        calibration: how the ranges of int8 follow from what the pictures excite.
        onnxruntime_web: of the browser folder: the npm package as a file; None for the cache or the registry.
        detect: of the browser folder: how faces are found in photographs; None where they are not.
        adapted: what `for_int8` is instead, once it has learnt to be rounded.
        once: whether files give each thing once (`export.nms`).
    """

    network: nn.Module
    manifest: StudentManifest
    pictures: np.ndarray
    calibration: Calibration = "least_error"
    onnxruntime_web: Path | None = None
    detect: Detect | None = None
    adapted: fx.GraphModule | None = None
    once: bool = False

    @property
    def preprocess(self) -> Preprocess:
        return self.manifest.preprocess

    @property
    def metadata(self) -> OnnxMetadata:
        """What each file says of itself."""
        manifest, answers = self.manifest, self.manifest.answers
        if self.once:
            assert answers.once is not None  # `distill.export.formats.formats_of`
            answers = answers.once().called(answers.class_names)
        return replace(
            OnnxMetadata.of(answers, manifest.preprocess, manifest.picture),
            teacher=manifest.teacher,
            teacher_fingerprint=manifest.teacher_fingerprint,
            data_fingerprint=manifest.data_fingerprint,
            fit=manifest.fit,
        )

    @cached_property
    def folded(self) -> fx.GraphModule:
        """The network without batch normalisation.

        Raises:
            DistillError: its forward pass is no plain graph.
        """
        return fold(self.network)

    @cached_property
    def for_int8(self) -> fx.GraphModule:
        """`folded` with its channels made level: the same function, unless one was adapted to int8."""
        if self.adapted is not None:
            return self.adapted
        network = fold(self.network)
        equalize(network, self.preprocess, self.pictures)
        return network

    def deployed(self, network: nn.Module) -> Deployed:
        """`folded` or `for_int8` with preprocessing and activation."""
        return Deployed(network, self.preprocess, self.manifest.answers)


@dataclass(frozen=True)
class Format:
    """One kind of exported file.

    Attributes:
        file: its name in the folder of exports.
        write: makes the file from a job; a file named here as `beside` belongs to it.
        load: opens the file in its real runtime with a number of threads, None for as many as torch has; None where
            the format cannot run on this system.
        limits: what a user of the file must know, in a sentence.
        int8: whether its weights and activations are int8.
        extra: of this package, that installs what the format needs; None where nothing more is needed.
        modules: that must be importable.
        shows: whether it shows answers in a page, which a kind without a `page` has none of.
        suppresses: whether non-maximum suppression can be inside.
    """

    name: str
    file: str
    write: Callable[[Job, Path], None]
    load: Callable[[Path, int | None], FilePredictor] | None
    limits: str
    int8: bool = False
    extra: str | None = None
    modules: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    shows: bool = False
    suppresses: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        return (self.file, *self.beside)

    def check_kind(self, kind: type[Kind]) -> None:
        """Raises:
        DistillError: the format cannot carry this kind of answers.
        """
        if self.shows and kind.page is None:
            raise DistillError(
                f"export.formats: {self.name} has no page that shows answers of the kind {kind.name} ({kind.words}). "
                "Leave the format out."
            )

    def check_installed(self) -> None:
        """Raises:
        DistillError: what the format needs is not installed; names the extra.
        """
        lacking = [module for module in self.modules if find_spec(module) is None]
        if lacking:
            raise DistillError(
                f"export.formats: {self.name} needs {', '.join(lacking)}, which is not installed: "
                f"pip install '.[{self.extra}]' in Distill's folder, or leave the format out."
            )
