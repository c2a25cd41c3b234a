"""A torch network as a predictor, and the choice of predictor by file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from distill.answers import Embedding, Probabilities, Softmax
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
KIND = Probabilities(("a", "b", "c"), (0.1, 0.2, 0.3))
PREPROCESS = Preprocess(8, 6, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


class Means(nn.Module):
    """The mean of each channel as logits; in training mode it answers something else."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.dropout(pixels).mean(dim=(2, 3))


def test_a_student_eats_normalised_pixels() -> None:
    found = TorchPredictor(Means(), PREPROCESS, Probabilities(), normalize=True, name="means")(PICTURES)[
        "probabilities"
    ]
    expected = (PICTURES.astype(np.float64) / 255 - PREPROCESS.mean) / PREPROCESS.std
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, sigmoid(expected.mean(axis=(1, 2))), rtol=1e-5)


def test_a_teacher_eats_pixels_and_softmax_sums_to_one() -> None:
    found = TorchPredictor(Means(), PREPROCESS, Softmax(), normalize=False, name="means")(PICTURES)["probabilities"]
    powers = np.exp(PICTURES.astype(np.float64).mean(axis=(1, 2)))
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-12)


def test_an_embedding_is_of_unit_length() -> None:
    found = TorchPredictor(Means(), PREPROCESS, Embedding(), normalize=False, name="means")(PICTURES)["embeddings"]
    means = PICTURES.astype(np.float64).mean(axis=(1, 2))
    np.testing.assert_allclose(found, means / np.sqrt((means**2).sum(axis=1, keepdims=True)), rtol=1e-5)


class Teller(Predictor):
    """Answers the red of the first pixel, in two tensors; NaN to a picture without any."""

    name = "teller"

    def __call__(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        red = pictures[:, :1, 0, 0].astype(np.float32)
        return {"red": red, "inverse": np.where(red > 0, 1 / np.maximum(red, 1), np.nan)}


class Five:
    """Five pictures; each is of one number, that rises from `first`."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __len__(self) -> int:
        return 5

    def gather(self, index: np.ndarray) -> np.ndarray:
        return np.broadcast_to((index + self.first).reshape(-1, 1, 1, 1), (len(index), 2, 2, 3)).astype(np.uint8)


def test_every_picture_is_shown_once_in_order() -> None:
    found = Teller().show(Five(first=1), "five", batch_size=2)
    assert found.keys() == {"red", "inverse"}
    assert found["red"].tolist() == [[1], [2], [3], [4], [5]]
    np.testing.assert_allclose(found["inverse"][:, 0], [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5], rtol=1e-6)


def test_no_number_in_any_tensor_is_refused() -> None:
    with pytest.raises(DistillError, match="teller: answers NaN or infinity to pictures 0 to 1 of five"):
        Teller().show(Five(first=0), "five", batch_size=2)


def test_modes_are_put_back_even_after_an_error() -> None:
    network = nn.Sequential(Means(), nn.Linear(3, 2)).train()
    network[1].eval()
    predictor = TorchPredictor(network, PREPROCESS, Probabilities(), normalize=True, name="means")
    first, second = (predictor(PICTURES)["probabilities"] for _ in range(2))
    assert np.array_equal(first, second), "dropout was active"
    predictor.normalize = False
    with pytest.raises(RuntimeError):
        predictor(PICTURES[..., :1])  # one channel is too few for the linear layer
    assert [module.training for module in network.modules()] == [True, True, True, False]


@pytest.fixture
def student(tmp_path: Path) -> tuple[Path, Predictor]:
    torch.manual_seed(0)
    config = MobilenetV1(width=0.1, resolution=32, variant="shallow")
    manifest = StudentManifest(config, KIND, config.preprocess, (40, 40), seed=0, teacher="none")
    network = build_student(config, 3)
    manifest = save_student(tmp_path / "student", network, manifest)
    return tmp_path / "student", student_predictor(network, manifest)


@pytest.mark.parametrize("place", [".", "student.safetensors", "config.json"])
def test_opens_a_student(student: tuple[Path, Predictor], place: str) -> None:
    directory, expected = student
    found = open_predictor(directory / place)
    pictures = np.random.default_rng(3).integers(0, 256, (3, 40, 40, 3), dtype=np.uint8)
    assert np.array_equal(found(pictures)["probabilities"], expected(pictures)["probabilities"])
    assert (found.name, found.kind, found.picture) == ("mobilenet_v1_0.1_32_shallow", KIND, (40, 40))


def test_opens_an_exported_file(tmp_path: Path) -> None:
    metadata = OnnxMetadata(Probabilities(("a", "b", "c", "d")), 8, 6, "bilinear", 8, 6)
    found = open_predictor(linear_graph(tmp_path / "student.onnx", properties=metadata.to_props()))
    assert isinstance(found, OnnxPredictor)
    np.testing.assert_allclose(found(PICTURES)["probabilities"], sigmoid(linear_logits(PICTURES)), rtol=1e-5)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "student.pt").write_bytes(b"")
    with pytest.raises(DistillError, match=r"Expected a student's directory, .*\.onnx"):
        open_predictor(tmp_path / "student.pt")
    with pytest.raises(DistillError, match="no such file or directory"):
        open_predictor(tmp_path / "absent")
    with pytest.raises(DistillError, match=r"config\.json is not in it"):
        open_predictor(tmp_path)
