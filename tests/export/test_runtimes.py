"""Each optional runtime: its file answers as torch does, says what the ONNX file says, and is refused where broken."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from distill.answers import Boxes, Embedding
from distill.errors import DistillError
from distill.export.format import Job
from distill.export.formats import FORMATS
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.open import open_predictor, student_predictor
from students.manifest import StudentManifest
from students.ssd import SsdMobilenetV1
from students.student import build_student
from tests.helpers.students import NAMES, PROBABILITIES, cosine, job_of, mild, pictures, torch_answers, uneven

SHOWN, CALIBRATED = pictures(8, seed=2), pictures(32, seed=1)
EMBEDDING = Embedding(len(NAMES))
RUNNABLE = [name for name in ("openvino", "openvino-int8", "executorch", "executorch-int8")]
GRAPH = {"openvino-int8": 400_000, "executorch-int8": 200_000}
"""Bytes that the graph of an int8 file may take beside its weights."""


def needed(name: str) -> None:
    for module in FORMATS[name].modules:
        pytest.importorskip(module)


@pytest.mark.parametrize("name", RUNNABLE)
def test_it_answers_as_torch_does(name: str, tmp_path: Path) -> None:
    needed(name)
    one = FORMATS[name]
    job = job_of(uneven(mild()) if one.int8 else mild(), EMBEDDING)
    one.write(job, tmp_path / one.file)
    assert {file.name for file in tmp_path.iterdir()} == set(one.files)
    predictor = open_predictor(tmp_path / one.file)
    answers, expected = predictor(SHOWN)["embeddings"], torch_answers(mild(), SHOWN)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    if one.int8:
        assert cosine(answers, expected) >= 0.985
        weights = sum(4 * parameter.numel() for parameter in mild().parameters())
        size = sum((tmp_path / file).stat().st_size for file in one.files)
        assert size <= 0.27 * weights + GRAPH[name]
    else:
        np.testing.assert_allclose(answers, expected, atol=1e-5)
    assert one.load is not None
    np.testing.assert_allclose(one.load(tmp_path / one.file, 1).run(SHOWN[:1])[0], answers[:1], atol=1e-5)
    assert (predictor.kind, predictor.picture) == (EMBEDDING, (64, 64))


@pytest.mark.parametrize("name", ["openvino", "executorch"])
def test_predictors_of_different_threads_take_turns(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """In ExecuTorch the threads are the process's: a program of those that were there before hangs, or worse."""
    needed(name)
    one = FORMATS[name]
    assert one.load is not None
    one.write(job_of(mild()), tmp_path / one.file)
    predictors = [one.load(tmp_path / one.file, threads) for threads in (1, 1, 2, 2)]
    (expected,) = predictors[0].run(SHOWN[:1])
    for _ in range(20):
        for predictor in predictors:
            np.testing.assert_allclose(predictor.run(SHOWN[:1])[0], expected, atol=1e-5)
    assert "threadpool" not in capfd.readouterr().err


def test_a_signal_after_openvino_models_have_ended_in_any_order_does_no_harm(tmp_path: Path) -> None:
    """In a process of its own, which it kills by SIGSEGV where the signal stack is left to a model that is gone."""
    needed("openvino")
    one = FORMATS["openvino"]
    one.write(job_of(mild()), tmp_path / one.file)
    program = f"""
import os, signal
from pathlib import Path
from distill.predictors.openvino_predictor import OpenvinoPredictor
models = [OpenvinoPredictor(Path({str(tmp_path / one.file)!r}), 1) for _ in range(2)]
signal.signal(signal.SIGCHLD, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGCHLD)
while models:
    models.pop(0)
    os.kill(os.getpid(), signal.SIGCHLD)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "heard\n" * 3), ended.stderr


@pytest.mark.parametrize("name", ["openvino", "executorch", "coreml"])
def test_it_says_of_itself_what_the_onnx_file_says(name: str, tmp_path: Path) -> None:
    needed(name)
    job, one = job_of(mild()), FORMATS[name]
    one.write(job, tmp_path / one.file)
    props = job.metadata.to_props()
    assert json.loads(props["distill.classes"]) == list("abcdefghij")
    assert [json.loads(props[f"distill.{key}"]) for key in ("teacher", "teacher_fingerprint", "data_fingerprint")] == [
        "somebody",
        "0123",
        "4567",
    ]
    if name == "coreml":
        import coremltools

        model = coremltools.models.MLModel(str(tmp_path / one.file), skip_model_load=True)
        assert {key: model.user_defined_metadata[key] for key in props} == props
    else:
        assert open_predictor(tmp_path / one.file).kind.class_names == tuple("abcdefghij")


@pytest.mark.parametrize("name", RUNNABLE)
def test_what_is_no_such_file_is_refused(name: str, tmp_path: Path) -> None:
    needed(name)
    path = tmp_path / FORMATS[name].file
    path.write_bytes(b"<net/>" * 100)
    with pytest.raises(DistillError, match=path.name):
        open_predictor(path)


@pytest.mark.parametrize("name", ["student.xml", "student.pte", "student.tflite"])
def test_a_runtime_that_is_not_installed_names_its_extra(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("openvino", "executorch.extension.pybindings", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DistillError, match=r"is not installed: pip install '\.\["):
        open_predictor(tmp_path / name)


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.extra])
def test_a_format_without_its_runtime_is_refused_before_anything_is_done(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "distill.export.format.find_spec", lambda module: None if module in FORMATS[name].modules else found(module)
    )
    with pytest.raises(DistillError, match=rf"{name} needs .*pip install '\.\[{FORMATS[name].extra}\]'"):
        FORMATS[name].check_installed()


def test_the_web_folder_holds_a_file_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill.export.web.web.write_runtime", lambda directory, package: None)
    one = FORMATS["web"]
    one.write(job_of(mild(), EMBEDDING), tmp_path / one.file)
    assert one.load is not None
    expected = torch_answers(mild(), SHOWN)
    assert cosine(one.load(tmp_path / one.file, None)(SHOWN)["embeddings"], expected) > 0.9999
    assert isinstance(one.load(tmp_path / one.file, None), OnnxPredictor)


def box_student() -> Job:
    """An SSD of 64 px at random whose boxes and scores differ."""
    torch.manual_seed(0)
    config = SsdMobilenetV1(width=0.25, resolution=64)
    network: Any = build_student(config, Boxes(("cat", "dog")).head()).eval()
    with torch.no_grad():
        for predictor in network.predictors:
            predictor.places.bias.normal_(std=2.0)
            predictor.classes.bias.normal_(mean=-1.0)
    kind = Boxes(("cat", "dog"), network.anchors.shape[1])
    return Job(network, StudentManifest(config, kind, config.preprocess, (64, 64), seed=0, teacher="none"), CALIBRATED)


@pytest.mark.parametrize(
    "name",
    [
        *("onnx", "onnx-int8", "openvino", "openvino-int8", "executorch"),
        pytest.param("executorch-int8", marks=pytest.mark.long),  # half a minute to calibrate
    ],
)
def test_boxes_are_decoded_in_float_in_every_file(name: str, tmp_path: Path) -> None:
    needed(name)
    one, job = FORMATS[name], box_student()
    one.write(job, tmp_path / one.file)
    expected = student_predictor(job.network, job.manifest)(SHOWN)
    answers = open_predictor(tmp_path / one.file)(SHOWN)
    assert list(answers) == ["boxes", "scores"] and {k: v.shape for k, v in answers.items()} == {
        k: v.shape for k, v in expected.items()
    }
    worst = {key: np.abs(answers[key] - values).max() for key, values in expected.items()}
    if not one.int8:
        assert worst["boxes"] <= 1e-5 and worst["scores"] <= 1e-5
        return
    # Eight bits of what the predictors give, which an anchor's variances make small. Boxes in eight bits would be off
    # by a hundredth of a side at each step, and anchors of eight bits by a five-hundredth.
    assert worst["scores"] <= 0.03 and worst["boxes"] <= 0.012
    assert np.abs(answers["boxes"] - expected["boxes"]).mean() <= 8e-4


def test_only_what_is_made_of_a_networks_tensors_stays_out_of_openvinos_int8() -> None:
    needed("openvino-int8")
    from distill.export import openvino

    for kind in (PROBABILITIES, EMBEDDING):
        job = job_of(mild(), kind)
        assert openvino._behind_layers(openvino._converted(job, job.folded)) == []
    job = box_student()
    assert len(openvino._behind_layers(openvino._converted(job, job.folded))) >= 4
