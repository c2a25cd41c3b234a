"""The exported file: what it eats, what it says of itself, and that it answers as torch does."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from distill.answers import Embedding, Probabilities, Softmax
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.export.onnx import export_onnx
from distill.files.weights import weights_checksum
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.preprocess.preprocess import Preprocess
from students.mobilenet_v1 import mobilenet_v1

CLASSES = ("Smiling", "Wearing_Hat", "Ängstlich")
THRESHOLDS = (0.25, 0.1 + 0.2, 0.75)
KIND = Probabilities(CLASSES, THRESHOLDS)
# Each its own, so that a mix-up of axes or channels shows.
PREPROCESS = Preprocess(32, 40, "bicubic", (0.1, 0.4, 0.6), (0.2, 0.3, 0.25), (0.05, 0.1, 0.9, 0.8))
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 32, 40, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A student as training leaves it: in training mode, with statistics of its own."""
    torch.manual_seed(0)
    student = mobilenet_v1(width=0.1, resolution=32, outputs=len(CLASSES)).train()
    for _ in range(20):
        student(torch.randn(8, 3, 32, 40) * 2 + 1)
    return student


@pytest.fixture(scope="module")
def file(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "student.onnx"
    before = weights_checksum(network)
    export_onnx(path, network, PREPROCESS, KIND, picture=(64, 80))
    assert network.training and weights_checksum(network) == before  # the exporter works on a copy
    return path


def torch_probabilities(network: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """Without the library: scale, normalise, run, squash."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PREPROCESS.mean, PREPROCESS.std))
    pixels = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - mean) / std
    with torch.no_grad():
        return (1 / (1 + torch.exp(-copy.deepcopy(network).eval()(pixels)))).numpy()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_batch_of_uint8_pictures_gives_torchs_probabilities(file: Path, network: nn.Module, count: int) -> None:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    assert (taken.type, taken.shape[1:]) == ("tensor(uint8)", [32, 40, 3])
    assert not isinstance(taken.shape[0], int) and given.shape[1] == len(CLASSES)
    (answers,) = session.run(None, {taken.name: PICTURES[:count]})
    expected = torch_probabilities(network, PICTURES[:count])
    assert expected.std(axis=0).min() > 1e-4 or count == 1  # the pictures do make a difference
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_the_file_stands_alone_and_is_valid(file: Path) -> None:
    assert [entry.name for entry in file.parent.iterdir()] == ["student.onnx"]
    model = onnx.load(file, load_external_data=False)
    onnx.checker.check_model(model, full_check=True)
    assert not any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)
    # of where in which source each node comes from, and on which machine, it says nothing
    parts = (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer)
    assert not any(part.doc_string or part.metadata_props for part in parts)
    assert b"torch/nn" not in file.read_bytes()


def test_the_metadata_says_all_that_is_needed(file: Path) -> None:
    properties = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    metadata = OnnxMetadata.from_props(properties)
    assert metadata is not None
    assert metadata.answers == KIND
    assert metadata.to_dict() == {
        "classes": CLASSES,
        "thresholds": THRESHOLDS,
        "height": 32,
        "width": 40,
        "interpolation": "bicubic",
        "picture_height": 64,
        "picture_width": 80,
        "fit": "crop",
        "gives": "probabilities",
        "crop": (0.05, 0.1, 0.9, 0.8),
        "teacher": None,
        "teacher_fingerprint": None,
        "data_fingerprint": None,
    }
    assert not {"distill.dimensions", "distill.far_thresholds"} & properties.keys()  # only embeddings have them


def test_the_predictor_resizes_as_training_did(file: Path, network: nn.Module) -> None:
    pictures = np.random.default_rng(1).integers(0, 256, (2, 64, 80, 3), dtype=np.uint8)
    resized = PREPROCESS.resize(torch.from_numpy(pictures)).numpy()
    predictor = OnnxPredictor(file)
    assert (predictor.kind, predictor.picture) == (KIND, (64, 80))
    np.testing.assert_allclose(predictor(pictures)["probabilities"], torch_probabilities(network, resized), atol=1e-5)


def test_a_place_that_cannot_be_written_is_named(network: nn.Module, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    tiny = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 40, 3))
    with pytest.raises(DistillError, match=r"student\.onnx: cannot be written"):
        export_onnx(tmp_path / "file" / "student.onnx", tiny, PREPROCESS, KIND, picture=(64, 80))


@pytest.mark.parametrize("kind", [Softmax(CLASSES), Embedding(3)])
def test_what_a_file_gives_is_said_in_its_metadata_and_the_name_of_its_output(kind: Kind, tmp_path: Path) -> None:
    tiny, path = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 5, 3)), tmp_path / "student.onnx"
    export_onnx(path, tiny, Preprocess(4, 5), kind, picture=(8, 10))
    model = onnx.load(path)
    metadata = OnnxMetadata.from_props({entry.key: entry.value for entry in model.metadata_props})
    assert metadata is not None and metadata.answers == kind
    assert [output.name for output in model.graph.output] == list(kind.tensors)


def test_a_network_of_bgr_is_shown_rgb(network: nn.Module, file: Path, tmp_path: Path) -> None:
    turned = copy.deepcopy(network)
    first = next(module for module in turned.modules() if isinstance(module, nn.Conv2d))
    first.weight.data = first.weight.data.flip(1)
    export_onnx(tmp_path / "bgr.onnx", turned, replace(PREPROCESS, channels="bgr"), KIND, picture=(64, 80))
    pictures = np.random.default_rng(1).integers(0, 256, (3, 64, 80, 3), dtype=np.uint8)
    found, expected = (OnnxPredictor(path)(pictures)["probabilities"] for path in (tmp_path / "bgr.onnx", file))
    np.testing.assert_allclose(found, expected, atol=1e-6)
