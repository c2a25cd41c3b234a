"""A torch network as a predictor, and the choice of predictor by file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.open import open_predictor, student_predictor
from distill.predictors.predictor import Predictor
from distill.predictors.torch_predictor import TorchPredictor
from distill.preprocess.preprocess import Preprocess
from students.files import save_student
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1
from students.student import build_student
from tests.helpers.graphs import linear_graph, linear_logits, sigmoid

PICTURES = np.random.default_rng(1).integers(0, 256, (4, 8, 6, 3), dtype=np.uint8)
PREPROCESS = Preprocess(8, 6, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


class Means(nn.Module):
    """The mean of each channel as logits; in training mode it answers something else."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.dropout(pixels).mean(dim=(2, 3))


def test_a_student_eats_normalised_pixels() -> None:
    found = TorchPredictor(Means(), PREPROCESS, "sigmoid", normalize=True, name="means")(PICTURES)
    expected = (PICTURES.astype(np.float64) / 255 - PREPROCESS.mean) / PREPROCESS.std
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, sigmoid(expected.mean(axis=(1, 2))), rtol=1e-5)


def test_a_teacher_eats_pixels_and_softmax_sums_to_one() -> None:
    found = TorchPredictor(Means(), PREPROCESS, "softmax", normalize=False, name="means")(PICTURES)
    powers = np.exp(PICTURES.astype(np.float64).mean(axis=(1, 2)))
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-12)


def test_modes_are_put_back_even_after_an_error() -> None:
    network = nn.Sequential(Means(), nn.Linear(3, 2)).train()
    network[1].eval()
    predictor = TorchPredictor(network, PREPROCESS, "sigmoid", normalize=True, name="means")
    first, second = predictor(PICTURES), predictor(PICTURES)
    assert np.array_equal(first, second), "dropout was active"
    predictor.normalize = False
    with pytest.raises(RuntimeError):
        predictor(PICTURES[..., :1])  # one channel is too few for the linear layer
    assert [module.training for module in network.modules()] == [True, True, True, False]


@pytest.fixture
def student(tmp_path: Path) -> tuple[Path, Predictor]:
    torch.manual_seed(0)
    config = MobilenetV1(width=0.1, resolution=32, variant="shallow")
    manifest = StudentManifest(
        config, ("a", "b", "c"), config.preprocess, (40, 40), (0.1, 0.2, 0.3), "sigmoid", seed=0, teacher="none"
    )
    network = build_student(config, 3)
    manifest = save_student(tmp_path / "student", network, manifest)
    return tmp_path / "student", student_predictor(network, manifest)


@pytest.mark.parametrize("place", [".", "student.safetensors", "config.json"])
def test_opens_a_student(student: tuple[Path, Predictor], place: str) -> None:
    directory, expected = student
    found = open_predictor(directory / place)
    pictures = np.random.default_rng(3).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    assert np.array_equal(found(pictures), expected(pictures))
    assert (found.name, found.picture) == ("mobilenet_v1_0.1_32_shallow", (40, 40))
    assert (found.classes, found.thresholds) == (("a", "b", "c"), (0.1, 0.2, 0.3))


def test_opens_an_exported_file(tmp_path: Path) -> None:
    metadata = OnnxMetadata(("a", "b", "c", "d"), None, 8, 6, "bilinear", 8, 6)
    found = open_predictor(linear_graph(tmp_path / "student.onnx", properties=metadata.to_props()))
    assert isinstance(found, OnnxPredictor)
    np.testing.assert_allclose(found(PICTURES), sigmoid(linear_logits(PICTURES)), rtol=1e-5)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "student.pt").write_bytes(b"")
    with pytest.raises(DistillError, match=r"Expected a student's directory, .*\.onnx"):
        open_predictor(tmp_path / "student.pt")
    with pytest.raises(DistillError, match="no such file or directory"):
        open_predictor(tmp_path / "absent")
    with pytest.raises(DistillError, match=r"config\.json is not in it"):
        open_predictor(tmp_path)
