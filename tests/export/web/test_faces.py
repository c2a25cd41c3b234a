"""The page finds, chooses and aligns faces as Python does, in Chromium, by each layout of detectors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from distill.data.faces.crops import crops_of
from distill.data.prepared.decode import decode
from distill.errors import DistillError
from distill.export.web.faces import DETECTOR_FILE, write_detector
from distill.export.web.web import write_web
from distill.faces.detector import Detector
from distill.faces.settings import Detect
from distill.predictors.onnx_predictor import OnnxPredictor
from tests.helpers.browser import browser, served, visit
from tests.helpers.detectors import BLUE, RED, photograph, retinaface_graph, scrfd_graph, yunet_graph
from tests.helpers.graphs import projection_graph

SIZE = 56, 48
GRAPHS: dict[str, tuple[Callable[[Path], Path], int]] = {
    "yunet": (yunet_graph, BLUE),
    "scrfd": (scrfd_graph, RED),
    "retinaface": (retinaface_graph, BLUE),
}
SHOWN = """() => Object.fromEntries([...document.querySelectorAll("article")].map((one) => [one.dataset.file, {
  face: JSON.parse(one.querySelector(".whole")?.dataset.face ?? "null"),
  crop: (() => {
    const canvas = one.querySelector("canvas");
    return canvas && [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
  })(),
  frame: (() => {
    const [whole, box] = [".whole", ".box"].map((name) => one.querySelector(name)?.getBoundingClientRect());
    return whole && [(box.left - whole.left) / whole.width, (box.top - whole.top) / whole.height,
                     (box.right - whole.left) / whole.width, (box.bottom - whole.top) / whole.height];
  })(),
  problem: one.querySelector(".problem")?.textContent,
}]))"""


def photographs(place: Path, channel: int) -> list[Path]:
    """One face; one of two; large and so reduced twice; behind EXIF; a doubtful one; none. Each over noise."""
    cells = {
        "one": ((96, 112), [(4, 5, 250)]),
        "two": ((100, 212), [(3, 3, 240), (6, 15, 250)]),
        "large": ((700, 900), [(40, 60, 255)]),
        "turned": ((112, 96), [(6, 4, 250)]),
        "doubtful": ((96, 112), [(4, 4, 130)]),
        "none": ((96, 112), []),
    }
    files = []
    for number, (name, ((height, width), faces)) in enumerate(cells.items()):
        noise = np.random.default_rng(number).integers(0, 40, (height, width, 3), dtype=np.uint8)
        bright = photograph(height, width, faces, channel)
        if name == "large":  # so that it is as bright at any size
            bright[300:360, 460:520, channel] = 255
        exif = Image.Exif()
        pixels = np.maximum(noise, bright)
        if name == "turned":
            exif[0x0112] = 6
            pixels = np.rot90(pixels)
        files.append(place / f"{name}.png")
        Image.fromarray(np.ascontiguousarray(pixels)).save(files[-1], exif=exif)
    return files


def shown_by(align: Detect, files: list[Path], place: Path) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """What the page shows of each photograph, and what it answers."""
    student = projection_graph(place / "student.onnx", "softmax")
    try:
        write_web(place / "web", student, "tiny", align=align)
    except DistillError as error:
        if "cannot be fetched" not in str(error):
            raise
        pytest.skip(str(error))
    with browser() as chromium, served(place / "web") as address, visit(chromium, address) as visited:
        visited.give("pictures", files, "article")
        assert "found in a photograph" in visited.page.text_content("#about")
        return visited.page.evaluate(SHOWN), visited.answers()


@pytest.mark.parametrize("layout", GRAPHS)
def test_box_landmarks_crop_and_answers_are_those_of_python(layout: str, tmp_path: Path) -> None:
    graph, channel = GRAPHS[layout]
    align = Detect(file=graph(tmp_path / "detector.onnx"), least_size=10, side=320)
    files = photographs(tmp_path, channel)
    shown, answers = shown_by(align, files, tmp_path)
    assert align.file is not None
    detector, student = Detector(align.file, align.side), OnnxPredictor(tmp_path / "student.onnx")
    found = 0
    for file in files:
        picture, one = decode(file, file.name), shown[file.name]
        faces = detector(picture)
        crops, reasons = crops_of(picture, file.name, detector, align, SIZE)
        if reasons:
            assert one["face"] is None and one["crop"] is None
            assert ("No face is found" if "none found" in reasons[0] else "The face is doubtful") in one["problem"]
            continue
        found += 1
        (crop,) = crops
        row = int(np.abs(faces.boxes - crop.box).sum(axis=1).argmin())
        assert one["problem"] is None and one["face"]["score"] == pytest.approx(crop.score, abs=5e-3)
        np.testing.assert_allclose(one["face"]["box"], crop.box, atol=0.1)
        np.testing.assert_allclose(one["face"]["landmarks"], faces.landmarks[row], atol=0.1)
        shares = np.array(one["frame"]) * np.tile(picture.shape[1::-1], 2)
        np.testing.assert_allclose(shares, np.array(crop.box) + 0.5, atol=0.02 * max(picture.shape))
        pixels = np.array(one["crop"]).reshape(*SIZE, 4)
        difference = np.abs(pixels[..., :3] - crop.pixels.astype(np.int64))
        assert difference.max() <= 1 and (difference > 0).mean() < 0.01 and (pixels[..., 3] == 255).all()
        (expected,) = student(crop.pixels[None]).values()
        best = np.sort(expected[0])[::-1][:5]
        np.testing.assert_allclose(list(answers[file.name].values()), best, atol=2e-3)
    assert found >= 3 and any(shown[file.name]["problem"] for file in files)


@pytest.mark.parametrize(("face", "name"), [("central", "central"), ("largest", "largest")])
def test_which_of_several_is_shown_follows_the_settings(face: Any, name: str, tmp_path: Path) -> None:
    """The surest of faces as large is at the edge; the central one is in the middle."""
    file = tmp_path / "several.png"
    Image.fromarray(photograph(96, 208, [(6, 12, 230), (3, 3, 250)])).save(file)
    align = Detect(file=yunet_graph(tmp_path / "detector.onnx"), face=face)
    shown, _ = shown_by(align, [file], tmp_path)
    middle = np.reshape(shown["several.png"]["face"]["box"], (2, 2)).mean(axis=0)
    np.testing.assert_allclose(middle, [100, 52] if name == "central" else [28, 28], atol=1)


def test_what_the_page_is_told_of_a_detector(tmp_path: Path) -> None:
    file = yunet_graph(tmp_path / "other_name.onnx", side=96)
    facts = write_detector(tmp_path, Detect(file=file, to="celeba", largest_turn=50), SIZE)
    assert (tmp_path / DETECTOR_FILE).read_bytes() == file.read_bytes()
    assert json.loads(json.dumps(facts))["fixed"] == [96, 96] and facts["layout"] == "yunet"
    assert facts["points"][2] is None and facts["largest_turn"] == 50  # nobody states a nose of CelebA's
    assert facts["points"][0] == pytest.approx(((69.5 + 0.5 - 89) * 48 / 178 + 24 - 0.5, 2 * 56 / 218 + 27.5), abs=0.3)


def test_a_detector_whose_weights_lie_beside_it_becomes_one_file(tmp_path: Path) -> None:
    model = onnx.load(yunet_graph(tmp_path / "whole.onnx"))
    for tensor in (one for one in model.graph.initializer if one.data_type == TensorProto.FLOAT):
        onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    onnx.save(model, tmp_path / "split.onnx")
    assert (tmp_path / "weights.bin").is_file()
    (tmp_path / "web").mkdir()
    write_detector(tmp_path / "web", Detect(file=tmp_path / "split.onnx"), SIZE)
    (tmp_path / "weights.bin").unlink()
    picture = photograph(96, 112, [(4, 5, 250)])
    assert len(Detector(tmp_path / "web" / DETECTOR_FILE, 640)(picture)) == 1


def test_a_detector_that_a_browser_cannot_be_given_is_refused(tmp_path: Path) -> None:
    model = onnx.load(yunet_graph(tmp_path / "detector.onnx"))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    model.graph.input[0].name = "half"
    model.graph.node.insert(0, helper.make_node("Cast", ["half"], ["pictures"], to=TensorProto.FLOAT))
    onnx.save(model, tmp_path / "half.onnx")
    with pytest.raises(DistillError, match=r"half\.onnx: takes float16; the web page gives a face detector float32"):
        write_detector(tmp_path, Detect(file=tmp_path / "half.onnx"), SIZE)
