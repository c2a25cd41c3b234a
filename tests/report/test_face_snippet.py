"""The card's code from a photograph to an answer: it runs as printed, and its faces are those of this library."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from distill.answers import Embedding, Probabilities
from distill.answers.kind import Kind
from distill.data.faces.crops import crops_of
from distill.data.prepared.decode import decode
from distill.faces.detector import Detector
from distill.faces.settings import Detect, Which
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.preprocess.preprocess import Preprocess
from distill.report.face_snippet import from_photograph
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1
from tests.helpers.detectors import photograph, scrfd_graph, yunet_graph
from tests.helpers.graphs import projection_graph

SIZE = 56, 48
SHARP: dict[str, int] = {"quality": 97, "subsampling": 0}
NAMES = tuple(f"n{c:08}-Class_{c}" for c in range(12))


def manifest_of(kind: Kind) -> StudentManifest:
    preprocess = Preprocess.imagenet(14, 10, "bicubic")
    return StudentManifest(MobilenetV1(width=0.25, resolution=96), kind, preprocess, SIZE, seed=0, teacher="a teacher")


def smooth(seed: int, height: int, width: int, faces: list[tuple[int, int, int]]) -> np.ndarray:
    """Photographs have no sharp noise, in which Pillow's kernels and this library's would differ."""
    coarse = np.random.default_rng(seed).integers(0, 90, (height // 12, width // 12, 3), dtype=np.uint8)
    noise = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
    return np.maximum(noise, photograph(height, width, faces))


def printed(place: Path, kind: Kind, gives: str, face: Which, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the code leaves behind, run where the files lie."""
    projection_graph(place / "student.onnx", gives)
    detect = Detect(file=yunet_graph(place / "yunet.onnx"), face=face)
    code = from_photograph(detect, manifest_of(kind), "student.onnx")
    assert code is not None
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 40 and max(map(len, lines)) <= 120
    monkeypatch.chdir(place)
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope


@pytest.mark.parametrize("face", ["central", "largest"])
def test_the_face_is_brought_to_its_place_as_here(face: Which, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One beside the middle, a surer one away from it; behind EXIF, where a photograph is reduced to half its size."""
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = smooth(0, 1280, 960, [])
    for (row, column), brightness in {(608, 448): 230, (320, 240): 255}.items():  # a cell of 8 pixels, twice as large
        upright[row : row + 16, column : column + 16, 2] = brightness
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(upright)))
    turned.save(tmp_path / "picture.jpg", exif=exif, **SHARP)
    for name in ("ann", "bob"):
        Image.fromarray(smooth(3, 96, 208, [(6, 12, 230), (3, 3, 250)])).save(tmp_path / f"{name}.jpg", **SHARP)
    with redirect_stdout(io.StringIO()):
        scope = printed(tmp_path, Embedding(12, {"0.01": 0.6}), "embedding", face, monkeypatch)
    detector = Detector(tmp_path / "yunet.onnx", 640)
    for name in ("ann.jpg", "picture.jpg"):
        picture = decode(tmp_path / name, name)
        (crop,), _ = crops_of(picture, name, detector, Detect(file=detector.file, face=face), SIZE)
        preprocess = Preprocess.imagenet(14, 10, "bicubic")
        expected = preprocess.resize(torch.from_numpy(crop.pixels)[None]).numpy()
        found = scope["pixels_of"](name)
        assert found.shape == expected.shape and found.dtype == np.uint8
        assert np.abs(found.astype(int) - expected).mean() < 3, name


def test_people_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, name in enumerate(("ann", "bob")):
        Image.fromarray(smooth(seed, 96, 112, [(5, 6, 250)])).save(tmp_path / f"{name}.jpg", **SHARP)
    (tmp_path / "picture.jpg").write_bytes((tmp_path / "bob.jpg").read_bytes())
    for threshold, said in ((0.9, "Bob"), (1.1, "unknown")):
        out = io.StringIO()
        with redirect_stdout(out):
            printed(tmp_path, Embedding(12, {"0.01": threshold}), "embedding", "central", monkeypatch)
        name, cosine = out.getvalue().split()
        assert name == said and float(cosine) == pytest.approx(1, abs=1e-5)


def test_attributes_of_the_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(smooth(0, 96, 112, [(5, 6, 250)])).save(tmp_path / "picture.jpg", **SHARP)
    (tmp_path / "student").mkdir()
    config = {"classes": NAMES, "thresholds": [0.5] * 12}
    (tmp_path / "student" / "config.json").write_text(json.dumps(config))
    scope = printed(tmp_path, Probabilities(NAMES, (0.5,) * 12), "probabilities", "every", monkeypatch)
    picture, detector = decode(tmp_path / "picture.jpg", "picture.jpg"), Detector(tmp_path / "yunet.onnx", 640)
    (crop,), _ = crops_of(picture, "picture.jpg", detector, Detect(file=detector.file), SIZE)
    (expected,) = OnnxPredictor(tmp_path / "student.onnx")(crop.pixels[None]).values()
    np.testing.assert_allclose(scope["answers"], expected, atol=0.05)
    assert scope["present"] == [name for name, p in zip(NAMES, scope["answers"][0], strict=True) if p >= 0.5]


def test_no_code_without_a_detector_of_that_layout_or_a_file_of_the_student(tmp_path: Path) -> None:
    manifest = manifest_of(Embedding(12))
    fits = Detect(file=yunet_graph(tmp_path / "yunet.onnx"))
    assert from_photograph(fits, manifest, "student.onnx") is not None
    assert from_photograph(fits, manifest, None) is None and from_photograph(None, manifest, "student.onnx") is None
    broken = tmp_path / "broken.onnx"
    broken.write_bytes((tmp_path / "yunet.onnx").read_bytes()[:500])
    scrfd, of_one_size = scrfd_graph(tmp_path / "scrfd.onnx"), yunet_graph(tmp_path / "96.onnx", 96)
    for other in (scrfd, of_one_size, tmp_path / "none.onnx", broken):
        assert from_photograph(Detect(file=other), manifest, "student.onnx") is None
