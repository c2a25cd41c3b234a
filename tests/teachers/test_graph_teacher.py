"""A graph as a teacher: the same answers as the network it came from, and nothing guessed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
from onnx import TensorProto
from torch import nn

from distill.answers import Embedding, Probabilities
from distill.errors import DistillError
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import Preprocess
from distill.registries import ANSWERS
from teachers.graph_teacher import Graph
from teachers.torch_teacher import TorchTeacher
from tests.helpers.graphs import linear_graph, linear_logits

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
PICTURES = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (5, 3, 32, 24)).astype(np.float32))
SMALL = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (5, 3, 8, 6)).astype(np.float32))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TorchTeacher]:
    torch.manual_seed(0)
    network = timm.create_model("test_resnet", num_classes=5).eval()
    file = tmp_path_factory.mktemp("teacher") / "teacher.onnx"
    shapes = ({0: torch.export.Dim("batch")},)
    pixels = torch.zeros(2, 3, 32, 24)
    torch.onnx.export(network, (pixels,), file, dynamo=True, dynamic_shapes=shapes, external_data=False)
    return file, TorchTeacher(network, Preprocess(32, 24, "bicubic", MEAN, STD), 5, None, "test_resnet")


def black_box(file: Path) -> Graph:
    return Graph(file, gives="logits", interpolation="bicubic", mean=MEAN, std=STD)


def test_equals_the_torch_teacher(exported: tuple[Path, TorchTeacher]) -> None:
    file, teacher = exported
    found = black_box(file).load(5)
    assert (found.preprocess, found.layout, found.outputs) == (teacher.preprocess, "nchw", 5)
    torch.testing.assert_close(found(PICTURES)["logits"], teacher(PICTURES)["logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 2])
def test_equals_the_torch_teacher_at_a_fixed_batch(
    exported: tuple[Path, TorchTeacher], tmp_path: Path, batch: int
) -> None:
    model = onnx.load(exported[0])
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    onnx.save(model, tmp_path / "fixed.onnx")
    found = black_box(tmp_path / "fixed.onnx").load(5)
    assert found.session.shape[0] == batch
    torch.testing.assert_close(found(PICTURES)["logits"], exported[1](PICTURES)["logits"], rtol=0, atol=1e-5)


def test_frozen(exported: tuple[Path, TorchTeacher]) -> None:
    teacher = black_box(exported[0]).load(5)
    assert teacher.train() is teacher and not teacher.training
    assert not list(teacher.parameters())
    assert not teacher(PICTURES.clone().requires_grad_())["logits"].requires_grad


def test_other_outputs_are_refused(exported: tuple[Path, TorchTeacher]) -> None:
    with pytest.raises(DistillError, match=r"teacher\.onnx: has 5 outputs, expected 40"):
        black_box(exported[0]).load(40)


def test_a_foreign_file_names_the_keys_it_needs(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "vendor.onnx", shape=("N", 3, "H", "W"), kind=TensorProto.FLOAT)
    keys = "height, teacher.width, teacher.interpolation, teacher.gives, teacher.scale (or mean and std)"
    with pytest.raises(DistillError) as caught:
        Graph(file).load(4)
    assert f"tells teacher.{keys}. Give them." in str(caught.value)
    with pytest.raises(DistillError, match=r"tells teacher\.layout, teacher\.height"):
        Graph(linear_graph(tmp_path / "cube.onnx", shape=("N", 3, 3, 3))).load(4)


def test_keys_that_contradict_the_file(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "vendor.onnx", ends="Identity")
    recipe = Graph(file, interpolation="bilinear", gives="logits")
    for key, value in {"height": 9, "layout": "nchw", "scale": "0..1", "mean": MEAN}.items():
        with pytest.raises(DistillError, match=rf"teacher\.{key}.*vendor\.onnx"):
            replace(recipe, **{key: value}).load(4)
    floats = linear_graph(tmp_path / "floats.onnx", kind=TensorProto.FLOAT, ends="Identity")
    for given in ({"mean": MEAN}, {"mean": MEAN, "std": STD, "scale": "0..1"}):
        with pytest.raises(DistillError, match="either scale, or both mean and std"):
            replace(recipe, file=floats, **given).load(4)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize(
    ("kind", "scale", "unit"),
    [
        (TensorProto.UINT8, None, 1 / 255),
        (TensorProto.FLOAT, "0..255", 1 / 255),
        (TensorProto.FLOAT, "0..1", 1.0),
        (TensorProto.FLOAT16, "0..1", 1.0),
    ],
)
def test_scales_and_layouts_of_foreign_files(tmp_path: Path, layout: str, kind: int, scale: str, unit: float) -> None:
    shape = ("N", 8, 6, 3) if layout == "nhwc" else ("N", 3, 8, 6)
    file = linear_graph(tmp_path / "vendor.onnx", shape=shape, kind=kind, ends="Identity", scale=unit)
    teacher = Graph(file, interpolation="bilinear", gives="logits", scale=scale).load(4)
    tolerance = 1e-3 if kind == TensorProto.FLOAT16 else 1e-5
    expected = linear_logits(SMALL.permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(teacher(SMALL)["logits"].numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("gives", "ends"), [("probabilities", "Sigmoid"), ("softmax", "Softmax")])
def test_our_own_files_need_no_key(tmp_path: Path, gives: str, ends: str) -> None:
    box = (0.1, 0.2, 0.6, 0.5)
    metadata = OnnxMetadata(ANSWERS.get(gives)(("a", "b", "c", "d")), 8, 6, "bicubic", 16, 12, crop=box)
    file = linear_graph(tmp_path / "student.onnx", ends=ends, properties=metadata.to_props())
    teacher = Graph(file).load(4)
    assert teacher.classes == ("a", "b", "c", "d")
    preprocess = teacher.preprocess
    assert (preprocess.height, preprocess.width, preprocess.interpolation, preprocess.crop) == (8, 6, "bicubic", box)
    found, logits = teacher(SMALL)["logits"].double().numpy(), linear_logits(SMALL.permute(0, 2, 3, 1).numpy())
    if gives == "softmax":
        found, logits = (values - values.mean(axis=1, keepdims=True) for values in (found, logits))
    np.testing.assert_allclose(found, logits, atol=1e-5)
    contradictions = {
        "classes": ("a", "b", "d", "c"),
        "gives": "logits",
        "interpolation": "bilinear",
        "crop": (0.0, 0.0, 1.0, 1.0),
    }
    for key, value in contradictions.items():
        with pytest.raises(DistillError, match=rf"teacher\.{key}: "):
            replace(Graph(file), **{key: value}).load(4)


def test_logits_announced_as_probabilities(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "vendor.onnx", ends="Identity")
    teacher = Graph(file, interpolation="bilinear", gives="probabilities").load(4)
    with pytest.raises(DistillError, match=r"probabilities lie in 0\.\.1"):
        teacher(SMALL)


@pytest.mark.parametrize(("meant", "ends"), [("probabilities", "Sigmoid"), ("softmax", "Softmax")])
def test_probabilities_announced_as_logits(tmp_path: Path, meant: str, ends: str) -> None:
    teacher = Graph(linear_graph(tmp_path / "vendor.onnx", ends=ends), interpolation="bilinear", gives="logits").load(4)
    with pytest.raises(
        DistillError, match=rf"vendor\.onnx: teacher\.gives is logits, but .* Set teacher\.gives to {meant}"
    ):
        teacher(SMALL.repeat(5, 1, 1, 1))


def test_an_embedding_may_lie_in_0_to_1(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "vendor.onnx", ends="Sigmoid")
    teacher = Graph(file, interpolation="bilinear").teacher(Embedding())
    pictures = SMALL.repeat(5, 1, 1, 1)
    logits = linear_logits(pictures.permute(0, 2, 3, 1).numpy())
    np.testing.assert_allclose(teacher(pictures)["embedding"].numpy(), 1 / (1 + np.exp(-logits)), atol=1e-5)


def test_nan_is_an_error(tmp_path: Path) -> None:
    teacher = Graph(linear_graph(tmp_path / "roots.onnx", ends="Sqrt"), interpolation="bilinear", gives="logits").load(
        4
    )
    with pytest.raises(DistillError, match=r"roots\.onnx: NaN or infinity"):
        teacher(SMALL)


def test_pixels_between_integers_are_rounded_for_a_uint8_graph(tmp_path: Path) -> None:
    teacher = Graph(linear_graph(tmp_path / "a.onnx", ends="Identity"), interpolation="bilinear", gives="logits").load(
        4
    )
    torch.testing.assert_close(teacher(SMALL.clamp(1, 254) + 0.4)["logits"], teacher(SMALL.clamp(1, 254))["logits"])
    white, whiter = (teacher(torch.full_like(SMALL, value))["logits"] for value in (255, 255.9))
    torch.testing.assert_close(whiter, white)


def test_fingerprint_follows_the_file_and_its_use(tmp_path: Path) -> None:
    first = linear_graph(tmp_path / "a.onnx", ends="Identity")
    second = linear_graph(tmp_path / "b.onnx", ends="Identity", scale=1 / 254)
    recipe = Graph(first, interpolation="bilinear", gives="logits")
    cropped = replace(recipe, crop=(0.0, 0.1, 1.0, 0.8))
    assert (recipe.load(4).preprocess.crop, cropped.load(4).preprocess.crop) == ((0.0, 0.0, 1.0, 1.0), cropped.crop)
    recipes = [recipe, replace(recipe, file=second), replace(recipe, interpolation="bicubic"), cropped]
    assert len({recipe.load(4).fingerprint() for recipe in recipes}) == 4
    assert recipe.load(4).fingerprint() == recipe.load(4).fingerprint()


def test_fingerprint_follows_weights_that_lie_beside_the_file(tmp_path: Path) -> None:
    prints, graphs = set(), set()
    for name in ("a", "b"):
        place = tmp_path / name
        place.mkdir()
        model = onnx.load(linear_graph(place / "small.onnx", ends="Identity"))
        # The weight alone is large enough to be written beside the graph.
        onnx.save(model, place / "t.onnx", save_as_external_data=True, location="t.data", size_threshold=60)
        if name == "b":
            (place / "t.data").write_bytes((2 * np.fromfile(place / "t.data", np.float32)).tobytes())
        graphs.add((place / "t.onnx").read_bytes())
        prints.add(Graph(place / "t.onnx", interpolation="bilinear", gives="logits").load(4).fingerprint())
    assert len(graphs) == 1 and len(prints) == 2


def test_several_outputs(tmp_path: Path) -> None:
    recipe = Graph(linear_graph(tmp_path / "two.onnx", ends=None), interpolation="bilinear", gives="logits")
    with pytest.raises(DistillError, match="logits, scaled"):
        recipe.load(4)
    assert replace(recipe, output="logits").load(4)(SMALL)["logits"].shape == (5, 4)


def test_can_be_held_by_a_module(exported: tuple[Path, TorchTeacher]) -> None:
    """A training loop that puts its modules into training mode reaches the teacher too."""
    teacher = black_box(exported[0]).load(5)
    nn.ModuleList([teacher]).train()
    assert not teacher.training


def test_an_embedding_is_the_output_as_it_is(tmp_path: Path) -> None:
    recipe = Graph(linear_graph(tmp_path / "two.onnx", ends=None), interpolation="bilinear")
    with pytest.raises(DistillError, match="has several outputs; name one as `output`: logits, scaled"):
        recipe.teacher(Embedding())
    teacher = replace(recipe, output="scaled").teacher(Embedding())
    means = SMALL.double().mean(dim=(2, 3)).numpy() / 255
    np.testing.assert_allclose(teacher(SMALL)["embedding"].numpy(), means, atol=1e-6)
    assert (teacher.outputs, teacher.classes) == (3, None)
    assert teacher(SMALL)["embedding"].dtype == torch.float32
    assert teacher.fingerprint() != replace(recipe, output="logits").teacher(Embedding()).fingerprint()


def test_probabilities_are_no_embedding(tmp_path: Path) -> None:
    recipe = Graph(linear_graph(tmp_path / "vendor.onnx"), interpolation="bilinear", gives="probabilities")
    with pytest.raises(DistillError, match=r"teacher\.gives is probabilities: an embedding is taken as it is"):
        recipe.teacher(Embedding())
    metadata = OnnxMetadata(Probabilities(("a", "b", "c", "d")), 8, 6, "bicubic", 16, 12)
    file = linear_graph(tmp_path / "student.onnx", properties=metadata.to_props())
    with pytest.raises(DistillError, match=r"student\.onnx: answers probabilities of 4 classes, expected an embedding"):
        Graph(file).teacher(Embedding())
