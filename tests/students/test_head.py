"""A student is a body and a head: the parts of timm's networks answer as the whole, and other heads take its place."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import pytest
import timm
import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.weights import write_weights
from students.body import TimmBody
from students.head import HeadedBody, Linear
from students.mobilenet_v1 import MobilenetV1
from students.student import Student, build_student, create_student
from students.timm_student import TimmStudent

SIZE = 64
STUDENTS = [
    MobilenetV1(width=0.1, resolution=SIZE),
    MobilenetV1(width=0.1, resolution=SIZE, variant="shallow", activation="hard_swish"),
    TimmStudent("mobilenetv2_035", SIZE),
    TimmStudent("mobilenetv3_small_050", SIZE),
    TimmStudent("mobilenetv4_conv_small_035", SIZE),
]


class Places(nn.Module):
    """Where something is, and how sure: two tensors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(channels, 3, 1)

    def forward(self, maps: Tensor) -> dict[str, Tensor]:
        found = self.layer(maps).flatten(2)
        return {"places": found[:, :2], "scores": found[:, 2]}


@dataclass(frozen=True)
class PlacesHead:
    takes: Literal["pooled", "maps"] = "maps"

    def build(self, channels: int) -> nn.Module:
        return Places(channels)


def pixels() -> Tensor:
    return torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.full_name)
def test_body_and_linear_head_answer_as_the_whole_network(student: Student) -> None:
    torch.manual_seed(0)
    whole = build_student(student, 5).eval()
    torch.manual_seed(0)
    body = TimmBody(build_student(student, 5)).eval()
    headed = HeadedBody(body, Linear(5)).eval()
    headed.head.load_state_dict(whole.get_submodule("classifier").state_dict())
    with torch.no_grad():
        assert torch.equal(headed(pixels()), whole(pixels()))
        maps = body(pixels())
        assert maps.shape[:2] == (2, body.map_channels) and maps.ndim == 4
        assert body.pool(maps).shape == (2, body.channels)


@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.full_name)
def test_another_head_answers_tensors_by_name(student: Student) -> None:
    network = build_student(student, PlacesHead()).eval()
    with torch.no_grad():
        answers = network(pixels())
        maps = network.get_submodule("body")(pixels())
    assert answers["places"].shape == (2, 2, maps[0, 0].numel()) and answers["scores"].shape == (2, maps[0, 0].numel())


@pytest.mark.parametrize("student", STUDENTS[::2], ids=lambda student: student.full_name)
def test_another_head_starts_from_the_body_of_a_file(
    student: Student, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.manual_seed(0)
    whole = build_student(student, 5)
    write_weights(tmp_path / "whole.safetensors", whole)
    student = replace(cast(Any, student), weights=tmp_path / "whole.safetensors")
    headed = create_student(student, PlacesHead())
    state = whole.state_dict()
    for name, tensor in headed.get_submodule("body.network").state_dict().items():
        assert torch.equal(tensor, state[name])
    assert "left at random: head.layer.weight, head.layer.bias" in caplog.text
    write_weights(tmp_path / "whole.safetensors", headed)  # of a student with that head
    again = create_student(student, PlacesHead())
    assert torch.equal(again.get_parameter("head.layer.weight"), headed.get_parameter("head.layer.weight"))


def test_another_head_starts_from_the_hubs_body(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    published = timm.create_model("mobilenetv2_035", num_classes=0)

    def fetched(
        name: str, outputs: int, allow_new_head: bool, arguments: dict[str, Any]
    ) -> tuple[nn.Module, tuple[()]]:
        assert (name, outputs) == ("mobilenetv2_035", 0)
        return published, ()

    monkeypatch.setattr("students.timm_student.hub_network", fetched)
    network = create_student(TimmStudent("mobilenetv2_035", SIZE, "timm"), PlacesHead())
    assert network.get_submodule("body.network") is published
    assert "does not fit the head of mobilenetv2_035_64; left at random: head.layer.weight" in caplog.text


def test_a_head_of_no_output_is_refused() -> None:
    with pytest.raises(DistillError, match=r"head has 0 outputs, expected at least 1"):
        build_student(STUDENTS[0], 0)
