"""What sweep.json says of points that are done, failed, at work and not run."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.errors import DistillError
from distill.export.formats import FORMATS
from distill.preprocess.preprocess import Preprocess
from distill.sweep.speeds import time_files
from distill.sweep.summary import Timing, summarise, within
from distill.sweep.words import at_chance_words, within_words
from tests.helpers.points import leave, results, sweep


def test_every_state_a_point_may_be_in(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3,0.2")
    done, failed, at_work, _ = points
    leave(done, places, results(0.65, 4000))
    places.end(done, 12.5, None)
    places.end(failed, 3.0, "the disk is full")
    content = summarise("tiny", points, places, elsewhere=[at_work])
    assert [row["state"] for row in content["points"]] == ["done", "failed", "at work elsewhere", "not run yet"]
    assert content["points"][1]["reason"] == "the disk is full"
    row = content["points"][0]
    assert row["seconds"] == 12.5 and row["student"]["metrics"] == {"mAP": 0.65} and row["keys"] == done.keys
    assert (places.root / row["directory"] / "results.json").exists()
    assert content["metric"] == "mAP" and content["teacher"]["metrics"] == {"mAP": 0.7}
    assert content["split"] == "test" and content["data"]["name"] == "celeba" and content["devices"] == ["cpu"]


def test_a_failure_of_old_does_not_stand_against_results(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    places.end(points[0], 3.0, "it failed once")
    leave(points[0], places, results(0.65, 4000))
    assert summarise("tiny", points, places)["points"][0]["state"] == "done"


def test_results_of_another_version_are_refused(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    leave(points[0], places, results(0.65, 4000) | {"version": 1000})
    with pytest.raises(DistillError, match="is of version 1000"):  # to run over what a later one made would lose it
        summarise("tiny", points, places)


def test_fronts_and_the_smallest_within(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3,0.2", labels=True)
    scores = {"0.5": (0.695, 4000), "0.4": (0.699, 3000), "0.3": (0.66, 2000), "0.2": (0.655, 1000)}
    for point in points:
        score, cost = scores[point.keys["student.width"]]
        if point.learnt_from == "teacher":
            leave(point, places, results(score, cost, bytes=5000 - cost, latency_ms={"1": cost / 1e3, "2": 0.1}))
        else:
            leave(point, places, results(0.9, 1, teacher=None))  # better and cheaper than all, and only to compare with
    content = summarise("tiny", points, places)
    names = {width: f"width={width}" for width in scores}
    assert content["fronts"]["mult_adds"] == [{"name": names[width]} for width in ("0.2", "0.3", "0.4")]
    assert content["fronts"]["bytes"] == [{"name": names[width], "format": "onnx"} for width in ("0.5", "0.4")]
    assert content["fronts"]["latency_ms"] == [
        {"name": names[width], "format": "onnx"} for width in ("0.2", "0.3", "0.4")
    ]
    assert content["within"] == {"1": names["0.4"], "2": names["0.4"], "5": names["0.2"]}


def test_students_of_one_cost_make_no_front(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--transfer.epochs", "1,2")
    for point in points:
        leave(point, places, results(0.69, 4000))
    content = summarise("tiny", points, places)
    assert content["metric"] == "mAP" and content["fronts"] == content["within"] == {}


def test_nothing_done_yet(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    content = summarise("tiny", points, places)
    assert content["metric"] is None and content["fronts"] == {} and content["within"] == {}


def test_what_was_timed_alone_stands_in_place_of_what_was_timed_beside_others(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    slow, quick, untimed = points
    for point in (slow, quick):
        leave(point, places, results(0.6, 1000, latency_ms={"1": 1.0, "2": 0.7}))
    leave(untimed, places, results(0.6, 1000))
    timed = {(slow.name, "onnx"): (3.0, [2.9, 3.1]), (quick.name, "onnx"): (2.0, [1.9, 2.1])}
    content = summarise("tiny", points, places, timing=Timing(timed, ["the machine was busy"]))
    assert [row["exports"][0]["latency_ms"] for row in content["points"]] == [3.0, 2.0, None]
    assert content["points"][0]["exports"][0]["latency_spread_ms"] == [2.9, 3.1]
    assert content["timing_doubts"] == ["the machine was busy"]
    assert content["fronts"]["latency_ms"] == [{"name": quick.name, "format": "onnx"}]
    assert [row["exports"][0]["latency_ms"] for row in summarise("tiny", points, places)["points"]] == [1.0, 1.0, None]


def test_a_latency_that_is_uncertain_is_on_no_front(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    for point in points:
        leave(point, places, results(0.6, 1000, latency_ms={"1": 1.0}))
    timed = {(point.name, "onnx"): (1.0 + place, [0.9, 1.9]) for place, point in enumerate(points)}
    content = summarise("tiny", points, places, timing=Timing(timed))
    # a spread of 1 ms is all of 1 ms, and a third of 3, which is still more than a quarter
    assert [row["exports"][0]["latency_uncertain"] for row in content["points"]] == [True, True, True]
    assert "latency_ms" not in content["fronts"]


def test_files_are_timed_in_their_runtimes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points, places = sweep(tmp_path)
    leave(points[0], places, results(0.6, 1000, latency_ms={"1": 1.0}))
    leave(points[1], places, results(0.6, 1000))  # its run could not time it
    opened: list[tuple[Path, int]] = []
    shapes: list[tuple[int, ...]] = []

    class Sleeps:
        preprocess = Preprocess.imagenet(40, 32)

        def run(self, picture: np.ndarray) -> np.ndarray:
            shapes.append(picture.shape)
            time.sleep(0.004)
            return picture

    def load(path: Path, threads: int) -> Sleeps:
        opened.append((path, threads))
        return Sleeps()

    monkeypatch.setitem(FORMATS, "onnx", replace(FORMATS["onnx"], load=load))
    (((name, file_format), (milliseconds, spread)),) = time_files(points, places).latencies.items()
    assert (name, file_format) == (points[0].name, "onnx") and milliseconds >= 4.0
    assert spread[0] <= milliseconds <= spread[1]
    assert opened == [(places.point(points[0]) / "export" / "student.onnx", 1)] and set(shapes) == {(1, 40, 32, 3)}


def test_how_near_the_smallest_must_be_can_be_said(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3")
    scores = {"0.5": (0.6961, 4000), "0.4": (0.694, 3000), "0.3": (0.66, 2000)}
    for point in points:
        leave(point, places, results(*scores[point.keys["student.width"]]))
    content = summarise("tiny", points, places)
    assert within(content, [0.5, 0.1, 4.0]) == {"0.5": "width=0.5", "0.1": None, "4": "width=0.3"}


def test_a_student_at_chance_is_near_nobody(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3")
    scores = {"0.5": (0.6961, 4000), "0.4": (0.694, 3000), "0.3": (0.69, 2000)}
    for point in points:
        found = results(*scores[point.keys["student.width"]])
        blind = {"by_chance": 0.69, "at_chance": point.keys["student.width"] == "0.3"}
        leave(point, places, found | {"student": found["student"] | blind})
    content = summarise("tiny", points, places)
    assert content["within"]["5"] == "width=0.4" and any("width 0.4" in one for one in within_words(content))
    for row in content["points"]:
        row["student"]["at_chance"] = True
    (sentence,) = within_words(content)
    assert "Every student of the teacher is no better than chance" in sentence
    content["points"][0]["student"]["by_chance"] = 0.002  # of boxes each student has its own
    (sentence,) = at_chance_words(content)
    assert sentence.startswith("Within chance of blind guesses (0.002 to 0.690), so that they say nothing: width 0.5;")
    content["points"][0]["student"] |= {"by_chance": 0.69, "at_chance": False}
    (sentence,) = at_chance_words(content)
    assert sentence.startswith("Within chance of blind guesses (0.690), so")
    assert len(within_words(content | {"teacher": content["teacher"] | {"at_chance": True}})) == 1
