"""Embeddings through a whole run: taught, distilled, verified, exported, searched; and what is refused before it."""

import csv
import functools
import itertools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from distill import cli
from distill.answers import Embedding
from distill.data.prepared.prepared import Prepared
from distill.errors import DistillError
from distill.evaluation.roc import tar_name
from distill.files.schema import misfits
from distill.modules.metric_learner import Triplets
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_session import OnnxSession
from distill.report.results import ExportedFile, ModelResults, Results, read_results
from distill.tasks.embeddings.entries import EmbeddingEntries, EmbeddingScores
from students.files import load_student, save_student
from students.student import build_student
from teachers.graph_teacher import Graph
from tests.helpers.running import TINY, read, run_recipe, without_files, write_recipe
from tests.helpers.schema import together

STAGE = {key: value for key, value in TINY["transfer"].items() if key != "views"}
RECIPE: dict[str, Any] = TINY | {
    "task": "embeddings",
    "data": {"name": "rendered_faces", "train": 64, "validation": 48, "test": 48, "people": 40},
    "teacher": TINY["teacher"] | {"embedding": 12},
    "objective": {"name": "squared_embedding", "distance_weight": 0.5, "angle_weight": 1.0},
    "teach": STAGE,
    "transfer": STAGE,
    "evaluate": {"resamples": 20, "fars": [0.1, 0.01], "chance": "accept"},
}
del RECIPE["fine_tune"]
_PLACES: list[tempfile.TemporaryDirectory[str]] = []


@functools.cache
def finished() -> tuple[Path, Path]:
    """The recipe's file and the directory of a run of it: made once, to be read only."""
    _PLACES.append(tempfile.TemporaryDirectory())
    place = Path(_PLACES[0].name)
    recipe = write_recipe(place, RECIPE, "faces")
    run_recipe(recipe, place / "run")
    return recipe, place / "run"


def results_of(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "results.json").read_text())
    return content


def shown(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """The test pictures and the people on them, read without the code that scores."""
    prepared = Prepared.open(next((out / "data").glob("rendered_faces-*")))
    rows = np.flatnonzero(prepared.splits == 2)
    return prepared.pictures.gather(rows), prepared.identities[rows]


def embeddings_of(file: Path, pictures: np.ndarray) -> np.ndarray:
    """Average of picture and mirror image, of unit length, by onnxruntime alone."""
    session = onnxruntime.InferenceSession(file)
    both = sum(
        session.run(None, {"pictures": np.ascontiguousarray(one)})[0] for one in (pictures, pictures[:, :, ::-1])
    )
    return both / np.linalg.norm(both, axis=1, keepdims=True)


def folder_of_people(place: Path, out: Path, missing: int = 0) -> Path:
    """The test people in LFW's layout, with two folds of pairs."""
    pictures, identities = shown(out)
    places: dict[int, list[int]] = {}
    for row, person in enumerate(identities.tolist()):
        places.setdefault(person, []).append(row)
    people = [person for person, rows in places.items() if len(rows) > 1]
    written = 0
    for person, rows in places.items():
        (place / "images" / f"P{person}").mkdir(parents=True)
        for number, row in enumerate(rows, start=1):
            if person == people[0] and written < missing:
                written += 1
                continue
            Image.fromarray(pictures[row]).save(place / "images" / f"P{person}" / f"P{person}_{number:04d}.jpg")
    lines = ["2\t4"]
    for fold in range(2):
        chosen = people[4 * fold : 4 * fold + 5]
        lines += [f"P{person}\t1\t2" for person in chosen[:4]]
        lines += [f"P{one}\t1\tP{other}\t1" for one, other in itertools.pairwise(chosen)]
    (place / "pairs.txt").write_text("\n".join(lines) + "\n")
    return place


def test_the_file_scores_what_plain_counting_gives() -> None:
    _, out = finished()
    pictures, people = shown(out)
    vectors = embeddings_of(out / "export" / "student.onnx", pictures)
    genuine, impostors = [], []
    for a, b in itertools.combinations(range(len(people)), 2):
        (genuine if people[a] == people[b] else impostors).append(float(vectors[a] @ vectors[b]))
    (export,) = results_of(out)["exports"]
    assert export["counts"]["genuine"] == len(genuine) and export["counts"]["impostors"] == len(impostors)
    for far in (0.1, 0.01):
        allowed = int(far * len(impostors))
        threshold = sorted(impostors, reverse=True)[allowed]  # what is above it accepts `allowed`, none more
        tar = sum(score > threshold for score in genuine) / len(genuine)
        assert export["metrics"][tar_name(far)] == pytest.approx(tar, abs=1.5 / len(genuine))
    cosines = vectors @ vectors.T - 2 * np.eye(len(people))
    several = np.array([np.count_nonzero(people == one) > 1 for one in people])
    cosines[:, ~several] = -2
    found = people[cosines.argmax(axis=1)] == people
    assert export["metrics"]["rank1"] == pytest.approx(found[several].mean(), abs=1.5 / several.sum())
    assert export["passed"] is True and next(iter(export["metrics"])) == "tar@far=1e-1"


def test_results_say_all_that_a_report_needs() -> None:
    _, out = finished()
    results = results_of(out)
    assert [stage["name"] for stage in results["stages"]] == ["teach", "transfer"]
    assert all(0 <= stage["metrics"]["tar@far=1e-1"] <= 1 for stage in results["stages"])
    for role in ("teacher", "student"):
        model = results[role]
        assert model["split"] == "test" and model["counts"]["pictures"] == 48
        roc, histogram = results["roc"][role], results["histograms"][role]
        assert len(roc["far"]) == len(roc["tar"]) <= 400 and roc["far"] == sorted(roc["far"])
        assert sum(histogram["genuine"]) == model["counts"]["genuine"]
        assert sum(histogram["impostor"]) == model["counts"]["impostors"]
        assert results["ranks"][role][0] == model["metrics"]["rank1"]
    difference = results["student"]["metrics"]["tar@far=1e-1"] - results["teacher"]["metrics"]["tar@far=1e-1"]
    assert results["student"]["difference"]["tar@far=1e-1"] == pytest.approx(difference)
    low, high = results["student"]["difference"]["interval"]
    assert low <= high
    old = next(point for point in results["at_teacher_thresholds"] if point["far"] == 0.01)
    assert old["threshold"] == results["teacher"]["fars"]["0.01"]["threshold"]
    assert old["far_measured"] == old["false_accepts"] / old["impostors"]
    assert results["galleries"].keys() == {"student", "teacher", "student in teacher"}
    for model in (results["teacher"], results["student"], *results["exports"]):
        point, counts = model["open_set"]["0.1"], model["counts"]
        assert model["metrics"]["tpir@fpir=1e-1"] == point["true_positives"] / counts["known_probes"]
        assert model["intervals"]["tpir@fpir=1e-1"] == point["tpir_interval"]
        assert point["false_positives"] / counts["unknown_probes"] <= 0.1
        assert counts["known_people"] + counts["known_probes"] + counts["unknown_probes"] == counts["pictures"]
    assert "tpir@fpir=1e-1" in results["galleries"]["student in teacher"]["metrics"]
    assert results["agreement"].keys() == {"transfer", "test"}
    assert results["near_duplicates"]["pictures"] == 0
    with (out / "data" / "near_duplicates.csv").open() as file:
        assert list(csv.reader(file)) == [["transfer", "test"]]
    assert "tar@far=1e-1" in (out / "report.html").read_text()


def test_a_file_of_embeddings_has_no_classes_to_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = finished()
    assert cli.main(["predict", str(out / "export" / "student.onnx"), str(tmp_path)]) == 2
    assert "gives embeddings, which are compared" in capsys.readouterr().err


def test_the_files_say_what_they_give_and_from_which_score_on() -> None:
    _, out = finished()
    _, manifest = load_student(out / "student")
    assert isinstance(manifest.answers, Embedding) and manifest.answers.dimensions == 12
    thresholds = manifest.answers.far_thresholds
    assert thresholds and set(thresholds) == {"0.1", "0.01"}
    # A file compares pictures, and the scores are of pictures with their mirror images.
    pictures, people = shown(out)
    answers = onnxruntime.InferenceSession(out / "export" / "student.onnx").run(None, {"pictures": pictures})[0]
    cosines = np.sort(
        [
            float(answers[i] @ answers[j])
            for i, j in itertools.combinations(range(len(people)), 2)
            if people[i] != people[j]
        ]
    )[::-1]
    for far, threshold in thresholds.items():
        accepted = int(float(far) * len(cosines))
        assert threshold == pytest.approx(cosines[accepted - 1], abs=1e-6)
    scored = results_of(out)["student"]["fars"]
    assert any(abs(scored[far]["threshold"] - threshold) > 1e-6 for far, threshold in thresholds.items())
    metadata = OnnxMetadata.from_props(OnnxSession(out / "export" / "student.onnx").properties)
    assert metadata is not None and metadata.answers == Embedding(12, thresholds)
    embedder = Graph(file=out / "export" / "student.onnx").teacher(Embedding())
    assert embedder.outputs == 12 and embedder.classes is None
    with pytest.raises(DistillError, match="answers embeddings, and this recipe needs 3 classes"):
        Graph(file=out / "export" / "student.onnx").load(3)


def test_a_stored_teacher_teaches_and_scores_what_the_teacher_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, out = finished()
    without_files(monkeypatch)
    views = ["--transfer.epochs", "2", "--transfer.views.count", "2"]
    given = ["--teacher.weights", str(out / "teacher" / "teacher.safetensors"), "--stages", "[transfer]"]
    asked = run_recipe(recipe, tmp_path / "asked", [*views, *given])
    store = ["store", str(recipe), "--out", str(tmp_path / "store"), "--run", str(tmp_path / "asked"), "--views", "2"]
    assert cli.main([*store, "--dtype", "float32", *given]) == 0
    stored = run_recipe(
        recipe, tmp_path / "stored", [*views, "--teacher", "stored", "--teacher.root", str(tmp_path / "store")]
    )
    assert stored["teacher"]["metrics"] == asked["teacher"]["metrics"]
    assert stored["student"]["metrics"] == asked["student"]["metrics"]
    weights = [tmp_path / name / "student" / "student.safetensors" for name in ("asked", "stored")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_lfw_pairs_are_scored_by_folds_and_models_searched_across(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, out = finished()
    lfw = folder_of_people(tmp_path / "lfw", out)
    models = ["--model", str(out / "export" / "student.onnx"), "--gallery-model", str(out / "teacher" / "teacher.onnx")]
    keys = ["--evaluate.lfw", str(lfw), "--evaluate.align", "null", "--evaluate.fars", "[0.125]"]
    written = ["--out", str(tmp_path / "out"), "--json", str(tmp_path / "scores.json")]
    assert cli.main(["evaluate", str(recipe), *models, *keys, *written]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert found["split"] == "lfw" and found["counts"]["pairs"] == 16 and found["folds"]["pairs"] == [8, 8]
    assert next(iter(found["metrics"])) == "accuracy"
    assert found["galleries"].keys() == {"model", "gallery", "model in gallery", "at_gallery_thresholds"}
    shown = capsys.readouterr().out
    assert "accuracy" in shown and f"{models[1]} in {models[3]}: rank1" in shown.replace("\n", "")
    assert not list((tmp_path / "out" / "data").glob("rendered*"))  # a file is scored without the recipe's own pictures


def test_pairs_of_missing_pictures_are_refused_unless_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe, out = finished()
    lfw = folder_of_people(tmp_path / "lfw", out, missing=1)
    command = ["evaluate", str(recipe), "--model", str(out / "student"), "--evaluate.lfw", str(lfw)]
    command += ["--evaluate.align", "null", "--evaluate.fars", "[0.25]", "--out", str(tmp_path / "out")]
    assert cli.main(command) == 2
    assert "1 pictures are missing, which 2 of 16 pairs name" in capsys.readouterr().err
    assert cli.main([*command, "--evaluate.allow_missing", "true"]) == 0


def test_galleries_of_other_dimensions_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, out = finished()
    _, manifest = load_student(out / "student")
    save_student(tmp_path / "other", build_student(manifest.config, 9), replace(manifest, answers=Embedding(9)))
    command = ["evaluate", str(recipe), "--out", str(out), "--model", str(out / "student")]
    command += ["--gallery-model", str(tmp_path / "other")]
    assert cli.main(command) == 2
    error = capsys.readouterr().err
    assert "(48, 12)" in error and "(48, 9)" in error and "projection" in error


def test_a_folder_of_faces_is_transferred_on_and_its_copies_among_the_pairs_are_named(tmp_path: Path) -> None:
    recipe, out = finished()
    lfw = folder_of_people(tmp_path / "lfw", out)
    prepared = Prepared.open(next((out / "data").glob("rendered_faces-*")))
    (tmp_path / "faces").mkdir()
    for row in range(20):
        Image.fromarray(prepared.pictures.gather(np.array([row]))[0]).save(tmp_path / "faces" / f"{row:02d}.png")
    copy = sorted((lfw / "images").glob("*/*_0001.jpg"))[0]
    twin = prepared.pictures.gather(np.array([3]))[0]
    Image.fromarray(twin[:, ::-1]).save(copy, quality=92)  # mirrored, and compressed again
    arguments = ["--data", "folder", "--data.root", str(tmp_path / "faces"), "--stages", "[transfer]"]
    arguments += ["--teacher.weights", str(out / "teacher" / "teacher.safetensors")]
    arguments += ["--evaluate.lfw", str(lfw), "--evaluate.align", "null", "--evaluate.fars", "[0.25]"]
    results = run_recipe(recipe, tmp_path / "run", arguments)
    assert results["data"]["counts"] == {"train": 20, "validation": 0, "test": 0, "transfer": 20}
    assert results["student"]["split"] == "lfw" and results["student"]["difference"].keys() == {"accuracy", "interval"}
    found = results["near_duplicates"]
    assert found["pictures"] == 1
    with (tmp_path / "run" / "data" / "near_duplicates.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows == [["transfer", "lfw"], ["03.png", copy.relative_to(lfw / "images").as_posix()]]
    assert found["student"]["counts"]["pictures"] == len(list(lfw.glob("images/*/*.jpg"))) - 1
    assert found["student"]["counts"]["pairs"] < 16


def celeba(place: Path, people: list[int], splits: list[int]) -> Path:
    """Pictures of CelebA's layout, one for each person and split given."""
    pictures = place / "img_align_celeba"
    pictures.mkdir(parents=True)
    names = [f"{number:06d}.jpg" for number in range(1, len(people) + 1)]
    generator = np.random.default_rng(0)
    for name in names:
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(pictures / name)
    rows = "".join(f"{name} 1\n" for name in names)
    (place / "list_attr_celeba.txt").write_text(f"{len(names)}\nSmiling\n{rows}")
    for file, values in (("list_eval_partition.txt", splits), ("identity_CelebA.txt", people)):
        (place / file).write_text("".join(f"{name} {value}\n" for name, value in zip(names, values, strict=True)))
    return place


@pytest.mark.parametrize(
    ("people", "splits", "message"),
    [
        (
            [4, 4, 7, 7, 7, 9],
            [0, 0, 1, 2, 2, 2],
            r"1 people are in more than one part, .*number 7, in validation and test",
        ),
        ([4, 4, 5, 6, 7, 8], [0, 0, 1, 2, 2, 2], r"test has 0 genuine and 3 impostor pairs, .*evaluate\.lfw"),
        ([4, 4, 5, 7, 7, 8], [0, 0, 1, 2, 2, 2], r"FAR 0\.1 cannot be measured on 2 impostor pairs"),
        ([-1, 4, 5, 7, 7, 8], [0, 0, 1, 2, 2, 2], r"`teach` needs to know the person.*does not say for 1 of 2"),
    ],
)
def test_people_that_cannot_be_scored_are_refused_before_anything_is_trained(
    people: list[int], splits: list[int], message: str, tmp_path: Path
) -> None:
    root = celeba(tmp_path / "celeba", people, splits)
    recipe, _ = finished()
    with pytest.raises(DistillError, match=message):
        run_recipe(recipe, tmp_path / "run", ["--data", "celeba", "--data.root", str(root)])
    assert not (tmp_path / "run" / "stages").exists()


def test_a_teacher_is_taught_where_validation_has_too_few_pairs(tmp_path: Path) -> None:
    root = celeba(tmp_path / "celeba", [4, 4, 5, 5, 6, 7, 7, 8, 8], [0, 0, 0, 0, 1, 2, 2, 2, 2])
    recipe, _ = finished()
    keys = ["--data", "celeba", "--data.root", str(root), "--evaluate.fars", "[0.5]"]
    keys += ["--teach.batch_size", "4", "--transfer.batch_size", "4"]
    with pytest.raises(DistillError, match=r"teach\.keep is best, and celeba has too few pairs .* FAR 0\.5"):
        run_recipe(recipe, tmp_path / "run", [*keys, "--teach.keep", "best"])
    results = run_recipe(recipe, tmp_path / "run", keys)
    assert [stage.get("metrics") for stage in results["stages"]] == [None, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stages", "[teach,fine_tune]"], "fine_tune needs labels of classes"),
        (["--objective.name", "bernoulli_kl"], "objective.name is bernoulli_kl, which is for logits"),
        (
            ["--objective.label_weight", "1"],
            r"unknown key objective\.label_weight \(objective\.name is squared_embedding\)",
        ),
        (["--teach.views.mixup", "0.3"], r"teach\.views: mixup or cutmix shows two people in one picture"),
        (["--teach.drop_rate", "0.1"], "drop_rate"),
        (["--evaluate.fars", "[2]"], r"evaluate\.fars is \[2\.0\]"),
    ],
)
def test_keys_that_embeddings_cannot_have(arguments: list[str], message: str, tmp_path: Path) -> None:
    recipe, _ = finished()
    with pytest.raises(DistillError, match=message):
        run_recipe(recipe, tmp_path / "run", arguments)


def test_attributes_have_no_pairs_and_no_embedding_objective(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    with pytest.raises(DistillError, match=r"evaluate\.lfw: scores embeddings"):
        run_recipe(recipe, tmp_path / "run", ["--evaluate.lfw", str(tmp_path)])
    with pytest.raises(DistillError, match="between embeddings, and the task is attributes"):
        run_recipe(recipe, tmp_path / "run", ["--objective.name", "cosine"])


@pytest.mark.parametrize(
    ("keys", "together"), [([], 1), (["--teach.metric_loss", "triplet", "--teach.together", "5"], 5)]
)
def test_a_loss_of_triplets_meets_people_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: list[str], together: int
) -> None:
    seen: list[Any] = []

    def stop(directory: Path, module: Any, data: Any, *rest: Any) -> None:
        seen.extend([module, data])
        raise KeyboardInterrupt

    monkeypatch.setattr("distill.run.stages.train", stop)
    recipe = write_recipe(tmp_path, RECIPE, "faces")
    with pytest.raises(KeyboardInterrupt):
        run_recipe(recipe, tmp_path / "run", [*keys, "--teach.triplet_margin", "0.3"])
    module, data = seen
    assert data.together == together
    assert isinstance(module.criterion, Triplets) == (together > 1)
    if together > 1:
        assert module.criterion.loss.margin == module.criterion.miner.margin == 0.3


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["--teach.together", "1"], r"together 1, expected .* at least 2 pictures"),
        (["--teach.triplet_margin", "0"], r"teach\.triplet_margin is 0\.0 .* expected a number above 0"),
        (["--task", "attributes", "--teach.metric_loss", "triplet"], r"teach\.metric_loss is triplet: of embeddings"),
    ],
)
def test_triplets_that_cannot_be_are_refused(tmp_path: Path, keys: list[str], said: str) -> None:
    with pytest.raises(DistillError, match=said):
        read(write_recipe(tmp_path, RECIPE, "faces"), keys)


def test_every_key_of_the_results_is_documented() -> None:
    results = read_results(finished()[1] / "results.json")
    own = together("Own", ModelResults, EmbeddingScores), together("OwnFile", ExportedFile, EmbeddingScores)
    models = {"teacher": own[0], "student": own[0], "exports": list[own[1]]}  # type: ignore[misc,valid-type]
    schema = together("AllResults", Results, EmbeddingEntries, TypedDict("Scored", models))  # type: ignore[operator]
    assert list(misfits(results, schema, closed=True)) == []
