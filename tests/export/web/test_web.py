"""The browser folder: in Chromium it answers as onnxruntime does, and asks nobody else for anything."""

import json
import re
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch
from PIL import Image

from distill.data.prepared.decode import decode
from distill.data.rendered.faces import RenderedFaces
from distill.errors import DistillError
from distill.export.web.onnxruntime_web import FILES, write_runtime
from distill.export.web.web import ANSWERS_FILE, PAGE_FILES, write_web
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.preprocess.preprocess import Fit, Interpolation, Preprocess, fit
from distill.registries import ANSWERS
from tests.helpers.browser import browser, served, visit
from tests.helpers.graphs import linear_graph, projection_graph
from tests.helpers.running import finished

FACES = RenderedFaces(train=50, validation=0, test=0, people=50)
CROP = (0.1, 0.05, 0.8, 0.9)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Fifty faces of several shapes, as photographs come: JPEG, PNG, one turned by its EXIF, one transparent."""
    place = tmp_path_factory.mktemp("pictures")
    drawn = FACES.draw(np.arange(50), 96, 80)
    files = []
    for number, pixels in enumerate(drawn):
        image, file = (
            Image.fromarray(pixels[: 96 - number % 30]),
            place / f"face_{number}.{'jpg' if number % 2 else 'png'}",
        )
        if number == 1:
            exif = Image.Exif()
            exif[0x0112] = 6
            image.save(file, exif=exif, quality=90)
        elif number == 2:
            image.putalpha(Image.linear_gradient("L").resize(image.size).point(lambda value: 255 * (value > 99)))
            image.save(file)
        else:
            image.save(file, **({"quality": 90} if number % 2 else {}))
        files.append(file)
    return files


def by_onnxruntime(file: Path, pictures: list[Path]) -> np.ndarray:
    predictor = OnnxPredictor(file)
    assert predictor.picture is not None
    (answers,) = predictor(np.stack([fit(decode(one, one.name), *predictor.picture) for one in pictures])).values()
    return answers


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime's files, unpacked once; the tests are skipped where they cannot be fetched."""
    place = tmp_path_factory.mktemp("runtime")
    try:
        write_runtime(place)
    except DistillError as error:
        if "cannot be fetched" not in str(error):
            raise
        pytest.skip(str(error))
    return place


@pytest.fixture
def with_runtime(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def copy(directory: Path, package: Path | None) -> None:
        for name in FILES:
            shutil.copyfile(runtime / name, directory / name)

    monkeypatch.setattr("distill.export.web.web.write_runtime", copy)


@pytest.fixture
def without_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "distill.export.web.web.write_runtime", lambda directory, package: (directory / FILES[0]).touch()
    )


def write(directory: Path, file: Path) -> Path:
    write_web(directory, file, "<tiny>")
    return directory


@pytest.mark.usefixtures("with_runtime")
def test_an_exported_student_answers_in_the_browser_as_in_onnxruntime(
    chromium: Any, pictures: list[Path], tmp_path: Path
) -> None:
    file = finished()[1] / "export" / "student.onnx"
    expected, classes = by_onnxruntime(file, pictures), OnnxPredictor(file).kind.class_names
    assert classes is not None
    with served(write(tmp_path / "web", file)) as address, visit(chromium, address) as visited:
        visited.give("pictures", pictures, "article")
        found = visited.answers()
        assert re.fullmatch(r"[\d.]+ ms in the network, [\d.]+ ms to resize", visited.page.text_content(".time"))
        dropped = visited.page.evaluate_handle(
            """() => {
                 const carried = new DataTransfer();
                 carried.items.add(new File(["no picture"], "<wreck>.jpg"));
                 return carried;
               }"""
        )
        visited.page.dispatch_event("#pictures", "drop", {"dataTransfer": dropped})
        problem = visited.page.wait_for_selector("article[data-file='<wreck>.jpg'] .problem").text_content()
        assert "cannot read it as a picture" in problem
    for picture, row in zip(pictures, expected, strict=True):
        shown = [found[picture.name][name] for name in classes]
        np.testing.assert_allclose(shown, row, atol=1e-3)
        assert np.argmax(shown) == np.argmax(row)


@pytest.mark.usefixtures("with_runtime")
def test_classes_that_exclude_each_other(chromium: Any, pictures: list[Path], tmp_path: Path) -> None:
    """Through a crop and both kernels, on pictures of many shapes; the five most probable in order."""
    file = projection_graph(tmp_path / "student.onnx", "softmax", CROP)
    expected, classes = by_onnxruntime(file, pictures), OnnxPredictor(file).kind.class_names
    assert classes is not None
    assert len(set(expected.argmax(axis=1))) > 3  # the pictures differ
    with served(write(tmp_path / "web", file)) as address, visit(chromium, address) as visited:
        visited.give("pictures", pictures, "article")
        found = visited.answers()
        assert visited.page.text_content(".name").startswith("Class")  # without the WordNet number
        held_to_python(visited.page)
    for picture, row in zip(pictures, expected, strict=True):
        shown = found[picture.name]
        assert list(shown) == [classes[c] for c in np.argsort(-row)[:5]]
        np.testing.assert_allclose(list(shown.values()), np.sort(row)[::-1][:5], atol=2e-3)


@pytest.mark.usefixtures("with_runtime")
def test_a_picture_of_none_of_the_classes_is_said_to_be(chromium: Any, pictures: list[Path], tmp_path: Path) -> None:
    """The threshold lies midway between the likeliest probabilities of two pictures, so that some have less."""
    plain = by_onnxruntime(projection_graph(tmp_path / "plain.onnx", "softmax", CROP), pictures).max(axis=1)
    between = np.sort(plain)[19:21]
    threshold = float(between.mean())
    assert between[1] - between[0] > 2e-3  # what kernels in the browser may differ by
    file = projection_graph(tmp_path / "student.onnx", "softmax", CROP, threshold=threshold)
    with served(write(tmp_path / "web", file)) as address, visit(chromium, address) as visited:
        visited.give("pictures", pictures, "article")
        visited.answers()
        for picture, surest in zip(pictures, plain, strict=True):
            article = visited.page.locator(f"article[data-file='{picture.name}']")
            none = article.locator(".none")
            assert (none.count(), article.locator(".counts").count()) == ((1, 0) if surest < threshold else (0, 1))
            if surest < threshold:
                assert none.text_content().startswith("None of these: the likeliest has less than ")
        assert "counts as none of these" in visited.page.text_content("body")


def held_to_python(page: Any) -> None:
    """The kernels in JavaScript, byte by byte; roundings of float32 tip a few in a thousand to their neighbours."""
    kernels: tuple[Interpolation, Interpolation] = ("bilinear", "bicubic")
    shapes = ((61, 90, kernels[0]), (40, 23, kernels[1]), (96, 128, kernels[1]))
    for number, ((height, width, kernel), how) in enumerate(product(shapes, get_args(Fit))):
        picture = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        target = Preprocess.imagenet(24, 32, kernel, crop=(0.1, 0.0, 0.75, 0.9))
        expected = target.resize(torch.from_numpy(fit(picture, 48, 64, how)).unsqueeze(0)).numpy().ravel()
        contract = {
            "picture_height": 48,
            "picture_width": 64,
            "height": 24,
            "width": 32,
            "interpolation": kernel,
            "crop": target.crop,
            "fit": how,
        }
        found = page.evaluate(
            """async ([bytes, height, width, contract]) => {
                 const { preprocess, pixels } = await import("./preprocess.js");
                 return Array.from(preprocess(pixels(Uint8Array.from(bytes), height, width, 3), contract));
               }""",
            [picture.ravel().tolist(), height, width, contract],
        )
        difference = np.abs(np.array(found) - expected.astype(np.int64))
        assert difference.max() <= 1 and (difference > 0).mean() < 5e-3


@pytest.mark.usefixtures("with_runtime")
def test_the_nearest_face_of_a_gallery(chromium: Any, pictures: list[Path], tmp_path: Path) -> None:
    file = projection_graph(tmp_path / "student.onnx", "embedding", CROP)
    embeddings = by_onnxruntime(file, pictures)
    known, asked = pictures[:9], pictures[9:]
    cosines = embeddings[9:] @ embeddings[:9].T
    with served(write(tmp_path / "web", file)) as address, visit(chromium, address) as visited:
        visited.give("pictures", asked, "article")
        assert "Add faces" in visited.page.text_content("article")
        visited.give("faces", known, "#known li")
        found = visited.answers()
        marked = visited.page.locator("article .counts").count()
    assert marked == (np.sort(cosines, axis=1)[:, -5:] >= 0.6).sum() > 0
    for picture, row in zip(asked, cosines, strict=True):
        order = np.argsort(-row)[:5]
        assert list(found[picture.name]) == [known[k].stem for k in order]
        np.testing.assert_allclose(list(found[picture.name].values()), row[order], atol=2e-3)


@pytest.mark.usefixtures("without_runtime")
def test_opened_as_a_file_the_page_says_how_to_serve_it(chromium: Any, tmp_path: Path) -> None:
    file = projection_graph(tmp_path / "student.onnx", "softmax", CROP)
    page = chromium.new_page()
    page.goto((write(tmp_path / "web", file) / "index.html").as_uri())
    assert "python -m http.server" in page.text_content("#state") and page.locator("#page").is_hidden()
    page.close()


@pytest.mark.usefixtures("without_runtime")
def test_the_folder_holds_the_file_as_it_was_scored_and_what_it_says_of_itself(tmp_path: Path) -> None:
    file = projection_graph(tmp_path / "student.onnx", "embedding", CROP)
    write(tmp_path / "web", file)
    written = {*PAGE_FILES, "answers.js", "student.onnx", "model.json", FILES[0]}
    assert {one.name for one in (tmp_path / "web").iterdir()} == written
    assert (tmp_path / "web" / "student.onnx").read_bytes() == file.read_bytes()
    contract = json.loads((tmp_path / "web" / "model.json").read_text(encoding="utf-8"))
    assert contract["title"] == "<tiny>" and contract["far_thresholds"] == {"0.01": 0.6}
    assert (contract["height"], contract["width"], contract["crop"]) == (14, 10, [0.1, 0.05, 0.8, 0.9])


@pytest.mark.parametrize("gives", ["probabilities", "softmax", "embedding"])
@pytest.mark.usefixtures("without_runtime")
def test_the_page_names_no_other_host(gives: str, tmp_path: Path) -> None:
    write_web(tmp_path / "web", projection_graph(tmp_path / "student.onnx", gives, CROP), "tiny")
    page = ANSWERS.get(gives).page
    assert page is not None and (tmp_path / "web" / ANSWERS_FILE).read_bytes() == page.read_bytes()
    for name in (*PAGE_FILES, ANSWERS_FILE):
        text = (tmp_path / "web" / name).read_text(encoding="utf-8").replace("http://localhost:8000", "")
        assert not re.search(r"https?://|[\"'(]//", text)
    assert "default-src 'none'" in (tmp_path / "web" / "index.html").read_text(encoding="utf-8")


def test_a_file_from_elsewhere_is_refused_and_an_old_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("old")
    with pytest.raises(DistillError, match="does not say what it takes"):
        write_web(tmp_path / "web", linear_graph(tmp_path / "foreign.onnx"), "tiny")
    assert (tmp_path / "web" / "index.html").read_text() == "old"
