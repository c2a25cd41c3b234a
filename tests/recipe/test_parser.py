"""What a recipe's YAML and a command line may say, and what they are told where they may not."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill.data.rendered.faces import RenderedFaces
from distill.data.sources.celeba import CelebA
from distill.data.sources.folder import Folder
from distill.errors import DistillError
from distill.faces.settings import Detect
from distill.files.run_directory import RunDirectory
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Pairs, Recipe
from distill.recipe.stages import Stage
from distill.recipe.variants import VARIANTS
from distill.recipe.written import recipe_names
from distill.registries import OBJECTIVES
from distill.tasks.sets import open_sets
from teachers.graph_teacher import Graph
from teachers.recognizer_teacher import InceptionResnetV1, Iresnet
from tests.helpers.running import TINY, complaint, read, write_recipe


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


def changed(directory: Path, **sections: Any) -> Path:
    return write_recipe(directory, TINY | sections, "changed")


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_parses_and_so_does_its_resolved_text(name: str, tmp_path: Path) -> None:
    recipe, text = RecipeReader(name).read([])
    assert recipe.name == name
    again = tmp_path / f"{name}.yaml"
    again.write_text(text)
    assert RecipeReader(str(again)).read([]) == (recipe, text)


def test_every_shipped_overlay_parses() -> None:
    found = 0
    for name in recipe_names():
        for data in VARIANTS["data"].names():
            if (Path(__file__).parents[2] / "recipes" / f"{name}.{data}.yaml").exists():
                recipe, _ = RecipeReader(name).read(["--data", data])
                assert recipe.data.name == data
                found += 1
    assert found > 0


@pytest.mark.parametrize("arguments", [["--data", "celeba"], ["--data=celeba"], ["--data.name", "celeba"]])
def test_another_variant_in_each_spelling(tiny: Path, arguments: list[str], tmp_path: Path) -> None:
    recipe, _ = read(tiny, [*arguments, "--data.root", str(tmp_path)])
    assert recipe.data == CelebA(root=tmp_path)
    assert recipe.student.width == 0.1  # the other sections stay


def test_the_same_variant_keeps_the_keys_written(tiny: Path) -> None:
    recipe, _ = read(tiny, ["--data", "rendered_faces", "--data.test", "50"])
    assert recipe.data == RenderedFaces(train=64, validation=48, test=50, people=40)


def test_a_required_key_of_a_variant_may_come_from_the_command_line(tiny: Path) -> None:
    recipe, _ = read(tiny, ["--teacher", "onnx", "--teacher.file", "box.onnx", "--stages", "[transfer]"])
    assert recipe.teacher == Graph(file=Path("box.onnx"))
    assert complaint(tiny, "--teacher", "onnx") == "the following arguments are required: teacher.file"


def test_more_pictures_can_be_added_and_taken_away(tmp_path: Path) -> None:
    path = changed(tmp_path, unlabelled={"name": "folder", "root": "/pictures"})
    assert read(path)[0].unlabelled == Folder(root=Path("/pictures"))
    for arguments in (["--unlabelled", "null"], ["--unlabelled=null"]):
        assert read(path, [*arguments, "--seed", "5"])[0].unlabelled is None
        assert read(path, [*arguments, "--seed", "5"])[0].seed == 5
    plain = write_recipe(tmp_path)
    assert read(plain, ["--unlabelled", "folder", "--unlabelled.root", "x"])[0].unlabelled == Folder(root=Path("x"))
    found = complaint(plain, "--unlabelled.root", "x")
    assert "say which with --unlabelled" in found and {"celeba", "class_folders", "folder"} <= set(
        re.findall(r"\w+", found)
    )


@pytest.mark.parametrize("spelling", [["--evaluate.pairs", "cfp_fp"], ["--evaluate.pairs.name=cfp_fp"]])
def test_a_set_of_pairs_is_named_in_either_spelling(tmp_path: Path, spelling: list[str]) -> None:
    recipe, text = RecipeReader("face_embeddings").read([*spelling, "--evaluate.pairs.root", "~/cfp"])
    assert recipe.evaluate.pairs == Pairs("cfp_fp", Path.home() / "cfp")
    assert yaml.safe_load(text)["evaluate"]["pairs"]["folds"] == 10
    path = tmp_path / "pairs.yaml"
    path.write_text(text)
    assert read(path)[0].evaluate == recipe.evaluate


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--evaluate.pairs", "cfp"], r"evaluate\.pairs\.name is cfp, expected one of agedb_30, calfw, cfp_ff, cfp_fp"),
        (["--evaluate.pairs", "cfp_fp"], r"evaluate\.pairs\.root: not set; expected a name .* and a root"),
        (["--evaluate.pairs.root", "x"], r"evaluate\.pairs\.name: not set"),
        (["--evaluate.pairs.roots", "x"], r"unknown key evaluate\.pairs\.roots\. Did you mean evaluate\.pairs\.root\?"),
        (["--evaluate.pairs.folds", "1"], r"evaluate\.pairs\.folds is 1, expected at least 2"),
        (
            ["--evaluate.pairs", "ijb", "--evaluate.pairs.root", "x", "--evaluate.lfw", "y"],
            r"evaluate\.lfw and evaluate\.pairs \(ijb\): two sets",
        ),
    ],
)
def test_half_a_set_of_pairs_and_two_sets_are_refused(tiny: Path, arguments: list[str], message: str) -> None:
    assert re.search(message, complaint(tiny, *arguments))


def test_an_overlay_beside_the_file_is_applied_when_the_data_changes(tiny: Path) -> None:
    overlay = {
        "stages": ["fine_tune"],
        "teacher": {"name": "onnx", "file": "box.onnx"},
        "transfer": {"epochs": 7, "optimization": {"ema": 0.5}},
        "student": {"resolution": 64},
    }
    tiny.with_name("tiny.celeba.yaml").write_text(yaml.safe_dump(overlay))
    recipe, _ = read(tiny, ["--data", "celeba"])
    assert recipe.stages == ("fine_tune",)
    assert recipe.teacher == Graph(file=Path("box.onnx"))
    assert (recipe.transfer.epochs, recipe.transfer.optimization.ema) == (7, 0.5)
    # what the overlay does not say, the recipe does
    assert (recipe.transfer.batch_size, recipe.transfer.optimization.learning_rate) == (16, 0.003)
    assert (recipe.student.width, recipe.student.resolution) == (0.1, 64)

    untouched, _ = read(tiny)
    assert untouched.stages == ("teach", "transfer") and untouched.transfer.epochs == 1

    wins, _ = read(tiny, ["--transfer.epochs=3", "--data", "celeba", "--stages", "[transfer]"])
    assert wins.transfer.epochs == 3 and wins.stages == ("transfer",)
    assert read(tiny, ["--data", "celeba", "--teacher.file", "other.onnx"])[0].teacher == Graph(file=Path("other.onnx"))
    assert (
        read(tiny, ["--data", "celeba", "--teacher", "timm", "--teacher.model", "resnet18"])[0].teacher.name == "timm"
    )


def test_the_shipped_overlay_is_applied_by_the_short_form() -> None:
    overlay = yaml.safe_load((Path(__file__).parents[2] / "recipes" / "face_attributes.celeba.yaml").read_text())
    recipe, _ = RecipeReader("face_attributes").read(["--data", "celeba"])
    assert list(recipe.stages) == overlay["stages"]
    assert recipe.student.resolution == overlay["student"]["resolution"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--unlabelled", "folder", "--unlabelled.root", "/x y", "--seed", "9"],
        ["--data", "celeba", "--data.root", "/faces", "--data.attributes", "[Smiling, Male]"],
        ["--teacher.model_args", "{pad_type: same}", "--teacher.classes", "[a, b]", "--transfer.clip", "null"],
        ["--probe.ridge", "[0.5, 2]", "--trainer.max_steps", "20", "--trainer.log_every_n_steps=7"],
    ],
)
def test_print_config_reads_back_as_the_same_recipe(
    tiny: Path, arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, text = read(tiny, arguments)
    with pytest.raises(SystemExit) as ended:
        read(tiny, ["--print_config", *arguments])
    assert ended.value.code == 0
    assert capsys.readouterr().out == text
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "tiny.yaml"
    again.write_text(text)
    assert read(again) == (recipe, text)


def test_help_shows_every_key_and_the_recipes_own_values(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read(tiny, ["--help", "all"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for field in dataclasses.fields(Recipe):
        assert field.name == "name" or f"--{field.name}" in shown
    for field in dataclasses.fields(Stage):
        assert f"--transfer.{field.name}" in shown and f"--teach.{field.name}" in shown
    assert "--trainer.devices" in shown and "--data.people" in shown
    assert "default: 0.1" in shown  # student.width of this recipe; elsewhere it is 1
    assert all(f"one of {', '.join(registry.names())}" in " ".join(shown.split()) for registry in VARIANTS.values())


def test_a_key_reaches_its_field(tiny: Path) -> None:
    recipe, _ = read(
        tiny,
        [
            "--transfer.views.scale",
            "[0.5, 0.75]",
            "--objective.temperature=2",
            "--workers",
            "3",
            "--student.variant",
            "shallow",
            "--prepare.root",
            "/cache",
            "--teach.optimization.weight_decay",
            "1e-2",
        ],
    )
    assert recipe.transfer.views.scale == (0.5, 0.75)
    assert recipe.objective.temperature == 2.0 and recipe.workers == 3
    assert recipe.student.variant == "shallow" and recipe.prepare.root == Path("/cache")
    assert recipe.teach.optimization.weight_decay == 0.01
    assert recipe.name == "tiny"


def test_trainer_keys_are_lightnings(tiny: Path, tmp_path: Path) -> None:
    recipe, _ = read(
        tiny,
        [
            "--trainer.max_steps",
            "3",
            "--trainer.logger",
            "lightning.pytorch.loggers.CSVLogger",
            "--trainer.logger.save_dir",
            str(tmp_path / "logs"),
        ],
    )
    logger = recipe.trainer["logger"]
    assert recipe.trainer["max_steps"] == 3 and recipe.trainer["accelerator"] == "cpu"
    assert logger["class_path"] == "lightning.pytorch.loggers.CSVLogger"
    assert logger["init_args"]["save_dir"] == str(tmp_path / "logs")


def test_an_unknown_key_is_answered_with_the_valid_ones(tiny: Path, tmp_path: Path) -> None:
    keys = [
        f"transfer.{field.name}" for field in dataclasses.fields(Stage) if field.name not in ("views", "optimization")
    ]
    wrong = changed(tmp_path, transfer={"epoch": 3})
    messages = [complaint(tiny, "--transfer.epoch", "3"), complaint(tiny, "--transfer.epoch=3"), complaint(wrong)]
    for message in messages:
        assert "unknown key transfer.epoch." in message
        assert all(key in message for key in keys)
    assert str(wrong) in messages[2]
    assert "Valid: transfer.views.brightness, " in complaint(tiny, "--transfer.views.tilt", "2")
    assert "trainer.devices" in complaint(tiny, "--trainer.max_epochs", "2")  # the stage's, not Lightning's
    assert "teacher.model" in complaint(tiny, "--teacher.file", "x.onnx")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pretrain.epochs", "0"),
        ("fine_tune.clip", "0"),
        ("transfer.views.ratio", "0.5"),
        ("probe.views.scale", "[2.0, 3.0]"),
        ("teach.optimization.learning_rate", "-1"),
        ("pretrain.teacher_top", "0"),
        ("data.people", "0"),
        ("web.wrong", "1.5"),
        ("objective.temperature", "0"),
    ],
)
def test_a_value_out_of_range_is_named_by_its_whole_key(tmp_path: Path, key: str, value: str) -> None:
    path = write_recipe(tmp_path, TINY | {"web": {"name": "rendered_dogs"}})
    with pytest.raises(DistillError, match=f"^{key}[ :]"):
        read(path, [f"--{key}={value}"])


@pytest.mark.parametrize("section", ["data", "unlabelled", "web"])
def test_what_a_source_lacks_is_named_by_the_section_it_is_of(tmp_path: Path, section: str) -> None:
    recipe, nowhere = read(write_recipe(tmp_path))[0], tmp_path / "nowhere"
    with pytest.raises(DistillError, match=rf"^{section}\.root: .*nowhere is not a directory"):
        open_sets(dataclasses.replace(recipe, **{section: Folder(root=nowhere)}), tmp_path / "data")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "a.png").write_bytes(b"no picture")
    with pytest.raises(DistillError, match=f"^{section}: 1 of 1 pictures are bad"):
        open_sets(dataclasses.replace(recipe, **{section: Folder(root=damaged)}), tmp_path / "data")


@pytest.mark.parametrize("key", ["--see", "--wokers", "--stage"])
def test_an_unknown_section_is_answered_with_the_valid_ones(tiny: Path, key: str) -> None:
    message = complaint(tiny, key, "3")
    assert f"unknown key {key[2:]}." in message
    assert all(field.name in message for field in dataclasses.fields(Recipe) if field.name != "name")


def test_an_unknown_section_of_the_file_is_named(tmp_path: Path) -> None:
    for content in (1, {"a": 1}):
        message = complaint(changed(tmp_path, extra=content))
        assert "changed.yaml: unknown key extra." in message and "transfer" in message


def test_an_unknown_variant_is_answered_with_the_valid_ones(tiny: Path, tmp_path: Path) -> None:
    for section, registry in VARIANTS.items():
        message = complaint(tiny, f"--{section}", "nonsense")
        assert f"{section}.name" in message and "'nonsense'" in message
        assert all(name in message for name in registry.names() if "*" not in name)
    assert "data.name is 'celebra'. Did you mean celeba? Expected one of" in complaint(tiny, "--data", "celebra")
    assert "Expected one of celeba" in complaint(changed(tmp_path, data={"name": "imagenet"}))


def test_a_wrong_value_is_answered_with_what_was_expected(tiny: Path, tmp_path: Path) -> None:
    message = complaint(tiny, "--objective.name", "mse")
    assert "objective.name" in message and all(name in message for name in OBJECTIVES.names())
    for path, arguments in (
        (tiny, ["--transfer.epochs", "many"]),
        (changed(tmp_path, transfer={"epochs": "many"}), []),
    ):
        message = complaint(path, *arguments)
        assert "transfer.epochs" in message and "int" in message and "many" in message
    assert "epochs is 0" in complaint(tiny, "--transfer.epochs", "0")
    assert "student.width" in complaint(tiny, "--student.width", "1.5")
    assert "learning_rate is -1.0" in complaint(tiny, "--teach.optimization.learning_rate=-1")


@pytest.mark.parametrize("chosen", [("onnx", "--teacher.file", "x.onnx"), ("stored", "--teacher.root", "x")])
def test_stages_that_make_a_teacher_are_left_out_for_one_that_is_ready(tiny: Path, chosen: tuple[str, ...]) -> None:
    assert read(tiny)[0].stages == ("teach", "transfer")
    assert read(tiny, ["--teacher", *chosen])[0].stages == ("transfer",)


def test_a_recogniser_is_named_by_its_network(tiny: Path) -> None:
    path = ["--teacher.weights", "x.pt", "--stages", "[transfer]"]
    assert read(tiny, ["--teacher", "iresnet100", *path])[0].teacher == Iresnet("iresnet100", Path("x.pt"))
    assert read(tiny, ["--teacher", "inception_resnet_v1", *path])[0].teacher == InceptionResnetV1(weights=Path("x.pt"))
    assert "iresnet18 gives embeddings and has no classifier; leave `teach` out" in complaint(
        tiny, "--teacher", "iresnet18"
    )


def test_faces_are_aligned_by_a_template_or_a_file(tiny: Path) -> None:
    assert read(tiny)[0].prepare.align is None
    assert read(tiny, ["--prepare.align", "celeba"])[0].prepare.align == "celeba"
    assert read(tiny, ["--prepare.align", "faces.csv"])[0].prepare.align == Path("faces.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1", "not YAML"),
        ("data: {name: [a]}", "data.name is ['a'], expected one of"),
        ("- 1", "expected keys and values, found list"),
        ("", "expected keys and values, found NoneType"),
        ("data: celeba", "data is 'celeba', expected keys and values: {name: celeba}"),
        ("data: {name: celeba}", "has no section `teacher`"),
        ("data: {root: x}", "has no section `data`"),
        ("data: {name: celeba}\nteacher: {name: timm}", "required: teacher.model"),
        ("data: {name: celeba}\nteacher: {name: timm, model: a}\ntransfer: 5", "transfer is 5, expected keys"),
        ("data: {name: celeba}\nteacher: {name: onnx, file: a}\nstages: 5", "stages"),
        (
            "data: {name: celeba}\nteacher: {name: onnx, file: a}\nstages: transfer",
            "stages is 'transfer', expected a list",
        ),
        ("data: {name: celeba}\nteach: {}\ndata: {}", "not YAML (data is written twice"),
        ("data: {name: celeba, root: a, root: b}", "not YAML (root is written twice"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert reason in complaint(path)


def test_a_list_without_brackets(tiny: Path) -> None:
    assert (
        complaint(tiny, "--stages", "teach,transfer")
        == "stages is 'teach,transfer', expected a list: '[teach,transfer]'."
    )
    assert read(tiny, ["--stages", "[teach,transfer]"])[0].stages == ("teach", "transfer")


def test_the_recipe_kept_in_a_run_directory_goes_by_the_runs_name(tiny: Path, tmp_path: Path) -> None:
    recipe, text = read(tiny)
    places = RunDirectory.claim(tmp_path / "run", recipe.name, text)
    assert read(places.root / "recipe.yaml") == (recipe, text)
    assert RecipeReader(str(places.root / "recipe.yaml")).out == tmp_path / "run"
    assert RecipeReader(str(tiny)).out == Path("runs/tiny")
    places.marker.unlink()
    assert read(places.root / "recipe.yaml")[0].name == "recipe"


def test_a_recipe_that_does_not_exist(tmp_path: Path) -> None:
    assert "no such recipe file. Recipes that ship: face_attributes" in complaint(tmp_path / "none.yaml")
    with pytest.raises(DistillError, match=r"'face_attribute': expected one of face_attributes"):
        RecipeReader("face_attribute")


def test_a_home_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    content = TINY | {"prepare": {"root": "~/sets"}, "teacher": {"name": "onnx", "file": "~/teacher.onnx"}}
    recipe, text = read(
        write_recipe(tmp_path, content | {"stages": ["transfer"]}), ["--data", "folder", "--data.root=~/in"]
    )
    assert recipe.prepare.root == tmp_path / "sets"
    assert recipe.teacher.file == tmp_path / "teacher.onnx" and recipe.data.root == tmp_path / "in"
    assert "~" not in text
    assert str(read(write_recipe(tmp_path), ["--prepare.root=~nobody-is-called-so/p"])[0].prepare.root).startswith("~")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--teacher", "onnx", "--teacher.file", "x.onnx", "--teacher.channels", "grb"],
            r"^teacher\.channels is grb, expected one of rgb, bgr, or null\.$",
        ),
        (
            ["--trainer.logger", "Nonsense"],
            r'^trainer\.logger is "Nonsense": Expected a dot import path string: "Nonsense"',
        ),
        (
            ["--trainer.callbacks", '[{"class_path": "EarlyStopping"}]'],
            r"the following arguments are required: monitor\.$",
        ),
    ],
)
def test_a_value_of_none_of_several_types_is_told_in_a_line(arguments: list[str], said: str) -> None:
    with pytest.raises(DistillError, match=said) as caught:
        RecipeReader("stanford_dogs").read(arguments)
    assert len(str(caught.value)) < 450


def test_faces_are_found_by_keys_of_their_own(tiny: Path) -> None:
    given = ["--prepare.align.name", "detect", "--prepare.align.file", "d.onnx", "--prepare.align.face", "central"]
    expected = Detect(file=Path("d.onnx"), face="central")
    recipe, text = read(tiny, given)
    assert recipe.prepare.align == expected
    assert yaml.safe_load(text)["prepare"]["align"]["file"] == "d.onnx"
    assert read(tiny, ["--prepare.align", '{"name": "detect", "file": "d.onnx", "face": "central"}'])[0] == recipe


def test_a_csv_of_landmarks_that_is_there_is_no_recipe(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "faces.csv"
    file.write_text("file,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\na.jpg,1,1,2,1,1.5,2,1,3,2,3\n")
    assert read(tiny, ["--prepare.align", str(file)])[0].prepare.align == file


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["--prepare.align.name", "detect"], r"^prepare\.align\.file: not set.*YuNet, SCRFD or RetinaFace"),
        (["--prepare.align.fil", "x"], r"^unknown key prepare\.align\.fil\. Did you mean prepare\.align\.file"),
        (["--prepare.align.name", "find"], r"^prepare\.align\.name: Expected a .*detect.*find"),
        (["--prepare.align.file", "x", "--prepare.align.side", "y"], r"^prepare\.align\.side: Expected a .*int.*y"),
        (["--prepare.align", "{name: detect, fil: x}"], r"^prepare\.align is .*expected keys and values, of the keys"),
        (["--evaluate.lfw_aligned", "x"], r"^evaluate\.lfw_aligned: .*evaluate\.align\.name detect"),
    ],
)
def test_what_faces_cannot_be_found_with(tiny: Path, keys: list[str], said: str) -> None:
    with pytest.raises(DistillError, match=said):
        read(tiny, keys)
