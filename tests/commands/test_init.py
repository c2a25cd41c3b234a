"""`distill init` writes a short recipe for pictures and a teacher, which reads back and runs."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, numpy_helper
from PIL import Image

from distill import cli
from distill.answers import Softmax
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.recipe.contract import contract_of
from distill.recipe.draft import LONGEST
from distill.recipe.parser import RecipeReader
from tests.helpers.graphs import linear_graph

CLASSES = {"ash": (200, 40, 40), "beech": (40, 200, 40), "elm": (40, 40, 200), "fir": (60, 60, 60)}
TELLING = np.array([[10, -6, -6, 0], [-6, 10, -6, 0], [-6, -6, 10, 0]], np.float32)  # which of these a picture is


def folders(root: Path, pictures: int = 10, parts: tuple[str, ...] = ("",)) -> Path:
    random = np.random.default_rng(0)
    for part in parts:
        for name, color in CLASSES.items():
            (root / part / name).mkdir(parents=True)
            for number in range(pictures):
                pixels = random.integers(-40, 40, (40, 48, 3)) + color
                Image.fromarray(pixels.astype(np.uint8)).save(root / part / name / f"{number}.png")
    return root


def telling(file: Path) -> Path:
    """A graph that tells the four colours apart."""
    model = onnx.load(file)
    (weight,) = (one for one in model.graph.initializer if one.name == "weight")
    weight.CopyFrom(numpy_helper.from_array(TELLING, "weight"))
    onnx.save(model, file)
    return file


def init(*arguments: str | Path) -> int:
    return cli.main(["init", *map(str, arguments)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_the_file_does_not_say_is_asked_for_in_comments(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders(place / "trees")
    linear_graph(place / "vendor.onnx", (1, 3, 64, 48), TensorProto.FLOAT, "Softmax")
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "0") == 0
    said = capsys.readouterr().out
    assert "does not say its gives, interpolation, channels, scale" in said and "distill run trees.yaml" in said
    text = (place / "trees.yaml").read_text()
    assert len(text.splitlines()) <= LONGEST == 25
    assert "# 4 classes, 40 pictures of about 40 x 48 pixels: 28 train, 4 validation, 8 test." in text
    assert "vendor.onnx takes float32 (1, 3, 64, 48) and gives answers" in text
    recipe, _ = RecipeReader("trees.yaml").read([])
    assert recipe.teacher.file == Path("vendor.onnx") and recipe.prepare.height == 64
    assert recipe.student.resolution == 32 and recipe.data.test == 0.2
    # What it does not say, the run names; filled in, the lines are keys of the recipe.
    assert cli.main(["run", "trees.yaml"]) == 2
    assert "teacher.gives" in (said := capsys.readouterr().err), said
    filled = re.sub(r"^  # (gives|interpolation|scale): ", r"  \1: ", text, flags=re.MULTILINE)
    (place / "filled.yaml").write_text(filled)
    teacher = RecipeReader("filled.yaml").read([])[0].teacher
    assert (teacher.gives, teacher.interpolation, teacher.scale) == ("logits", "bilinear", "0..1")


def test_a_file_exported_here_says_all_and_the_recipe_runs_as_it_is(place: Path) -> None:
    folders(place / "trees", pictures=20)
    metadata = OnnxMetadata(Softmax(tuple(CLASSES)), 32, 32, "bilinear", 32, 32)
    file = linear_graph(place / "own.onnx", ("N", 32, 32, 3), ends="Softmax", properties=metadata.to_props())
    telling(file)
    assert init("trees", "--teacher", "own.onnx", "--out", "mine.yaml") == 0
    text = (place / "mine.yaml").read_text()
    assert yaml.safe_load(text)["teacher"] == {"name": "onnx", "file": "own.onnx"}
    assert "exported here, it says all the rest" in text
    quick = [
        "--transfer.epochs",
        "1",
        "--student.width",
        "0.1",
        "--evaluate.resamples",
        "20",
        "--export.formats",
        "[onnx]",
    ]
    assert cli.main(["run", "mine.yaml", *quick]) in (0, 1)  # 1: a file outside of its tolerance
    results = json.loads((place / "runs" / "mine" / "results.json").read_text())
    assert results["teacher"]["name"] == "own.onnx" and results["teacher"]["metrics"]["top-1"] == 1.0
    assert results["student"]["counts"]["pictures"] == 16


def test_parts_are_taken_as_they_are(place: Path) -> None:
    folders(place / "trees", pictures=2, parts=("train", "val", "test"))
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "0") == 0
    text = (place / "trees.yaml").read_text()
    assert yaml.safe_load(text)["data"] == {"name": "class_folders", "root": "trees"}
    assert "8 train, 8 validation, 8 test" in text


def test_other_outputs_than_classes_are_pointed_out(place: Path) -> None:
    shutil.rmtree(folders(place / "trees") / "fir")
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "0") == 0
    assert "of its 4 outputs in order, one a line; or class_map: there are 3" in (place / "trees.yaml").read_text()


def test_a_graph_that_leaves_its_size_open(place: Path) -> None:
    file = linear_graph(place / "open.onnx", ("N", 3, "height", "width"), TensorProto.FLOAT)
    assert {"height", "width"} <= contract_of(file).unsaid.keys() and contract_of(file).outputs is None
    several = contract_of(linear_graph(place / "two.onnx", ("N", 3, 32, 32), TensorProto.FLOAT, None))
    assert several.unsaid["output"][0] == "logits"


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("nowhere", "--teacher", "vendor.onnx"), "nowhere: no such folder or table"),
        (("trees", "--teacher", "none.onnx"), "none.onnx: no such ONNX file"),
        (("trees", "--teacher", "net.pth"), "weights alone, which do not say of what network"),
        (("trees", "--teacher", "vendor.onnx", "--out", "trees"), "expected a name that ends in .yaml"),
        (("trees", "--teacher", "vendor.onnx", "--out", "there.yaml"), "there.yaml: is there already"),
    ],
)
def test_what_cannot_be_drafted_is_said(
    place: Path, arguments: tuple[str, ...], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folders(place / "trees", pictures=5)
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    (place / "there.yaml").write_text("mine")
    assert init(*arguments) == 2
    assert found in capsys.readouterr().err
    assert (place / "there.yaml").read_text() == "mine" and not (place / "trees.yaml").exists()


def test_parts_without_one_to_test_on_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders(place / "trees", pictures=2, parts=("train", "val"))
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "0") == 2
    assert "trees: is in the parts train, validation, and has no test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("columns", "task"), [({"label": "{name}"}, "classes"), ({"tall": "{even}", "green": "1"}, "attributes")]
)
def test_a_table_of_classes_or_of_attributes(place: Path, columns: dict[str, str], task: str) -> None:
    folders(place / "trees", pictures=6)
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    rows = [",".join(["file", *columns])]
    for number, file in enumerate(sorted((place / "trees").rglob("*.png"))):
        facts = {"name": file.parent.name, "even": number % 2}
        cells = [value.format(**facts) for value in columns.values()]
        rows.append(",".join([f"trees/{file.relative_to(place / 'trees')}", *cells]))
    (place / "list.csv").write_text("\n".join(rows))
    assert init("list.csv", "--teacher", "vendor.onnx", "--inspect", "0") == 0
    recipe, _ = RecipeReader("list.yaml").read([])
    assert recipe.task == task and recipe.data.csv == Path("list.csv") and recipe.data.test == 0.2
    assert recipe.data.attributes == (() if task == "classes" else tuple(columns))


def test_what_the_file_does_not_say_is_measured_and_the_recipe_runs_as_it_is(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders(place / "trees", pictures=20)
    telling(linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT, "Softmax", scale=1.0))
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "40") == 0
    text = (place / "trees.yaml").read_text()
    assert len(text.splitlines()) <= LONGEST
    teacher = yaml.safe_load(text)["teacher"]
    assert (teacher["file"], teacher["gives"]) == ("vendor.onnx", "softmax")
    assert teacher.get("channels", "rgb") == "rgb" and "interpolation" in teacher
    assert "top-1 1.0000" in text and "does not say" not in capsys.readouterr().out
    assert cli.main(["evaluate", "trees.yaml", "--model", "teacher", "--json", "scores.json"]) == 0
    assert json.loads((place / "scores.json").read_text())["metrics"]["top-1"] == 1.0


def test_what_measuring_does_not_find_stays_in_comments(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folders(place / "trees") / "fir")
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "10") == 0
    said = capsys.readouterr()
    assert "not found by measuring: " in said.err and "fill them in under `teacher`" in said.out
    assert "  # gives: logits" in (place / "trees.yaml").read_text()
