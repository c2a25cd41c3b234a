"""The faces of one photograph, as prepared ones are."""

from pathlib import Path

import numpy as np

from distill.data.faces.crops import crops_of
from distill.data.prepared.alignment import warp
from distill.faces.detector import Detector
from distill.faces.settings import Detect
from distill.preprocess.landmarks import ARCFACE, LANDMARKS, similarity
from tests.helpers.detectors import OFFSETS, SIZE, middle, photograph, yunet_graph


def test_each_face_with_its_box_and_the_reason_of_one_that_cannot_be_used(tmp_path: Path) -> None:
    file = yunet_graph(tmp_path / "detector.onnx")
    picture = photograph(96, 112, [(3, 3, 240), (9, 10, 250)])
    crops, reasons = crops_of(picture, "a.jpg", Detector(file, 640), Detect(file=file, face="every"), (28, 28))
    assert reasons == [] and [crop.number for crop in crops] == [1, 2]
    for crop, cell in zip(crops, [(9, 10), (3, 3)], strict=True):  # as large, the surer first
        np.testing.assert_allclose(crop.box, [*(middle(*cell) - SIZE / 2), *(middle(*cell) + SIZE / 2)], atol=0.01)
        points = dict(zip(LANDMARKS, (middle(*cell) + OFFSETS).tolist(), strict=True))
        expected = warp(picture, similarity(points, ARCFACE.cut(28, 28)), 28, 28)
        assert np.abs(crop.pixels.astype(int) - expected).max() <= 1
    (only,), _ = crops_of(picture, "a.jpg", Detector(file, 640), Detect(file=file), (28, 28))
    np.testing.assert_array_equal(only.pixels, crops[1].pixels)  # nearer to the middle
    settings = Detect(file=file, face="every", least_score=0.96)
    assert len(crops_of(picture, "a.jpg", Detector(file, 640), settings, (28, 28))[0]) == 1
    crops, reasons = crops_of(picture, "a.jpg", Detector(file, 640), Detect(file=file, least_size=50), (28, 28))
    assert crops == [] and reasons == ["a.jpg: face: small, 40 pixels, below least_size 50 (score 0.94)"]
