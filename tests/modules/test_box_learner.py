"""Learning to find boxes: from those of the data, and from a teacher's that lie among the targets."""

from typing import Any

import pytest
import torch
from torch import nn
from torchvision.ops import box_iou

from distill.answers import Boxes
from distill.data.views.targets import BatchTargets, RaggedTensor
from distill.errors import DistillError
from distill.modules import BoxLearner, Distiller, Optimization
from distill.modules.training import TrainingModule
from distill.objectives.boxes import BoxImitation, LabelledBoxes
from students.faster_rcnn import FasterRcnnMobilenetV1
from students.ssd import SsdMobilenetV1
from students.student import Student, build_student

STUDENT = SsdMobilenetV1(width=0.1, resolution=64)
TWO_STAGES = FasterRcnnMobilenetV1(width=0.1, resolution=64, proposals=12)
FAST = Optimization(learning_rate=0.01)


def network(student: Student = STUDENT) -> nn.Module:
    torch.manual_seed(0)
    return build_student(student, Boxes(("bright", "dark")).head())


def squares(count: int) -> tuple[torch.Tensor, BatchTargets]:
    """Grey pictures (N, 64, 64, 3), each with a square of 24 pixels, bright or dark, every fifth without one; the data
    and a teacher say where."""
    generator = torch.Generator().manual_seed(1)
    pictures = torch.full((count, 64, 64, 3), 110, dtype=torch.uint8)
    offsets, boxes, classes = [0], [], []
    for picture, (left, top) in zip(
        pictures, torch.randint(0, 40, (count, 2), generator=generator).tolist(), strict=True
    ):
        if len(offsets) % 5:
            classes.append(len(offsets) % 2)
            boxes.append([left / 64, top / 64, (left + 24) / 64, (top + 24) / 64])
            picture[top : top + 24, left : left + 24] = 20 if classes[-1] else 240
        offsets.append(len(boxes))
    numbers = torch.tensor(classes)
    rows = {
        "boxes": torch.tensor(boxes),
        "box_classes": numbers.to(torch.int16),
        "box_ignored": torch.zeros(len(boxes), dtype=torch.int8),
        "teacher_boxes": torch.tensor(boxes),
        "teacher_scores": 0.8 * nn.functional.one_hot(numbers, 2).float(),
    }
    columns = {name: RaggedTensor(values, torch.tensor(offsets)) for name, values in rows.items()}
    return pictures, BatchTargets(columns, {"boxes": "boxes", "teacher_boxes": "boxes"})


def losses_of(module: TrainingModule, targets: dict[str, Any], pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    pixels = pictures.permute(0, 3, 1, 2).float()
    return module.losses(module(pixels), None, targets)  # type: ignore[arg-type]  # which ask for no views


@pytest.mark.parametrize("by_teacher", [False, True])
def test_what_is_learnt_is_found(by_teacher: bool) -> None:
    pictures, targets = squares(20)
    module: TrainingModule
    if by_teacher:
        module = Distiller(network(), None, BoxImitation(), preprocess=STUDENT.preprocess, optimization=FAST)
    else:
        module = BoxLearner(network(), STUDENT.preprocess, FAST)
    optimizer: Any = module.optimization.build(module.learning(), 150)["optimizer"]
    first = losses_of(module, dict(targets), pictures)["loss"].mean().item()
    for _ in range(150):
        loss = losses_of(module, dict(targets), pictures)["loss"].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < first / 4
    with torch.no_grad():
        outputs = module(pictures.permute(0, 3, 1, 2).float())
    answers = Boxes().activate(outputs)
    for picture in range(20):
        known = targets.ragged("boxes")[picture]
        scores, places = answers["scores"][picture].amax(dim=1).max(dim=0)
        if not len(known):
            assert scores < 0.3
            continue
        assert (answers["boxes"][picture, places] - known[0]).abs().max() < 0.08
        wanted = targets.ragged("box_classes")[picture][0]
        assert answers["scores"][picture, places].argmax() == wanted


def test_a_student_of_two_stages_learns_where_to_look_and_what_is_there() -> None:
    pictures, targets = squares(10)
    module = Distiller(network(TWO_STAGES), None, BoxImitation(), preprocess=TWO_STAGES.preprocess, optimization=FAST)
    optimizer: Any = module.optimization.build(module.learning(), 60)["optimizer"]
    first = losses_of(module, dict(targets), pictures)["loss"].mean().item()
    for _ in range(60):
        loss = losses_of(module, dict(targets), pictures)["loss"].mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < first / 4
    with torch.no_grad():
        answers = Boxes().activate(module(pictures.permute(0, 3, 1, 2).float()))
    found = 0
    for picture, known in enumerate(targets.ragged("boxes")[number] for number in range(10)):
        if len(known):
            score, place = answers["scores"][picture].amax(dim=1).max(dim=0)
            right = answers["scores"][picture, place].argmax() == targets.ragged("box_classes")[picture][0]
            near = box_iou(answers["boxes"][picture, place][None], known) > 0.5
            found += bool(score > 0.3 and right and near)
    assert found >= 4  # of eight; untrained it finds none


def test_its_terms_are_those_of_the_loss() -> None:
    pictures, targets = squares(4)
    loss = LabelledBoxes(place_weight=3.0)
    module = BoxLearner(network(), STUDENT.preprocess, FAST, loss=loss)
    parts = losses_of(module, dict(targets), pictures)
    torch.testing.assert_close(parts["loss"], parts["classes"] + 3 * parts["places"])


def test_a_batch_without_boxes_of_the_data_is_refused() -> None:
    pictures, _ = squares(2)
    module = BoxLearner(network(), STUDENT.preprocess, FAST)
    with pytest.raises(
        DistillError, match="a detector learns from labels, which needs the column boxes of boxes; the ba"
    ):
        losses_of(module, {"labels": torch.zeros(2, 2)}, pictures)


def test_no_teacher_is_asked_about_views() -> None:
    class Asked(nn.Module):
        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            raise AssertionError("a teacher was asked")

    pictures, targets = squares(4)
    module = Distiller(network(), Asked(), BoxImitation(), preprocess=STUDENT.preprocess)  # type: ignore[arg-type]
    assert set(losses_of(module, dict(targets), pictures)) == {"classes", "places", "loss"}
