"""What sweep.json says of points that are done, failed, at work and not run."""

from pathlib import Path

import pytest

from distill.sweep.summary import latency, summarise
from tests.sweep.points import leave, results, sweep


def test_every_state_a_point_may_be_in(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3,0.2")
    done, failed, at_work, _ = points
    leave(done, places, results(0.65, 4000))
    places.end(done, 12.5, None)
    places.end(failed, 3.0, "the disk is full")
    content = summarise("tiny", points, places, [at_work])
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
    assert summarise("tiny", points, places, [])["points"][0]["state"] == "done"


def test_fronts_and_the_smallest_within(tmp_path: Path) -> None:
    points, places = sweep(tmp_path, "--student.width", "0.5,0.4,0.3,0.2", labels=True)
    scores = {"0.5": (0.695, 4000), "0.4": (0.699, 3000), "0.3": (0.66, 2000), "0.2": (0.655, 1000)}
    for point in points:
        score, cost = scores[point.keys["student.width"]]
        if point.learnt_from == "teacher":
            leave(point, places, results(score, cost, bytes=5000 - cost, latency_ms={"1": cost / 1e3, "2": 0.1}))
        else:
            leave(point, places, results(0.9, 1, teacher=None))  # better and cheaper than all, and only to compare with
    content = summarise("tiny", points, places, [])
    names = {width: f"width={width}" for width in scores}
    assert content["fronts"]["mult_adds"] == [{"name": names[width]} for width in ("0.2", "0.3", "0.4")]
    assert content["fronts"]["bytes"] == [{"name": names[width], "format": "onnx"} for width in ("0.5", "0.4")]
    assert content["fronts"]["latency_ms"] == [
        {"name": names[width], "format": "onnx"} for width in ("0.2", "0.3", "0.4")
    ]
    assert content["within"] == {"1": names["0.4"], "2": names["0.4"], "5": names["0.2"]}


def test_nothing_done_yet(tmp_path: Path) -> None:
    points, places = sweep(tmp_path)
    content = summarise("tiny", points, places, [])
    assert content["metric"] is None and content["fronts"] == {} and content["within"] == {}


@pytest.mark.parametrize(
    ("file", "milliseconds"), [({}, None), ({"latency_ms": 1.5}, 1.5), ({"latency_ms": {"1": 2.5, "2": 1.0}}, 2.5)]
)
def test_latency_is_read_where_it_was_measured(file: dict[str, object], milliseconds: float | None) -> None:
    assert latency(file) == milliseconds
