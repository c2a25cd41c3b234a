"""`distill init` drafts what the pictures and the teacher's outputs are for: people and boxes as well as classes."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from distill import cli
from distill.errors import DistillError
from distill.inspection.draft import LONGEST
from distill.inspection.look import looks
from distill.recipe.parser import RecipeReader
from tests.helpers.squares import square_detector, voc_of_squares

KNOWN = ["--teacher.channels", "rgb", "--teacher.scale", "0..1", "--teacher.interpolation", "bilinear"]
QUICK = ["--transfer.epochs", "1", "--evaluate.resamples", "20", "--export.formats", "[onnx]"]


def faces(root: Path, people: int = 24, pictures: int = 4, parts: tuple[str, ...] = ("",)) -> Path:
    """A colour for each person; in parts other people each."""
    random = np.random.default_rng(0)
    for part in parts:
        for person in range(people):
            color = random.integers(40, 216, 3)
            place = root / part / f"{part}Person_{person:02d}"
            place.mkdir(parents=True)
            for number in range(pictures):
                pixels = random.integers(-30, 30, (36, 36, 3)) + color
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{place.name}_{number + 1:04d}.png")
    return root


def embedder(file: Path, dimensions: int = 20, ends: str = "Identity") -> Path:
    """A graph whose answer follows the mean of each channel."""
    weight = np.random.default_rng(0).normal(size=(3, dimensions)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "axes"], ["means"], keepdims=0),
        helper.make_node("Sub", ["means", "grey"], ["centred"]),
        helper.make_node("MatMul", ["centred", "weight"], ["vector"]),
        helper.make_node(ends, ["vector"], ["answer"]),
    ]
    stored = {"axes": np.array([2, 3], np.int64), "grey": np.full(3, 0.5, np.float32), "weight": weight}
    graph = helper.make_graph(
        nodes,
        "embedder",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["N", dimensions])],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), file)
    return file


def init(*arguments: str | Path) -> int:
    return cli.main(["init", *map(str, arguments)])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(file: str) -> dict[str, object]:
    text = Path(file).read_text()
    assert len(text.splitlines()) <= LONGEST
    content: dict[str, object] = yaml.safe_load(text)
    return content


def test_a_folder_of_people_and_vectors_make_a_recipe_that_runs(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As LFW unpacks, in one folder more; the file has other outputs than there are folders."""
    faces(place / "lfw" / "images")
    embedder(place / "face.onnx")
    assert init("lfw", "--teacher", "face.onnx", "--inspect", "60", *KNOWN) == 0
    said = capsys.readouterr()
    assert "its outputs are not the data's 24 classes, so it is asked for vectors that are alike where" in said.err
    recipe = written("lfw.yaml")
    assert recipe["task"] == "embeddings" and recipe["objective"] == {"name": "squared_embedding"}
    assert recipe["data"] == {"name": "people", "root": "lfw/images", "validation": 0.1, "test": 0.2}
    assert (
        "# 24 people, 96 pictures of about 36 x 36 pixels: 68 train, 8 validation, 20 test."
        in Path("lfw.yaml").read_text()
    )
    assert "gives" not in recipe["teacher"]  # type: ignore[operator]
    assert cli.main(["run", "lfw.yaml", *QUICK]) in (0, 1)  # 1: a file outside of its tolerance
    results = json.loads((place / "runs" / "lfw" / "results.json").read_text())
    assert recipe["evaluate"] == {"fars": [0.1]}  # of the few pairs there are
    assert results["teacher"]["metrics"]["tar@far=1e-1"] > 0.5
    assert results["data"]["people"] == {"train": 17, "validation": 2, "test": 5}


@pytest.mark.parametrize("column", ["person", "label"])
def test_a_table_of_people(place: Path, column: str) -> None:
    faces(place / "faces", people=16)
    files = sorted((place / "faces").rglob("*.png"))
    rows = [f"{file.relative_to(place)},{file.parent.name}" for file in files]
    (place / "list.csv").write_text("\n".join([f"file,{column}", *rows]))
    embedder(place / "face.onnx")
    assert init("list.csv", "--teacher", "face.onnx", "--inspect", "60", *KNOWN) == 0
    recipe = written("list.yaml")
    assert recipe["task"] == "embeddings"
    assert recipe["data"] == {"name": "table", "csv": "list.csv", "identity": column, "validation": 0.1, "test": 0.2}


def test_celebas_lists_are_attributes_or_people_who_are_aligned(place: Path) -> None:
    root = place / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    files = sorted(faces(place / "faces", people=18).rglob("*.png"))
    names = [f"{number:06d}.png" for number in range(len(files))]
    for file, name in zip(files, names, strict=True):
        Image.open(file).resize((89, 109)).save(root / "img_align_celeba" / name)
    attributes = "\n".join(f"{name} 1 -1" for name in names)
    (root / "list_attr_celeba.txt").write_text(f"{len(names)}\nSmiling Young\n{attributes}\n")
    (root / "list_eval_partition.txt").write_text(
        "".join(f"{name} {max(0, number // 4 - 15)}\n" for number, name in enumerate(names))
    )
    (root / "identity_CelebA.txt").write_text(
        "".join(f"{name} {number // 4 + 1}\n" for number, name in enumerate(names))
    )
    embedder(place / "face.onnx")
    assert [look.aim.task for look in looks(root, None)] == ["attributes", "embeddings"]
    assert init("celeba", "--teacher", "face.onnx", "--inspect", "0", "--task", "embeddings") == 0
    recipe = written("celeba.yaml")
    assert recipe["data"] == {"name": "celeba", "root": "celeba"}
    assert recipe["prepare"] == {"height": 32, "width": 32, "align": "celeba"}
    RecipeReader("celeba.yaml").read([])


@pytest.mark.parametrize(("dimensions", "ends"), [(12, "Identity"), (20, "Softmax"), (1000, "Identity")])
def test_outputs_of_other_classes_are_no_vectors(
    place: Path, dimensions: int, ends: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are alike where two pictures show one class, too."""
    faces(place / "faces", people=10)
    embedder(place / "vendor.onnx", dimensions, ends)
    assert init("faces", "--teacher", "vendor.onnx", "--inspect", "40", *KNOWN) == 2
    said = capsys.readouterr().err
    assert f"the file has {dimensions} outputs and the data 10 classes, and nothing says which is which" in said
    assert not (place / "faces.yaml").exists()


def test_a_task_that_the_pictures_are_not_for_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faces(place / "faces", people=10)
    embedder(place / "face.onnx")
    assert init("faces", "--teacher", "face.onnx", "--task", "boxes") == 2
    assert "--task is 'boxes', and these pictures could teach classes, embeddings." in capsys.readouterr().err


def test_a_detector_and_vocs_files_make_a_recipe_of_boxes(place: Path) -> None:
    voc_of_squares(place / "voc")
    square_detector(place / "squares.onnx")
    known = ["--teacher.channels", "bgr", "--teacher.scale", "0..255"]
    assert init("voc", "--teacher", "squares.onnx", "--inspect", "40", *known) == 0
    recipe = written("voc.yaml")
    assert recipe["task"] == "boxes" and recipe["data"] == {"name": "voc", "root": "voc"}
    teacher = recipe["teacher"]
    assert isinstance(teacher, dict)
    assert (teacher["name"], teacher["boxes"], teacher["scores"]) == ("onnx_detector", "cxcywh", "objectness")
    assert cli.main(["evaluate", "voc.yaml", "--model", "teacher", "--json", "scores.json"]) == 0
    assert json.loads((place / "scores.json").read_text())["metrics"]["AP50"] == pytest.approx(1)


def test_lists_and_parts_are_taken_as_they_are(place: Path) -> None:
    voc_of_squares(place / "voc")
    (place / "voc" / "ImageSets" / "Main" / "test.txt").unlink()  # as of a year whose test set was kept back
    (look,) = looks(place / "voc", None)
    assert look.keys == {"name": "voc", "root": str(place / "voc"), "validation": None, "test": "val"}
    faces(place / "faces", people=6, parts=("train", "test"))
    (people,) = looks(place / "faces", None)  # classes would be alike in both parts
    assert people.keys == {"name": "people", "root": str(place / "faces")}
    assert people.counts == {"train": 24, "test": 24} and people.number == 12


def test_people_of_a_picture_each_are_not_enough(place: Path) -> None:
    faces(place / "faces", people=6, pictures=1)
    with pytest.raises(DistillError, match="too few to hold some out"):
        looks(place / "faces", None)
