"""What vendors' graphs do beside what they say: trailing axes, a batch of one inside, grey pictures, other answers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from distill.answers import Embedding
from distill.errors import DistillError
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import Channels
from distill.registries import ANSWERS
from teachers.graph_teacher import Graph
from teachers.mirrored_teacher import MirroredTeacher
from tests.helpers.graphs import WEIGHT, linear_graph, linear_logits, sigmoid
from tests.helpers.litert import litert_graph

PICTURES = torch.from_numpy(np.random.default_rng(2).integers(0, 256, (5, 3, 8, 6)).astype(np.float32))
LOGITS = linear_logits(PICTURES.permute(0, 2, 3, 1).numpy())
LONG = torch.from_numpy(np.random.default_rng(3).integers(0, 256, (40, 3, 8, 6)).astype(np.float32))

Change = Callable[[onnx.ModelProto], None]


def changed(file: Path, change: Change) -> Path:
    model = onnx.load(file)
    change(model)
    onnx.save(model, file)
    return file


def recipe(file: Path) -> Graph:
    return Graph(file, gives="logits", interpolation="bilinear")


def before_the_weight(*nodes: onnx.NodeProto, **constants: np.ndarray) -> Change:
    """Put nodes between `scaled` and the product with the weight; the last of them gives `inside`."""

    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        (place,) = (number for number, node in enumerate(graph.node) if node.op_type == "MatMul")
        graph.node[place].input[0] = "inside"
        for number, node in enumerate(nodes):
            graph.node.insert(place + number, node)
        graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in constants.items())

    return change


@pytest.mark.parametrize("axes", [(2, 3), (2,), (1, 2), (1,)])
def test_axes_of_one_are_left_out(tmp_path: Path, axes: tuple[int, ...]) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[-1].output[0] = "flat"
        model.graph.node.append(helper.make_node("Unsqueeze", ["flat", "to"], ["answers"]))
        model.graph.initializer.append(numpy_helper.from_array(np.array(axes, np.int64), "to"))

    file = changed(linear_graph(tmp_path / "vendor.onnx", ends="Identity"), change)
    np.testing.assert_allclose(recipe(file).load(4)(PICTURES)["logits"].numpy(), LOGITS, rtol=1e-5, atol=1e-6)


def test_two_axes_with_a_length_are_no_row(tmp_path: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[-1].output[0] = "flat"
        model.graph.node.append(helper.make_node("Reshape", ["flat", "to"], ["answers"]))
        model.graph.initializer.append(numpy_helper.from_array(np.array([-1, 2, 2], np.int64), "to"))

    file = changed(linear_graph(tmp_path / "vendor.onnx", ends="Identity"), change)
    with pytest.raises(DistillError, match=r"output 'answers' has shape \(1, 2, 2\) for 1 pictures, expected \(N, C\)"):
        recipe(file).load(4)


def test_a_batch_of_one_inside_is_found_and_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    reshape = before_the_weight(
        helper.make_node("Reshape", ["scaled", "to"], ["inside"]), to=np.array([1, 3], np.int64)
    )
    file = changed(linear_graph(tmp_path / "vendor.onnx", ends="Identity"), reshape)
    teacher = recipe(file).load(4)
    for _ in range(2):
        np.testing.assert_allclose(teacher(PICTURES)["logits"].numpy(), LOGITS, rtol=1e-5, atol=1e-6)
    said = "teacher vendor.onnx: asked one picture at a time: it takes any number of pictures, and cannot answer two.\n"
    assert capfd.readouterr().err == said


def test_pictures_that_change_each_others_answers_are_asked_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As a graph whose batch normalisation was left in training mode."""
    mix = before_the_weight(
        helper.make_node("ReduceMean", ["scaled", "batch"], ["mean"], keepdims=1),
        helper.make_node("Add", ["scaled", "mean"], ["inside"]),
        batch=np.array([0], np.int64),
    )
    file = changed(linear_graph(tmp_path / "vendor.onnx", ends="Identity"), mix)
    found = recipe(file).load(4)(PICTURES)["logits"].numpy()
    np.testing.assert_allclose(found, 2 * LOGITS, rtol=1e-5, atol=1e-6)
    assert "its answer to a picture depends on the others of a batch" in capfd.readouterr().err


def test_a_plain_graph_is_asked_batch_by_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An output declared for one picture only is no reason to ask one by one, nor for a warning a batch."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.output[0].CopyFrom(helper.make_tensor_value_info("answers", TensorProto.FLOAT, (1, 4)))

    file = changed(linear_graph(tmp_path / "vendor.onnx", ends="Identity"), change)
    teacher = recipe(file).load(4)
    asked, run = [], teacher.session._run

    def counted(batch: np.ndarray, size: int, names: list[str]) -> list[np.ndarray]:
        asked.append(len(batch))
        return run(batch, size, names)

    monkeypatch.setattr(teacher.session, "_run", counted)
    np.testing.assert_allclose(teacher(PICTURES)["logits"].numpy(), LOGITS, rtol=1e-5, atol=1e-6)
    assert asked == [5]
    assert capfd.readouterr() == ("", "")


def grey_graph(file: Path, layout: str, kind: int = TensorProto.FLOAT) -> Path:
    """The mean of one channel over 255, times the first row of the weight."""
    shape = ("N", 1, 8, 6) if layout == "nchw" else ("N", 8, 6, 1)

    def change(model: onnx.ModelProto) -> None:
        values = {"weight": WEIGHT[:1], "axes": np.array([2, 3] if layout == "nchw" else [1, 2], np.int64)}
        for constant in model.graph.initializer:
            if constant.name in values:
                constant.CopyFrom(numpy_helper.from_array(values[constant.name], constant.name))

    return changed(linear_graph(file, shape=shape, kind=kind, ends="Identity"), change)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.UINT8])
def test_one_channel_is_shown_grey(tmp_path: Path, layout: str, kind: int) -> None:
    given = {"scale": "0..255"} if kind == TensorProto.FLOAT else {}
    teacher = replace(recipe(grey_graph(tmp_path / "vendor.onnx", layout, kind)), **given).load(4)
    grey = np.einsum("nchw,c->nhw", PICTURES.numpy().astype(np.float64), [0.299, 0.587, 0.114])
    grey = grey if kind == TensorProto.FLOAT else grey.round()
    expected = grey.mean(axis=(1, 2))[:, None] / 255 @ WEIGHT[:1]
    np.testing.assert_allclose(teacher(PICTURES)["logits"].numpy(), expected, rtol=1e-5, atol=1e-6)


def test_what_only_three_channels_have_is_refused_of_one(tmp_path: Path) -> None:
    grey = recipe(grey_graph(tmp_path / "vendor.onnx", "nchw"))
    with pytest.raises(DistillError, match=r"teacher\.channels is bgr, but .*vendor\.onnx takes one channel"):
        replace(grey, scale="0..1", channels="bgr").load(4)
    with pytest.raises(DistillError, match=r"teacher\.mean, teacher\.std: .*Give its value three times"):
        replace(grey, mean=(0.4, 0.5, 0.6), std=(0.5, 0.5, 0.5)).load(4)
    replace(grey, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25)).load(4)


def test_other_numbers_of_channels_are_named(tmp_path: Path) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
        model.graph.initializer[2].CopyFrom(numpy_helper.from_array(np.ones((4, 4), np.float32), "weight"))

    file = changed(linear_graph(tmp_path / "vendor.onnx", shape=("N", 3, 8, 6), kind=TensorProto.FLOAT), change)
    with pytest.raises(DistillError, match=r"vendor\.onnx: takes pictures of shape \(None, 4, 8, 6\), expected 3"):
        recipe(file).load(4)


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.UINT8])
def test_a_graph_of_bgr_is_shown_bgr(tmp_path: Path, kind: int) -> None:
    def change(model: onnx.ModelProto) -> None:
        (weight,) = (constant for constant in model.graph.initializer if constant.name == "weight")
        weight.CopyFrom(numpy_helper.from_array(WEIGHT[::-1].copy(), "weight"))

    scale = 1.0 if kind == TensorProto.FLOAT else 1 / 255
    file = changed(linear_graph(tmp_path / "vendor.onnx", kind=kind, ends="Identity", scale=scale), change)
    # A mean and a deviation of each channel, which stay with their colour.
    mean, std = np.array([0.4, 0.5, 0.6]), np.array([0.2, 0.25, 0.5])
    given = {"mean": tuple(mean), "std": tuple(std)} if kind == TensorProto.FLOAT else {}
    rgb = replace(recipe(file), **given)
    bgr = replace(rgb, channels="bgr", sure=True)  # noise is grey at large, and so are all answers to it
    colours = PICTURES.double().mean(dim=(2, 3)).numpy() / 255
    expected = (colours - mean) / std @ WEIGHT if given else colours @ WEIGHT
    np.testing.assert_allclose(bgr.load(4)(PICTURES)["logits"].numpy(), expected, rtol=1e-4, atol=1e-6)
    assert bgr.load(4).fingerprint() != rgb.load(4).fingerprint()
    assert replace(rgb, channels="rgb").load(4).fingerprint() == rgb.load(4).fingerprint()


def test_a_file_exported_here_eats_rgb(tmp_path: Path) -> None:
    metadata = OnnxMetadata(ANSWERS.get("softmax")(("a", "b", "c", "d")), 8, 6, "bicubic", 16, 12)
    file = linear_graph(tmp_path / "student.onnx", ends="Softmax", properties=metadata.to_props())
    with pytest.raises(DistillError, match=r"teacher\.channels: 'bgr', but .*student\.onnx has 'rgb'"):
        Graph(file, channels="bgr").load(4)
    assert "assumed" not in Graph(file).load(4).contract


def test_missing_keys_can_be_measured(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "vendor.onnx", kind=TensorProto.FLOAT)
    with pytest.raises(DistillError, match=r"`distill inspect .*vendor\.onnx --recipe RECIPE` measures them"):
        Graph(file).load(4)


def test_the_contract_says_what_was_assumed(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "vendor.onnx", kind=TensorProto.FLOAT)
    box = replace(recipe(file), scale="0..1", gives="probabilities")
    contract = box.load(4).contract
    assert contract == (
        "8 x 6 pixels, whole, bilinear, rgb, mean [0, 0, 0], std [1, 1, 1]; nhwc; output 'answers', probabilities; "
        "assumed, for nothing says it: channels rgb, crop none, classes in the data's order"
    )
    assert MirroredTeacher(box.load(4)).contract == contract
    said = replace(box, channels="bgr", crop=(0.0, 0.25, 1.0, 0.5), classes=tuple("abcd")).load(4).contract
    assert "bgr" in said and "crop [0, 0.25, 1, 0.5]" in said and "assumed" not in said
    assert "classes" not in replace(box, gives=None).teacher(Embedding()).contract


@pytest.mark.parametrize(
    ("says", "ends", "means"),
    [
        ("logits", "Sigmoid", "probabilities"),
        ("logits", "Softmax", "softmax"),
        ("probabilities", "Softmax", "softmax"),
        ("softmax", "Sigmoid", "probabilities"),
    ],
)
@pytest.mark.parametrize("batch", [1, 3, 40])
def test_answers_that_are_not_what_was_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, says: str, ends: str, means: str, batch: int
) -> None:
    box = replace(recipe(linear_graph(tmp_path / "vendor.onnx", ends=ends)), gives=says)
    teacher = box.load(4)
    with pytest.raises(DistillError, match=rf"vendor\.onnx: .*gives is {says}.*[Ss]et teacher\.gives to {means}.*sure"):
        for part in LONG.split(batch):
            teacher(part)
    sure = replace(box, sure=True).load(4)
    for part in LONG.split(batch):
        sure(part)
    assert caplog.text.count("as teacher.sure says") == 1
    honest = replace(box, gives=means).load(4)
    for part in LONG.split(batch):
        honest(part)
    assert sure.fingerprint() == teacher.fingerprint() != honest.fingerprint()


def test_logits_of_which_some_lie_in_0_to_1_are_logits(tmp_path: Path) -> None:
    """Nine pictures in ten may, by a graph of one output that is seldom sure."""

    def change(model: onnx.ModelProto) -> None:
        (weight,) = (constant for constant in model.graph.initializer if constant.name == "weight")
        weight.CopyFrom(numpy_helper.from_array(np.array([[1.0], [0], [0]], np.float32), "weight"))

    file = changed(linear_graph(tmp_path / "vendor.onnx", ends="Identity", scale=2 / 255), change)
    pictures = torch.zeros(20, 3, 8, 6)
    pictures[18:] = 255.0
    teacher = recipe(file).load(1)
    np.testing.assert_array_equal(teacher(pictures)["logits"][:, 0].numpy(), [0.0] * 18 + [2.0] * 2)
    with pytest.raises(DistillError, match=r"19 of 21 answers lie in 0\.\.1"):
        teacher(pictures[:1])


def test_embeddings_are_not_doubted(tmp_path: Path) -> None:
    teacher = replace(recipe(linear_graph(tmp_path / "vendor.onnx")), gives=None).teacher(Embedding())
    np.testing.assert_allclose(teacher(PICTURES)["embedding"].numpy(), sigmoid(LOGITS), atol=1e-5)


@pytest.mark.parametrize("gives", ["probabilities", "softmax"])
def test_a_litert_file_teaches_with_the_same_keys(tmp_path: Path, gives: str) -> None:
    pytest.importorskip("ai_edge_litert")
    file = litert_graph(tmp_path / "vendor.tflite")
    with pytest.raises(DistillError, match=r"tells teacher\.interpolation, teacher\.gives\. Give them"):
        Graph(file, name="litert").load(4)
    box = Graph(file, name="litert", interpolation="bilinear", gives=gives)
    if gives == "softmax":
        with pytest.raises(DistillError, match="do not sum to one"):
            box.load(4)(PICTURES)
        return
    teacher = box.load(4)
    np.testing.assert_allclose(teacher(PICTURES)["logits"].numpy(), LOGITS, atol=1e-4)
    assert teacher.layout == "nhwc" and teacher.size() == {"parameters": None, "mult_adds": None}
    before = teacher.fingerprint()
    assert box.load(4).fingerprint() == before != replace(box, crop=(0.0, 0.0, 1.0, 0.5)).load(4).fingerprint()


def test_an_int8_litert_file_is_shown_the_levels_it_means(tmp_path: Path) -> None:
    """Its graph eats numbers of -1..1, as levels of 1/128, and gives what it makes of them over 255."""
    pytest.importorskip("ai_edge_litert")
    file = litert_graph(tmp_path / "vendor.tflite", quantized=(1 / 128, -1))
    box = Graph(file, name="litert", interpolation="bilinear", gives="probabilities")
    with pytest.raises(DistillError, match=r"tells teacher\.scale \(or mean and std\)\. Give them"):
        box.load(4)
    teacher = replace(box, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), sure=True).load(4)
    levels = np.clip(np.round((PICTURES.numpy() / 127.5 - 1) * 128) - 1, -128, 127)
    expected = ((levels + 1) / 128).mean(axis=(2, 3)) / 255 @ WEIGHT
    np.testing.assert_allclose(teacher(PICTURES)["logits"].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_an_openvino_file_teaches_with_the_same_keys(tmp_path: Path, channels: Channels) -> None:
    openvino = pytest.importorskip("openvino")
    graph = linear_graph(tmp_path / "vendor.onnx", shape=("N", 3, 8, 6), kind=TensorProto.FLOAT, ends="Identity")
    openvino.save_model(openvino.convert_model(graph), tmp_path / "vendor.xml", compress_to_fp16=False)
    box = Graph(graph, gives="logits", interpolation="bilinear", scale="0..255", channels=channels)
    other = replace(box, file=tmp_path / "vendor.xml", name="openvino")
    expected = box.load(4)(PICTURES)["logits"]
    torch.testing.assert_close(other.load(4)(PICTURES)["logits"], expected, rtol=1e-4, atol=1e-5)
    assert "bgr" in other.load(4).contract or channels == "rgb"
    before = other.load(4).fingerprint()
    (tmp_path / "vendor.bin").write_bytes((tmp_path / "vendor.bin").read_bytes()[:-1] + b"x")
    assert other.load(4).fingerprint() != before  # its weights lie beside it
