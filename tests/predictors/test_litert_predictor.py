"""A .tflite file answers in LiteRT as numpy does and says what its metadata says; what is broken is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from distill.answers import Probabilities
from distill.errors import DistillError
from distill.predictors.litert_predictor import LitertPredictor
from distill.predictors.litert_session import METADATA_SUFFIX
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import Preprocess
from tests.helpers.graphs import WEIGHT
from tests.helpers.litert import HEIGHT, WIDTH, litert_graph

pytest.importorskip("ai_edge_litert")

CLASSES = ("a", "b", "c", "d")
PICTURES = np.random.default_rng(0).integers(0, 256, (5, HEIGHT, WIDTH, 3), dtype=np.uint8)


def write(path: Path, metadata: bool = True) -> Path:
    """The graph and, beside it, what it says of itself."""
    litert_graph(path)
    if metadata:
        said = OnnxMetadata.of(Probabilities(CLASSES, None), Preprocess.imagenet(HEIGHT, WIDTH), (HEIGHT, WIDTH))
        path.with_name(path.name + METADATA_SUFFIX).write_text(json.dumps(said.to_props()), encoding="utf-8")
    return path


def test_it_answers_as_numpy_does_and_says_what_stands_beside_it(tmp_path: Path) -> None:
    predictor = open_predictor(write(tmp_path / "student.tflite"))
    assert isinstance(predictor, LitertPredictor) and predictor.kind == Probabilities(CLASSES, None)
    logits = PICTURES.mean(axis=(1, 2)) / 255 @ WEIGHT
    answers = predictor(PICTURES)["probabilities"]
    np.testing.assert_allclose(answers, 1 / (1 + np.exp(-logits)), atol=1e-5)
    larger = PICTURES.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(predictor(larger)["probabilities"], answers, atol=0.01)  # resized outside of the file


def test_what_is_no_such_file_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "student.tflite")
    with pytest.raises(DistillError, match=r"student\.tflite: cannot run on an input of shape \(1, 4, 6, 3\)"):
        LitertPredictor(file).run(PICTURES[:, :4])
    file.write_bytes(b"x" * 100)
    with pytest.raises(DistillError, match=r"student\.tflite: .*LiteRT"):
        LitertPredictor(file)


def test_a_file_without_its_metadata_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"other\.tflite"):
        LitertPredictor(write(tmp_path / "other.tflite", metadata=False))
    (tmp_path / f"other.tflite{METADATA_SUFFIX}").write_text("{}")
    with pytest.raises(DistillError, match=r"other\.tflite"):
        LitertPredictor(tmp_path / "other.tflite")


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "student.tflite")
    file.write_bytes(file.read_bytes().replace(b"pictures", b"pict\xff\xffes"))
    with pytest.raises(DistillError, match=r"student\.tflite"):
        open_predictor(file)
