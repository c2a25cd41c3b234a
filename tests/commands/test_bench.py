"""`distill bench step` compares two ways of taking the same step."""

import re

import pytest
import torch
from torch import Tensor, nn

from distill import cli
from distill.commands import bench

COMMAND = ["bench", "step", "--steps", "5", "--batch-size", "4", "--resolution", "32"]


def test_it_prints_both_times_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    assert cli.main([*COMMAND, "--rounds", "1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    found = re.search(r"bare loop ([\d.]+) ms, distill ([\d.]+) ms, ratio ([\d.]+)", shown)
    assert found, shown
    loop, lightning, ratio = map(float, found.groups())
    assert ratio == pytest.approx(lightning / loop, rel=0.1)


def test_both_show_the_student_the_same_views(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    seen: list[list[Tensor]] = []
    create = bench.mobilenet_v1

    def watched(**arguments: float) -> nn.Module:
        views: list[Tensor] = []
        seen.append(views)
        student = create(**arguments)
        student.register_forward_pre_hook(lambda module, inputs: views.append(inputs[0]))
        return student

    monkeypatch.setattr(bench, "mobilenet_v1", watched)
    assert cli.main([*COMMAND, "--rounds", "1"]) == 0
    bare, lightning = seen
    assert len(bare) == len(lightning) == 5
    for one, two in zip(bare, lightning, strict=True):
        assert one.shape == (4, 3, 32, 32) and torch.equal(one, two)


@pytest.mark.parametrize("arguments", [["--steps", "3"], ["--rounds", "0"], ["--batch-size", "0"]])
def test_too_little_to_time_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", "step", *arguments]) == 2
    assert "--steps must be above 3" in capsys.readouterr().err
