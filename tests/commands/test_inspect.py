"""`distill inspect` finds the contract that a black box was written for, and says what it could not tell."""

import json
import os
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import timm
import torch
import yaml
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save_file

from distill import cli
from distill.answers import Embedding
from distill.errors import DistillError
from distill.inspection.graph_subject import SIDES
from teachers.mobilefacenet_teacher import Mobilefacenet
from teachers.networks.mobilefacenet import MobileFaceNet
from tests.helpers.black_boxes import COLORS, color_box, color_folders
from tests.helpers.running import finished

RECIPE = """\
task: classes
data: {{name: class_folders, root: {root}}}
prepare: {{height: 40, width: 40}}
teacher: {{name: onnx, file: elsewhere.onnx}}
student: {{name: mobilenet_v1, width: 0.25, resolution: 32}}
objective: {{name: softmax_kl}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("colors")
    path = place / "colors.yaml"
    path.write_text(RECIPE.format(root=color_folders(place / "pictures")))
    return path


def inspected(file: Path, recipe: Path, *keys: str) -> dict[str, Any]:
    written = file.with_suffix(".json")
    assert cli.main(["inspect", str(file), "--recipe", str(recipe), "--json", str(written), *keys]) == 0
    content: dict[str, Any] = json.loads(written.read_text())
    return content


@pytest.mark.parametrize(
    ("contract", "expected"),
    [
        ({"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}, {"mean": [0.485, 0.456, 0.406]}),
        ({"channels": "bgr"}, {"channels": "bgr", "scale": "0..1"}),
        ({"std": 1 / 255, "layout": "nhwc", "ends": "Softmax"}, {"scale": "0..255", "gives": "softmax"}),
        (
            {"mean": 0.5, "std": 0.5, "channels": "bgr", "ends": "Sigmoid"},
            {"channels": "bgr", "gives": "softmax", "sure": True},
        ),
        ({"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "inside": True}, {"scale": "0..1"}),
    ],
)
def test_the_contract_is_found_among_many(
    contract: dict[str, Any],
    expected: dict[str, Any],
    recipe: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = inspected(color_box(tmp_path / "box.onnx", **contract), recipe)
    assert len(content["hypotheses"]) >= 24
    assert content["hypotheses"][0]["score"] == 1.0
    section = yaml.safe_load(content["section"])["teacher"]
    assert {key: section.get(key) for key in expected} == expected
    assert section["channels"] == contract.get("channels", "rgb")
    # What is printed last is that section, and a hypothesis of the other order is never as good.
    shown = capsys.readouterr().out
    assert content["section"] in shown
    reversed_ = [one for one in content["hypotheses"] if one["teacher"]["channels"] != section["channels"]]
    assert all(one["score"] < 0.9 for one in reversed_)


def test_the_section_it_ends_with_can_be_run(recipe: Path, tmp_path: Path) -> None:
    box = color_box(tmp_path / "box.onnx", channels="bgr")
    content = inspected(box, recipe)
    merged = yaml.safe_load(recipe.read_text()) | yaml.safe_load(content["section"])
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(merged))
    scores = tmp_path / "scores.json"
    arguments = [
        str(tmp_path / "mine.yaml"),
        "--model",
        "teacher",
        "--out",
        str(tmp_path / "out"),
        "--json",
        str(scores),
    ]
    assert cli.main(["evaluate", *arguments]) == 0
    assert json.loads(scores.read_text())["metrics"]["top-1"] == 1.0


def test_what_does_as_well_is_said(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = inspected(color_box(tmp_path / "box.onnx", mean=127.5 / 255, std=128 / 255), recipe)
    assert any("-1..1" in one for one in content["level"])
    assert "not told apart" in content["section"]
    assert "not told apart from the best on these pictures: " in capsys.readouterr().out


def test_a_key_that_is_given_is_not_tried_otherwise(recipe: Path, tmp_path: Path) -> None:
    content = inspected(
        color_box(tmp_path / "box.onnx"), recipe, "--teacher.scale", "0..1", "--teacher.channels", "bgr"
    )
    assert {one["teacher"]["channels"] for one in content["hypotheses"]} == {"bgr"}
    assert yaml.safe_load(content["section"])["teacher"]["scale"] == "0..1"


def test_a_file_of_another_order_of_classes_is_within_chance_or_far_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data's folders are renamed, so that each colour stands where another's output is."""
    root = color_folders(tmp_path / "pictures")
    names = list(COLORS)
    for part in ("train", "test"):
        for name in names:
            (root / part / name).rename(root / part / f"x{(names.index(name) + 3) % len(names)}")
    path = tmp_path / "shifted.yaml"
    path.write_text(RECIPE.format(root=root))
    content = inspected(color_box(tmp_path / "box.onnx"), path)
    assert content["hypotheses"][0]["score"] < 0.6
    assert "in the order of the data's 8 classes, which nothing tells" in capsys.readouterr().out


def test_classes_are_known_by_the_names_in_the_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The data has five of the eight, in the alphabet's order."""
    root = color_folders(tmp_path / "pictures")
    for part, name in product(("train", "test"), [*COLORS][2:5]):
        shutil.rmtree(root / part / name)
    (path := tmp_path / "some.yaml").write_text(RECIPE.format(root=root))
    box = color_box(tmp_path / "box.onnx", channels="bgr")
    model = onnx.load(box)
    helper.set_model_props(model, {"names": json.dumps([*COLORS])})
    onnx.save(model, box)
    content = inspected(box, path, "--pictures", "20")
    assert content["hypotheses"][0]["score"] == 1.0
    assert yaml.safe_load(content["section"])["teacher"]["classes"] == [*COLORS]
    assert "outputs by the names in the file's metadata" in capsys.readouterr().out


def test_where_every_way_is_within_chance_that_is_said(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inspected(color_box(tmp_path / "blind.onnx", std=float("inf")), recipe)
    shown = capsys.readouterr().out
    assert "none of these is the contract" in shown and "within chance of 0.1250" in shown


def test_without_labels_answers_are_held_to_themselves(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = yaml.safe_load(recipe.read_text())["data"]["root"]
    box = color_box(tmp_path / "box.onnx", ends="Softmax")
    content = inspected(box, recipe, "--data", "folder", "--data.root", root)
    assert (content["labelled"], content["metric"]) == (False, "steadiness")
    assert "steadiness is a hint" in capsys.readouterr().out


def test_an_openvino_file_is_inspected_like_an_onnx_one(recipe: Path, tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    box = color_box(tmp_path / "box.onnx", channels="bgr", std=1 / 255)
    openvino.save_model(openvino.convert_model(box), tmp_path / "box.xml", compress_to_fp16=False)
    section = yaml.safe_load(inspected(tmp_path / "box.xml", recipe)["section"])["teacher"]
    assert (section["name"], section["channels"], section["scale"]) == ("openvino", "bgr", "0..255")


def test_weights_are_inspected_in_the_network_they_are_of(recipe: Path, tmp_path: Path) -> None:
    """What this one answers is at random: every hypothesis is asked, and the section builds the same network."""
    network = timm.create_model("mobilenetv1_100", num_classes=len(COLORS))
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    keys = [
        "--teacher",
        "timm",
        "--teacher.model",
        "mobilenetv1_100",
        "--teacher.height",
        "32",
        "--teacher.width",
        "32",
    ]
    content = inspected(tmp_path / "weights.safetensors", recipe, *keys, "--pictures", "16")
    assert len(content["hypotheses"]) >= 24
    assert not any(one["refusal"] or "scale" in one["teacher"] for one in content["hypotheses"])
    section = yaml.safe_load(content["section"])["teacher"]
    assert {"name", "model", "weights", "height", "channels", "mean", "std", "interpolation"} <= section.keys()


@pytest.mark.parametrize("axes", [(3, "height", "width"), ("channels", "height", "width")])
def test_sizes_that_a_graph_leaves_open_are_tried(
    axes: tuple[int | str, int | str, int | str], recipe: Path, tmp_path: Path
) -> None:
    """Colours look the same at any size: all are level, and the most frequent is written. An order of axes under which
    the graph answers nothing is not."""
    box = color_box(tmp_path / "open.onnx", channels="bgr", axes=axes)
    known = ["--pictures", "16", "--teacher.scale", "0..1", "--teacher.interpolation", "bilinear"]
    content = inspected(box, recipe, *known)
    section = yaml.safe_load(content["section"])["teacher"]
    assert (section["height"], section["width"], section["channels"]) == (224, 224, "bgr")
    assert section.get("layout") == (None if axes[0] == 3 else "nchw")
    tried = {one["teacher"]["height"] for one in content["hypotheses"]}
    assert tried == set(SIDES) and "112 x 112" in content["undecided"]["size"]
    narrowed = inspected(box, recipe, *known, "--teacher.height", "48", "--teacher.width", "32")
    assert {(one["teacher"].get("height", 48)) for one in narrowed["hypotheses"]} == {48}


def test_of_sizes_only_those_are_tried_that_the_graph_answers(recipe: Path, tmp_path: Path) -> None:
    """Flattened for a linear layer, pictures of one size alone fit its weights."""
    weight = np.random.default_rng(0).normal(size=(3 * 112 * 112, len(COLORS))).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["pictures"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "flat",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["N", 3, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(COLORS)])],
        [numpy_helper.from_array(weight, "weight")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "flat.onnx")
    content = inspected(tmp_path / "flat.onnx", recipe, "--pictures", "16")
    assert {one["teacher"]["height"] for one in content["hypotheses"]} == {112}
    assert not any(one["refusal"] for one in content["hypotheses"])


def test_a_grey_graph_is_asked_without_an_order_of_channels(recipe: Path, tmp_path: Path) -> None:
    """It tells the colours apart by their grey, as far as that goes."""
    centres = np.array([*COLORS.values()]) / 255 @ (0.299, 0.587, 0.114)
    stored = {
        "axes": np.array([2, 3], np.int64),
        "weight": (60 * centres[None]).astype(np.float32),
        "bias": (-30 * centres**2).astype(np.float32),
    }
    nodes = [
        helper.make_node("ReduceMean", ["pictures", "axes"], ["means"], keepdims=0),
        helper.make_node("MatMul", ["means", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "grey",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["N", 1, 24, 24])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(COLORS)])],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "grey.onnx")
    content = inspected(tmp_path / "grey.onnx", recipe)
    assert content["hypotheses"][0]["score"] > 0.6
    section = yaml.safe_load(content["section"])["teacher"]
    assert section["scale"] == "0..1" and "channels" not in section
    assert not any(one["refusal"] for one in content["hypotheses"])


def test_an_output_that_is_no_row_of_numbers_is_passed_over(recipe: Path, tmp_path: Path) -> None:
    """The first output is the picture itself."""
    box = color_box(tmp_path / "box.onnx")
    model = onnx.load(box)
    model.graph.output.insert(0, helper.make_tensor_value_info("eaten", TensorProto.FLOAT, ["N", 3, 24, 24]))
    onnx.save(model, box)
    content = inspected(box, recipe, "--pictures", "16")
    assert {one["teacher"]["output"] for one in content["hypotheses"]} == {"logits"}
    assert content["hypotheses"][0]["score"] == 1.0


def test_where_no_output_can_be_learnt_from_some_are_named(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A detector's: none is a row of numbers for a picture."""
    box = color_box(tmp_path / "box.onnx")
    model = onnx.load(box)
    del model.graph.output[:]
    for number in range(5):
        model.graph.node.append(helper.make_node("Identity", ["eaten"], [f"grid_{number}"]))
        model.graph.output.append(helper.make_tensor_value_info(f"grid_{number}", TensorProto.FLOAT, None))
    onnx.save(model, box)
    assert cli.main(["inspect", str(box), "--recipe", str(recipe)]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "none of its 5 outputs could be learnt from. grid_0: " in said and said.endswith("And 2 more.")
    assert "expected (N, C)" in said


def test_numbers_that_lie_in_0_to_1_by_chance_are_no_probabilities(recipe: Path, tmp_path: Path) -> None:
    """In small units the mean of each channel, its logits, lies in 0..1; in large ones it does not."""
    box = color_box(tmp_path / "box.onnx")
    model = onnx.load(box)
    del model.graph.node[2:], model.graph.output[:]
    means = np.tile(np.eye(3, dtype=np.float32), 3)[:, : len(COLORS)]
    model.graph.node.append(helper.make_node("MatMul", ["means", "spread"], ["logits"]))
    model.graph.initializer.append(numpy_helper.from_array(means, "spread"))
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(COLORS)]))
    onnx.save(model, box)
    keys = ["--pictures", "16", "--teacher.channels", "rgb"]
    assert yaml.safe_load(inspected(box, recipe, *keys)["section"])["teacher"]["gives"] == "logits"


def test_weights_of_a_face_recogniser_are_inspected(tmp_path: Path) -> None:
    """Of its own box, the whole and the middle, in both orders of channels; it knows its numbers itself."""
    torch.manual_seed(0)
    save_file(MobileFaceNet().state_dict(), tmp_path / "face.safetensors")
    path = tmp_path / "faces.yaml"
    path.write_text(
        "task: embeddings\n"
        "data: {name: rendered_faces, train: 24, validation: 16, test: 16, people: 14}\n"
        "prepare: {height: 112, width: 112}\n"
        "teacher: {name: mobilefacenet}\n"
        "student: {name: mobilenet_v1, width: 0.25, resolution: 32}\n"
        "objective: {name: squared_embedding}\n"
        "evaluate: {fars: [0.1]}\n"
    )
    content = inspected(tmp_path / "face.safetensors", path, "--pictures", "16")
    hypotheses = [one["hypothesis"] for one in content["hypotheses"]]
    assert len(hypotheses) == 6 and sum("its own box" in one for one in hypotheses) == 2
    crops = {tuple(one["teacher"].get("crop", ())) for one in content["hypotheses"]}
    assert {(), (0, 0, 1, 1)} < crops and len(crops) == 3
    assert {"name", "weights", "channels"} <= yaml.safe_load(content["section"])["teacher"].keys()


def test_what_was_exported_here_says_all_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(finished()[1] / "export" / "student.onnx")]) == 0
    assert "it says the rest itself: --teacher onnx" in capsys.readouterr().out.replace("\n", " ")


def test_the_file_alone_says_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inspect", str(color_box(tmp_path / "box.onnx"))]) == 0
    shown = capsys.readouterr().out
    assert "ONNX, opset 18" in shown and "pictures float32 (N, 3, 24, 24)" in shown and "logits float32 (N, 8)" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.onnx"], "no such file"),
        (["{box}", "--teacher.scale", "0..1"], "Name the recipe with --recipe"),
        (["{box}", "--recipe", "{recipe}", "--pictures", "1"], "expected two or more"),
        (["{weights}", "--recipe", "{recipe}"], "weights, which do not say of what network. Name it: --teacher.name"),
        (
            ["{box}", "--recipe", "{recipe}", "--teacher.classes", "{names}"],
            r"^teacher.classes: 3 names for the 8 outputs of box",
        ),
        (["{box}", "--recipe", "{recipe}", "--data.root", "{three}"], "8 outputs and the data 3 classes"),
    ],
)
def test_what_cannot_be_inspected_is_told(arguments: list[str], words: str, recipe: Path, tmp_path: Path) -> None:
    places = {"box": color_box(tmp_path / "box.onnx"), "recipe": recipe, "weights": tmp_path / "net.pth"}
    places |= {"names": tmp_path / "names.txt", "three": tmp_path / "three"}
    torch.save({"weight": torch.ones(2)}, places["weights"])
    places["names"].write_text("\n".join([*COLORS][:3]))
    color_folders(places["three"])
    for part, name in product(("train", "test"), [*COLORS][3:]):
        shutil.rmtree(places["three"] / part / name)
    from distill.commands import inspect

    with pytest.raises(DistillError, match=words):
        inspect.main([argument.format(**places) for argument in arguments])


class Changed(torch.nn.Module):
    """A network that wants its pictures another way."""

    def __init__(self, network: torch.nn.Module, *, bgr: bool, nhwc: bool, inside: bool) -> None:
        super().__init__()
        self.network, self.bgr, self.nhwc, self.inside = network, bgr, nhwc, inside

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        pictures = pictures.permute(0, 3, 1, 2) if self.nhwc else pictures
        pictures = pictures.flip(1) if self.bgr else pictures
        answers: torch.Tensor = self.network((pictures - 127.5) / 128 if self.inside else pictures)
        return answers


def published(name: str, root: Path) -> tuple[torch.nn.Module, tuple[int, int], list[str]]:
    """A network with public weights, the size it sees, and the arguments that inspect it on photographs."""
    if name == "mobilefacenet":
        network, _ = Mobilefacenet(weights=root / "weights/mobilefacenet_casia.ckpt").trainable(Embedding())
        size = ["--prepare.height", "112", "--prepare.width", "112"]
        people = ["--recipe", "face_embeddings", "--data", "people", "--data.root", str(root / "lfw/images"), *size]
        return network, (112, 96), people
    network = timm.create_model("mobilenetv2_100", num_classes=1001, pad_type="same")
    network.load_state_dict(load_file(root / "weights/mobilenetv2_100_imagenet1001.safetensors"))
    dogs = ["--recipe", "stanford_dogs", "--data", "stanford_dogs", "--data.root", str(root / "stanford_dogs")]
    return network, (224, 224), dogs


@pytest.mark.real_data
@pytest.mark.parametrize(
    "changes", [{}, {"bgr": True}, {"nhwc": True}, {"inside": True}], ids=["as_it_is", "bgr", "nhwc", "inside"]
)
@pytest.mark.parametrize("name", ["mobilefacenet", "mobilenetv2"])
def test_published_networks_are_found_on_200_photographs(name: str, changes: dict[str, bool], tmp_path: Path) -> None:
    """Both want RGB as (x - 127.5) / 128 or (x - 128) / 128; which of the two, and -1..1, no photographs tell."""
    network, (height, width), arguments = published(name, Path(os.environ["DISTILL_REAL_DATA"]))
    ways = {"bgr": False, "nhwc": False, "inside": False} | changes
    shape = (2, height, width, 3) if ways["nhwc"] else (2, 3, height, width)
    box = tmp_path / "box.onnx"
    torch.onnx.export(
        Changed(network, **ways).eval(),
        (torch.rand(shape),),
        box,
        dynamic_shapes=({0: "batch"},),
        dynamo=True,
        external_data=False,
    )
    written = tmp_path / "found.json"
    assert cli.main(["inspect", str(box), "--json", str(written), *arguments]) == 0
    content = json.loads(written.read_text())
    section = yaml.safe_load(content["section"])["teacher"]
    assert len(content["hypotheses"]) >= 24 and content["pictures"] == 200
    assert section["channels"] == ("bgr" if ways["bgr"] else "rgb")
    if ways["inside"]:
        assert section["scale"] == "0..255"
    else:
        assert section["mean"] == pytest.approx([0.5] * 3, abs=0.003)
        assert section["std"] == pytest.approx([0.5] * 3, abs=0.003)
    if name == "mobilefacenet":
        assert section["crop"] == pytest.approx([0, 8 / 112, 1, 96 / 112], abs=1e-6)
    else:
        assert section["class_map"] == "imagenet_background"
