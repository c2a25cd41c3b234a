"""Exported ONNX files: their metadata, and the numbers that come out of onnxruntime."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from distill.answers import Embedding, Probabilities, Softmax
from distill.errors import DistillError
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.onnx_session import OnnxSession
from tests.helpers.graphs import linear_graph, linear_logits, sigmoid

METADATA = OnnxMetadata(
    Probabilities(("Smiling", "Ängstlich", "a, b", '"quoted"'), (0.5, 0.1 + 0.2, 0.9, 0.0)),
    height=8,
    width=6,
    interpolation="bilinear",
    picture_height=16,
    picture_width=12,
)
PICTURES = np.random.default_rng(1).integers(0, 256, (5, 8, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "metadata",
    [
        METADATA,
        replace(METADATA, answers=Softmax(("a", "b")), crop=(0.1, 0.2, 1 / 3, 0.4)),
        replace(METADATA, answers=Embedding(4, {"0.01": 0.1 + 0.2}), teacher="somebody"),
    ],
)
def test_metadata_survives_the_round_trip(metadata: OnnxMetadata) -> None:
    properties = metadata.to_props()
    assert all(key.startswith("distill.") for key in properties)
    assert OnnxMetadata.from_props(properties | {"author": "somebody"}) == metadata
    assert OnnxMetadata.from_props({"author": "somebody"}) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distill.height": None}, r"missing or unknown: distill\.height"),
        ({"distill.depth": "1"}, r"missing or unknown: distill\.depth"),
        ({"distill.height": "eight"}, "cannot be read"),
        ({"distill.height": "-8"}, r"distill\.height"),
        ({"distill.thresholds": "[0.5]"}, r"distill\.thresholds"),
        ({"distill.classes": "3"}, r"distill\.classes: 3"),
        ({"distill.classes": '["a", "a", "b", "c"]'}, r"distill\.classes: a name stands there twice"),
        ({"distill.dimensions": "4"}, r"missing or unknown: distill\.dimensions"),
        ({"distill.interpolation": '"nearest"'}, r"distill\.interpolation: 'nearest'"),
        ({"distill.gives": '"logits"'}, r"distill\.gives"),
        ({"distill.crop": "[0, 0, 1]"}, r"distill\.crop"),
        ({"distill.crop": "[0.5, 0, 0.6, 1]"}, r"distill\.crop"),
        ({"distill.crop": '["0", 0, 1, 1]'}, r"distill\.crop"),
        ({"distill.crop": None}, r"missing or unknown: distill\.crop"),
        ({"distill.fit": '"squeeze"'}, r"distill\.fit: 'squeeze'"),
    ],
)
def test_broken_metadata(change: dict[str, str | None], message: str) -> None:
    properties = {key: value for key, value in (METADATA.to_props() | change).items() if value is not None}
    with pytest.raises(DistillError, match=message):
        OnnxMetadata.from_props(properties)


@pytest.mark.parametrize("change", [{"distill.fit": '"cover_center_crop"'}, {"distill.fit": None}])
def test_files_of_before_there_was_a_choice_are_of_cropped_pictures(change: dict[str, str | None]) -> None:
    properties = {key: value for key, value in (METADATA.to_props() | change).items() if value is not None}
    found = OnnxMetadata.from_props(properties)
    assert found == METADATA and found.fit == "crop"


def test_probabilities_of_an_exported_file(tmp_path: Path) -> None:
    predictor = OnnxPredictor(linear_graph(tmp_path / "student.onnx", properties=METADATA.to_props()))
    found = predictor(PICTURES)
    assert found.keys() == {"probabilities"} and found["probabilities"].dtype == np.float32
    np.testing.assert_allclose(found["probabilities"], sigmoid(linear_logits(PICTURES)), rtol=1e-5)
    assert (predictor.name, predictor.kind, predictor.picture) == ("student.onnx", METADATA.answers, (16, 12))


def test_larger_pictures_are_resized_by_the_named_kernel(tmp_path: Path) -> None:
    """Bilinear reduction by two, antialiased: inside the border, weights 1 3 3 1 over 8 along each axis."""
    predictor = OnnxPredictor(linear_graph(tmp_path / "student.onnx", properties=METADATA.to_props()))
    pictures = np.random.default_rng(2).integers(0, 256, (3, 16, 12, 3), dtype=np.uint8)
    rows, columns = (np.zeros((out, 2 * out)) for out in (8, 6))
    for matrix in (rows, columns):
        for i in range(len(matrix)):
            taps = [(2 * i + k, w) for k, w in zip((-1, 0, 1, 2), (1, 3, 3, 1), strict=True)]
            inside = [(tap, weight) for tap, weight in taps if 0 <= tap < matrix.shape[1]]
            for tap, weight in inside:
                matrix[i, tap] = weight / sum(weight for _, weight in inside)
    resized = np.einsum("yi,nijc,xj->nyxc", rows, pictures.astype(np.float64), columns)
    np.testing.assert_allclose(predictor(pictures)["probabilities"], sigmoid(linear_logits(resized)), atol=2e-3)


def test_the_crop_of_the_metadata_is_cut(tmp_path: Path) -> None:
    metadata = replace(METADATA, crop=(0.25, 0.5, 0.5, 0.5))
    predictor = OnnxPredictor(linear_graph(tmp_path / "student.onnx", properties=metadata.to_props()))
    pictures = np.random.default_rng(2).integers(0, 256, (3, 16, 12, 3), dtype=np.uint8)
    found = predictor(pictures)["probabilities"]
    whole = OnnxPredictor(linear_graph(tmp_path / "whole.onnx", properties=METADATA.to_props()))
    np.testing.assert_allclose(found, whole(pictures[:, 4:12, 6:])["probabilities"], atol=2e-3)


def test_metadata_that_contradicts_the_graph(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "a.onnx", properties=replace(METADATA, height=9).to_props())
    with pytest.raises(DistillError, match=r"a\.onnx: takes uint8"):
        OnnxPredictor(file)


def test_a_foreign_file_is_no_student(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="--teacher onnx"):
        OnnxPredictor(linear_graph(tmp_path / "vendor.onnx"))


@pytest.mark.parametrize("batch", [1, 2, 5, 8])
def test_fixed_batch_size(tmp_path: Path, batch: int) -> None:
    session = OnnxSession(linear_graph(tmp_path / "fixed.onnx", shape=(batch, 8, 6, 3), ends="Identity"))
    assert session.shape == (batch, 8, 6, 3)
    np.testing.assert_allclose(session(PICTURES), linear_logits(PICTURES), rtol=1e-5, atol=1e-6)


def test_a_graph_without_outputs_is_refused(tmp_path: Path) -> None:
    model = onnx.load(linear_graph(tmp_path / "a.onnx"))
    del model.graph.output[:]
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(DistillError, match=r"a\.onnx: has no output; expected a graph that answers"):
        OnnxSession(tmp_path / "a.onnx")


def test_several_outputs_must_be_named(tmp_path: Path) -> None:
    file = linear_graph(tmp_path / "two.onnx", ends=None)
    with pytest.raises(DistillError, match="several outputs; name one as `output`: logits, scaled"):
        OnnxSession(file)(PICTURES)
    with pytest.raises(DistillError, match=r"no output 'embedding'\. It has: logits, scaled"):
        OnnxSession(file, "embedding")
    means = PICTURES.mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(OnnxSession(file, "scaled")(PICTURES), means, rtol=1e-5)
    every = OnnxSession(file).every(PICTURES)
    assert [one.dtype for one in every] == [np.float32] * 2
    np.testing.assert_allclose(every[0], linear_logits(PICTURES), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(every[1], means, rtol=1e-5)


def test_nan_is_an_error_that_counts_the_pictures(tmp_path: Path) -> None:
    session = OnnxSession(linear_graph(tmp_path / "roots.onnx", ends="Sqrt"))
    bad = int((linear_logits(PICTURES) < 0).any(axis=1).sum())
    assert bad > 0
    with pytest.raises(DistillError, match=f"roots.onnx: NaN or infinity in 'answers' for {bad} of 5 pictures"):
        session(PICTURES)


def test_files_that_are_no_graph_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"absent\.onnx: no such ONNX file"):
        OnnxSession(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_bytes(b"hello there" * 9)
    with pytest.raises(DistillError, match=r"text\.onnx: is no ONNX file \(text that begins with"):
        OnnxSession(tmp_path / "text.onnx")
    whole = linear_graph(tmp_path / "cut.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DistillError, match=r"cut\.onnx"):
        OnnxSession(tmp_path / "cut.onnx")
    file = linear_graph(tmp_path / "integers.onnx", kind=onnx.TensorProto.INT64)
    with pytest.raises(DistillError, match=r"takes pictures tensor\(int64\)"):
        OnnxSession(file)


def test_pictures_of_another_size(tmp_path: Path) -> None:
    session = OnnxSession(linear_graph(tmp_path / "student.onnx"))
    with pytest.raises(DistillError, match=r"cannot run on an input of shape \(5, 8, 5, 3\)"):
        session(PICTURES[:, :, :5])


def ended(path: Path, *nodes: onnx.NodeProto, kind: int = TensorProto.FLOAT, **constants: np.ndarray) -> Path:
    """A linear graph with more nodes between its logits and the output `last`."""
    model = onnx.load(linear_graph(path))
    model.graph.node.pop()
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("last", kind, None))
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("keepdims", [0, 1])
def test_the_number_of_a_class_is_no_score(tmp_path: Path, keepdims: int) -> None:
    node = helper.make_node("ArgMax", ["logits"], ["last"], axis=1, keepdims=keepdims)
    session = OnnxSession(ended(tmp_path / "a.onnx", node, kind=TensorProto.INT64))
    with pytest.raises(DistillError, match=r"a\.onnx: output 'last' is one whole number a picture.*ArgMax"):
        session(PICTURES)


def test_a_sequence_is_no_tensor(tmp_path: Path) -> None:
    file = ended(tmp_path / "a.onnx", helper.make_node("SequenceConstruct", ["logits"], ["last"]))
    model = onnx.load(file)
    model.graph.output[0].CopyFrom(helper.make_tensor_sequence_value_info("last", TensorProto.FLOAT, None))
    onnx.save(model, file)
    with pytest.raises(DistillError, match=r"a\.onnx: output 'last' is a list and no tensor"):
        OnnxSession(file)(PICTURES)


@pytest.mark.parametrize("size", [2, 8])
def test_a_batch_inside_that_is_not_said_outside(tmp_path: Path, size: int) -> None:
    reshape = helper.make_node("Reshape", ["logits", "size"], ["last"])
    session = OnnxSession(ended(tmp_path / "a.onnx", reshape, size=np.array([size, 4])))
    with pytest.raises(DistillError, match=r"a\.onnx: cannot run on an input of shape"):
        session(PICTURES)
    said = f"asked {size} pictures at a time: it takes any number, and answers that alone"
    assert session.settle(PICTURES[:2]) == (4, said)
    assert np.allclose(session(PICTURES), linear_logits(PICTURES), atol=1e-5)


def test_a_vendors_metadata_in_another_encoding_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "vendor.onnx"
    linear_graph(path, properties={"author": "cafe au lait"})
    foreign = path.read_bytes().replace(b"cafe au lait", b"caf\xe9 au lait")
    path.write_bytes(foreign)
    assert OnnxSession(path).properties == {"author": "caf\ufffd au lait"}
    path.write_bytes(foreign.replace(b"author", b"auth\xe9r"))
    assert OnnxSession(path).properties == {"auth\ufffdr": "caf\ufffd au lait"}
