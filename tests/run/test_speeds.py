"""How fast files are said to be, by a clock that is made up."""

from typing import Any

import numpy as np
import pytest

from distill.cost.latency import Latency
from distill.cost.machine import Machine
from distill.run import speeds
from distill.run.speeds import speeds_of
from tests.helpers.running import finished

STEADY, UNSTEADY = Latency(2e-3, (1.9e-3, 2.1e-3)), Latency(3e-3, (2e-3, 5e-3))


class Nothing:
    def run(self, pictures: np.ndarray) -> None:
        return None


def said(monkeypatch: pytest.MonkeyPatch, machine: Machine) -> list[dict[str, Any]]:
    from students.files import load_student

    network, manifest = load_student(finished()[1] / "student")
    monkeypatch.setattr(speeds, "latencies", lambda ways: {way: UNSTEADY if way == (2, 1) else STEADY for way in ways})
    monkeypatch.setattr(speeds.Watch, "machine", lambda self: machine)
    both: Any = {1: Nothing(), 2: Nothing()}
    return speeds_of([both, {}, both], network, manifest)


def test_a_spread_stands_beside_each_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    steady, absent, unsteady = said(monkeypatch, Machine(2, 2, 0.0, 0.5))
    assert absent == {}
    assert steady["latency_ms"] == {"1": 2.0, "2": 2.0} and steady["latency_doubts"] == []
    assert steady["latency_spread_ms"]["1"] == pytest.approx([1.9, 2.1])
    assert unsteady["latency_ms"]["1"] == 3.0 and unsteady["latency_spread_ms"]["1"] == pytest.approx([2.0, 5.0])
    assert unsteady["latency_doubts"] == ["uncertain on 1 thread: the turns of timing differ widely"]


def test_a_pinned_process_is_said_of_each_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for speed in said(monkeypatch, Machine(8, 1, 0.0, 0.5))[::2]:
        assert "the process was pinned to 1 of 8 cores" in speed["latency_doubts"]
        assert "2 threads shared 1 core" in speed["latency_doubts"]
