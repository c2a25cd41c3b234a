"""`distill init` writes a short recipe for pictures and a teacher, which reads back and runs."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import timm
import torch
import yaml
from onnx import TensorProto, numpy_helper
from PIL import Image
from torch import nn

from distill import cli
from distill.answers import Softmax
from distill.inspection.contract import Contract
from distill.inspection.draft import LONGEST, draft
from distill.inspection.look import looks
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.preprocess.preprocess import Preprocess
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


@pytest.mark.parametrize(
    ("file", "shape", "ends", "keys"),
    [
        ("open.onnx", ("N", 3, "height", "width"), "Sigmoid", {"height": "224", "width": "224"}),
        ("two.onnx", ("N", 3, 32, 32), None, {"output": "logits"}),
    ],
)
def test_what_a_graph_leaves_open_stands_in_comments(
    file: str, shape: tuple[int | str, ...], ends: str | None, keys: dict[str, str], place: Path
) -> None:
    folders(place / "trees")
    linear_graph(place / file, shape, TensorProto.FLOAT, ends)
    assert init("trees", "--teacher", file, "--inspect", "0") == 0
    text = (place / "trees.yaml").read_text()
    assert all(f"  # {key}: {value}" in text for key, value in keys.items())


def test_what_is_known_is_not_asked_for(place: Path) -> None:
    folders(place / "trees")
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    keys = ["--teacher.scale", "0..255", "--teacher.gives", "probabilities"]
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "0", *keys) == 0
    text = (place / "trees.yaml").read_text()
    assert yaml.safe_load(text)["teacher"] == {
        "name": "onnx",
        "file": "vendor.onnx",
        "gives": "probabilities",
        "scale": "0..255",
    }
    assert "  # interpolation:" in text and "  # scale" not in text


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("nowhere", "--teacher", "vendor.onnx"), "nowhere: no such folder or table"),
        (("trees", "--teacher", "none.onnx"), "none.onnx: no such file"),
        (("trees", "--teacher", "net.pth"), "weights alone, which do not say of what network. Name it: --teacher.name"),
        (("trees", "--teacher", "vendor.onnx", "--data.root", "x"), "unknown argument '--data.root'; expected keys of"),
        (("trees", "--teacher", "vendor.onnx", "--root", "x"), "it is of a table (CSV), and trees is none"),
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
    torch.save({"weight": torch.ones(2)}, place / "net.pth")
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


def test_what_measuring_does_not_find_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(folders(place / "trees") / "fir")
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "10") == 2
    said = capsys.readouterr().err
    assert "4 outputs and the data 3 classes" in said and "--inspect 0 writes a recipe" in said
    assert not (place / "trees.yaml").exists()
    (place / "names.txt").write_text("\n".join(["ash", "beech", "elm", "oak"]))
    keys = ["--teacher.classes", "names.txt"]
    telling(place / "vendor.onnx")
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "10", *keys) == 0
    assert yaml.safe_load((place / "trees.yaml").read_text())["teacher"]["classes"] == "names.txt"


def test_where_no_way_is_better_than_chance_no_recipe_is_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The classes are turned by one, so that every way of asking is wrong; a run stops at such a teacher."""
    folders(place / "trees", pictures=20)
    for number, name in enumerate(CLASSES):
        (place / "trees" / name).rename(place / "trees" / f"{(number + 1) % len(CLASSES)}-{name}")
    telling(linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT, "Softmax", scale=1.0))
    assert init("trees", "--teacher", "vendor.onnx", "--inspect", "40") == 2
    said = capsys.readouterr().err
    assert "within chance of 0.2500" in said and "no recipe is written" in said and "--teacher.classes" in said
    assert not (place / "trees.yaml").exists()


def taught(root: Path) -> nn.Module:
    """A small network whose classifier is fitted to the pictures, as ImageNet's mean and deviation bring them."""
    network = timm.create_model("test_resnet", num_classes=len(CLASSES)).eval()
    files = sorted(root.rglob("*.png"))
    pixels = torch.stack([torch.from_numpy(np.array(Image.open(one).resize((160, 160)))) for one in files])
    with torch.no_grad():
        seen = Preprocess.imagenet(160, 160).normalize(pixels.permute(0, 3, 1, 2).float())
        features = network.forward_head(network.forward_features(seen), pre_logits=True)
        labels = torch.tensor([list(CLASSES).index(one.parent.name) for one in files])
        wanted = 10 * nn.functional.one_hot(labels, len(CLASSES)).float()
        classifier = network.get_classifier()
        padded = torch.cat([features, torch.ones(len(files), 1)], dim=1)
        solution = torch.linalg.lstsq(padded, wanted, driver="gelsd").solution
        classifier.weight.copy_(solution[:-1].T)
        classifier.bias.copy_(solution[-1])
    return network


def test_weights_of_a_network_are_a_teacher_too(place: Path) -> None:
    weights = taught(folders(place / "trees", pictures=8)).state_dict()
    torch.save(
        {"state_dict": {name: torch.zeros_like(one) for name, one in weights.items()}, "ema": weights}, "net.pth"
    )
    keys = ["--teacher.name", "timm", "--teacher.model", "test_resnet", "--teacher.weights_of", "ema"]
    assert init("trees", "--teacher", "net.pth", "--inspect", "24", *keys) == 0
    text = (place / "trees.yaml").read_text()
    assert len(text.splitlines()) <= LONGEST
    teacher = yaml.safe_load(text)["teacher"]
    named = {"name": "timm", "weights": "net.pth", "model": "test_resnet", "weights_of": "ema"}
    assert teacher == teacher | named and "net.pth: weights, under state_dict" in text
    assert RecipeReader("trees.yaml").read([])[0].prepare.height == 160
    assert cli.main(["evaluate", "trees.yaml", "--model", "teacher", "--json", "scores.json"]) == 0
    assert json.loads((place / "scores.json").read_text())["metrics"]["top-1"] == 1.0


def test_a_teacher_of_many_keys_is_written_in_one_line(place: Path) -> None:
    folders(place / "trees")
    keys = {
        "name": "onnx",
        "file": "vendor.onnx",
        "gives": "softmax",
        "mean": [0.5, 0.5, 0.5],
        "classes": ["a: b", "no"],
    }
    keys |= {f"key_{number}": number for number in range(12)}
    section = ("teacher:", *yaml.safe_dump(keys, default_flow_style=None, indent=4).splitlines())
    section = tuple(line if line == "teacher:" else f"  {line}" for line in section)
    contract = Contract({}, "seen", section=(*section, "  # crop as it is, or another: not told apart"))
    text = draft(looks(place / "trees", None)[0], contract, "trees.yaml", 0)
    assert len(text.splitlines()) <= LONGEST and "not told apart" not in text
    assert yaml.safe_load(text)["teacher"] == keys


def test_an_openvino_file_is_measured_like_an_onnx_one(place: Path) -> None:
    openvino = pytest.importorskip("openvino")
    folders(place / "trees", pictures=12)
    vendor = telling(linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT, "Softmax", scale=1.0))
    openvino.save_model(openvino.convert_model(vendor), place / "vendor.xml", compress_to_fp16=False)
    assert init("trees", "--teacher", "vendor.xml", "--inspect", "24") == 0
    teacher = yaml.safe_load((place / "trees.yaml").read_text())["teacher"]
    assert (teacher["name"], teacher["file"], teacher["gives"]) == ("openvino", "vendor.xml", "softmax")
    assert cli.main(["evaluate", "trees.yaml", "--model", "teacher", "--json", "scores.json"]) == 0


def test_a_litert_file_is_known_by_its_bytes(place: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    from tests.helpers.litert import litert_graph

    folders(place / "trees")
    litert_graph(place / "vendor.tflite")
    assert init("trees", "--teacher", "vendor.tflite", "--inspect", "0") == 0
    text = (place / "trees.yaml").read_text()
    assert yaml.safe_load(text)["teacher"] == {"name": "litert", "file": "vendor.tflite"}
    assert "  # gives: logits" in text and "# scale" not in text  # it takes bytes


def test_a_table_of_pictures_that_lie_elsewhere(place: Path) -> None:
    folders(place / "trees", pictures=6)
    linear_graph(place / "vendor.onnx", ("N", 3, 32, 32), TensorProto.FLOAT)
    files = sorted((place / "trees").rglob("*.png"))
    rows = [f"{file.relative_to(place / 'trees')},{file.parent.name}" for file in files]
    (place / "lists").mkdir()
    (place / "lists" / "list.csv").write_text("\n".join(["file,label", *rows]))
    assert init("lists/list.csv", "--root", "trees", "--teacher", "vendor.onnx", "--inspect", "0") == 0
    recipe, _ = RecipeReader("list.yaml").read([])
    assert recipe.data.root == Path("trees") and len(recipe.data.samples(0, 0)) == len(files)
