"""What detectors start from: whole ones of their own kind, and the body of any other student."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from distill.files.weights import write_weights
from students.faster_rcnn import FasterRcnnMobilenetV1
from students.head import Boxed
from students.ssd import SsdMobilenetV1
from students.student import build_student, create_student

STUDENTS = [SsdMobilenetV1(width=0.1, resolution=64), FasterRcnnMobilenetV1(width=0.1, resolution=64)]


@pytest.mark.parametrize("former", STUDENTS, ids=lambda student: student.name)
@pytest.mark.parametrize("student", STUDENTS, ids=lambda student: student.name)
def test_a_detector_of_its_own_kind_is_taken_whole_and_of_another_its_body(
    former: Any, student: Any, tmp_path: Path
) -> None:
    trained = build_student(former, Boxed(2))
    write_weights(tmp_path / "student.safetensors", trained)
    network = create_student(replace(student, weights=tmp_path), Boxed(2))
    theirs, ours = trained.state_dict(), network.state_dict()
    same = {name for name, tensor in ours.items() if name in theirs and torch.equal(tensor, theirs[name])}
    assert same == (ours.keys() if former is student else {name for name in ours if name.startswith("body.")})
