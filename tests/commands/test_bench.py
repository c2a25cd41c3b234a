"""`distill bench` compares ways of doing the same work."""

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from distill import cli
from distill.benchmarks import boxes, cells, work
from distill.benchmarks.loader import rates
from distill.benchmarks.ways import Way
from distill.commands import bench
from distill.commands.bench import RATIOS, WAYS
from distill.cost import count
from distill.data.prepared.pictures import Pictures
from distill.data.rendered.faces import RenderedFaces
from students.mobilenet_v1 import mobilenet_v1

SMALL = ["--steps", "5", "--batch-size", "4", "--resolution", "32", "--device", "cpu", "--rounds", "1"]


@pytest.mark.parametrize("what", ["step", "transfer"])
def test_it_prints_and_writes_times_and_their_ratios(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    assert cli.main(["bench", what, *SMALL, "--json", str(tmp_path / "bench.json")]) == 0
    shown, found = capsys.readouterr().out, json.loads((tmp_path / "bench.json").read_text())
    assert found["ratios"].keys() == RATIOS[what].keys()
    for name, (above, below) in RATIOS[what].items():
        seconds = found["seconds_a_step"]
        assert found["ratios"][name] == pytest.approx(sum(seconds[n] for n in above) / sum(seconds[n] for n in below))
        assert f"{name}: {found['ratios'][name]:.3f}" in shown
    for name, seconds in found["seconds_a_step"].items():
        assert found["pictures_a_second"][name] == pytest.approx(4 / seconds)
    assert found["teacher_over_student_mult_adds"] == pytest.approx(10, rel=0.05)


def test_a_step_of_boxes_beside_a_bare_loop_and_its_matching(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    small = [*SMALL, "--resolution", "64", "--width", "0.1", "--json", str(tmp_path / "bench.json")]
    assert cli.main(["bench", "boxes", *small]) == 0
    shown, found = " ".join(capsys.readouterr().out.split()), json.loads((tmp_path / "bench.json").read_text())
    seconds = found["seconds_a_step"]
    assert list(seconds) == list(WAYS["boxes"]) and 0 < seconds["matching"] < seconds["bare loop"]
    for name, other in (("distill", "bare loop"), ("matching", "bare loop")):
        assert found["ratios"][f"{name} / {other}"] == pytest.approx(seconds[name] / seconds[other])
    assert found["student"] == "ssd_mobilenet_v1_0.1_64" and found["student"] in shown
    assert 0 < found["boxes_a_picture"] <= 6 and found["scenes_a_second_of_one_core"] > 0


def test_what_many_cells_take_beside_a_classifier_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MANY", 2_000)
    torch.set_num_threads(1)
    written = tmp_path / "bench.json"
    assert cli.main(["bench", "cells", *SMALL, "--resolution", "32", "--width", "0.1", "--json", str(written)]) == 0
    found = json.loads(written.read_text())
    seconds = found["seconds_a_step"]
    assert found["ratios"] == {
        "distill / classifier alone": pytest.approx(seconds["distill"] / seconds["classifier alone, bare loop"])
    }
    assert "what 2,000 cells take more than 1,000" in " ".join(capsys.readouterr().out.split())


def test_both_loops_of_boxes_end_with_the_same_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the schedule they are one training: the first losses are the same to the last bit."""
    torch.set_num_threads(1)
    losses: dict[str, list[float]] = {"bare": [], "lightning": []}
    work = boxes.BoxWork.make(tmp_path, 4, 64, torch.device("cpu"), width=0.1)
    call = boxes.BoxImitation.__call__
    for name, way in (("bare", boxes.bare_boxes), ("lightning", boxes.boxes_in_lightning)):

        def watched(*arguments: Any, name: str = name) -> dict[str, Tensor]:
            parts = call(*arguments)
            losses[name].append(float(parts["loss"].mean()))
            return parts

        monkeypatch.setattr(boxes.BoxImitation, "__call__", watched)
        assert way(work, 5) > 0
    assert len(losses["bare"]) == len(losses["lightning"]) == 5
    assert losses["bare"][0] == losses["lightning"][0] and len(set(losses["bare"])) == 5


def test_ways_take_turns_in_every_order_and_each_keeps_its_own_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def way(name: str, seconds: float) -> Way:
        def taken(work: object, steps: int) -> float:
            order.append(name)
            return seconds * len(order)

        return taken

    monkeypatch.setitem(bench.WAYS, "step", {"a": way("a", 1), "b": way("b", 10), "c": way("c", 100)})
    monkeypatch.setitem(bench.RATIOS, "step", {"c / a": (("c",), ("a",))})
    place = tmp_path / "bench.json"
    assert cli.main(["bench", "step", *SMALL, "--rounds", "4", "--json", str(place)]) == 0
    assert order == [*"abc", *"bca", *"cab", *"abc"]
    # a came 1st, 6th, 8th and 10th, b 2nd, 4th, 9th and 11th, c 3rd, 5th, 7th and 12th
    found = json.loads(place.read_text())
    assert found["seconds_a_step"] == {"a": 7, "b": 65, "c": 600}
    assert found["ratios"] == {"c / a": pytest.approx(100 * (7 / 8 + 12 / 10) / 2)}  # beside 3 / 1 and 5 / 6


def test_a_teacher_of_timm_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    assert cli.main(["bench", "step", *SMALL, "--teacher", "test_resnet"]) == 0
    shown = capsys.readouterr().out
    ratio = float(shown.split("teacher: test_resnet, ")[1].split()[0])
    outputs = len(RenderedFaces().classes())
    student = count(mobilenet_v1(work.STUDENT_WIDTH, 32, outputs), 32, 32).mult_adds
    teacher = count(timm.create_model("test_resnet", num_classes=outputs), 32, 32).mult_adds
    assert ratio == pytest.approx(teacher / student, abs=0.051)
    assert cli.main(["bench", "step", *SMALL, "--teacher", "test_resnett"]) != 0
    assert "Close to it: test_resnet" in capsys.readouterr().err
    assert cli.main(["bench", "step", *SMALL, "--teacher", "test_vit"]) == 2
    assert "--teacher test_vit: takes only 160 x 160 pixels, not 32" in capsys.readouterr().err


def test_a_student_of_another_width(capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    assert cli.main(["bench", "step", *SMALL, "--width", "0.5"]) == 0
    outputs = len(RenderedFaces().classes())
    costs = [count(mobilenet_v1(width, 32, outputs), 32, 32).mult_adds for width in (work.TEACHER_WIDTH, 0.5)]
    shown = " ".join(capsys.readouterr().out.split())
    assert f"student: MobileNet 0.5; teacher: mobilenet_v1_0.84, {costs[0] / costs[1]:.1f} times its" in shown
    assert cli.main(["bench", "step", *SMALL, "--width", "1.5"]) == 2
    assert "width" in capsys.readouterr().err


def test_all_show_the_student_the_same_views(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    seen: list[list[Tensor]] = []
    create = work.mobilenet_v1

    def watched(width: float, *arguments: int) -> nn.Module:
        student = create(width, *arguments)
        if width == work.STUDENT_WIDTH:
            views: list[Tensor] = []
            seen.append(views)
            student.register_forward_pre_hook(lambda module, inputs: views.append(inputs[0]))
        return student

    monkeypatch.setattr(work, "mobilenet_v1", watched)
    assert cli.main(["bench", "transfer", *SMALL]) == 0
    taught = [views for views in seen if len(views) == 5]
    assert len(taught) == len(WAYS["transfer"]) - 1  # all but the teacher alone
    for views in taught[1:]:
        assert all(torch.equal(one, two) for one, two in zip(taught[0], views, strict=True))
        assert views[0].shape == (4, 3, 32, 32)


def test_the_loader_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "PICTURES", (2000,))
    monkeypatch.setattr("distill.benchmarks.loader.WORKERS", (0, 1))  # each process takes seconds to begin
    measured: dict[bool, dict[str, float]] = {}  # by whether the pictures are JPEG files

    def watched(pictures: Pictures, **options: Any) -> dict[str, float]:
        encoded = pictures.sets[0].pictures.encoded
        measured[encoded] = rates(pictures, **options)
        return measured[encoded]

    monkeypatch.setattr(bench, "rates", watched)
    assert cli.main(["bench", "loader", *SMALL, "--rounds", "2", "--json", str(tmp_path / "bench.json")]) == 0
    shown, found = capsys.readouterr().out, json.loads((tmp_path / "bench.json").read_text())
    assert [list(views) for views in measured.values()] == [["gathered", "cropped", "coloured"]] * 2
    from_jpeg = {f"{name}, from JPEG": rate for name, rate in measured[True].items()}
    assert found["views_a_second_of_one_core"] == measured[False] | from_jpeg
    assert found["memory"].keys() == {"2000"}
    (digest,) = set(found["replays"].values())
    assert list(found["replays"]) == ["0 workers", "1 workers", "resumed"] and digest in shown
    monkeypatch.setattr(bench, "PICTURES", ())
    monkeypatch.setattr(bench, "replays", lambda *arguments: {"0 workers": "a", "1 workers": "b"})
    assert cli.main(["bench", "loader", *SMALL, "--rounds", "2"]) == 2
    assert "20 views came in other ways" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--steps", "3"], ["--rounds", "0"], ["--batch-size", "0"]])
def test_too_little_to_time_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "step", *arguments]) == 2
    assert "--steps must be above 3" in capsys.readouterr().err


def test_an_exported_file_beside_the_machines_best(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "bench.json"
    assert cli.main(["bench", "export", "--resolution", "32", "--rounds", "1", "--json", str(place)]) == 0
    shown, found = capsys.readouterr().out, json.loads(place.read_text())
    times, ratios = found["milliseconds"], found["ratios"]
    assert ratios["onnx / bare"] == pytest.approx(times["onnx"] / times["bare onnx, preprocessed by numpy"])
    # table 1's network, of 569 M mult-adds at 224 px: all but the classifier grow with the area
    work = 2 * (1.024e6 + (568.7e6 - 1.024e6) / 49)
    rate = work / times["onnx"] / 1e6
    assert ratios["share of sgemm"] == pytest.approx(rate / found["gflops_of_sgemm"], rel=0.01)
    assert f"share of sgemm: {ratios['share of sgemm']:.3f}" in shown and found["peak_bytes"] > 1e8


def test_a_gallery_is_searched_exactly_and_approximately(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "bench.json"
    command = ["bench", "gallery", "--vectors", "2000", "--rounds", "2", "--steps", "5", "--json", str(written)]
    assert cli.main(command) == 0
    found, shown = json.loads(written.read_text()), capsys.readouterr().out
    assert found["vectors"] == 2000 and found["recall"] > 0.95 and min(found["milliseconds"].values()) > 0
    assert f"exact {found['milliseconds']['exact']:.3f} ms a probe" in shown
    assert f"with recall {found['recall']:.4f} of the 10 most alike" in shown
    assert cli.main(["bench", "gallery", "--vectors", "1"]) == 2
