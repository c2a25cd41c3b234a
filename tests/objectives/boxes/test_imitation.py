"""A teacher's boxes, and the data's, as what a student has to find: against plain Python, picture by picture."""

from typing import Any

import pytest
import torch
from torch import Tensor

from distill.data.views.targets import RaggedTensor
from distill.errors import DistillError
from distill.objectives.boxes import BoxImitation, LabelledBoxes
from distill.objectives.boxes.classes import hardest
from students.anchors import grid_anchors
from tests.helpers.plain_boxes import cross_entropy, detection, seen, terms

ANCHORS = grid_anchors((4, 2, 1))
CLASSES = 3
COUNTS = [4, 0, 1, 9]  # boxes of each picture
NO_BOXES = 1


def ragged(rows: Tensor, counts: list[int]) -> RaggedTensor:
    return RaggedTensor(rows, torch.tensor([0, *torch.tensor(counts).cumsum(0).tolist()]))


def boxes_at_random(generator: torch.Generator) -> Tensor:
    """Some of them reach over the edges of the view, some lie outside."""
    low = 1.4 * torch.rand(sum(COUNTS), 2, generator=generator, dtype=torch.float64) - 0.4
    size = 0.05 + 0.6 * torch.rand(sum(COUNTS), 2, generator=generator, dtype=torch.float64)
    return torch.cat([low, low + size], dim=1)


@pytest.fixture
def targets() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(sum(COUNTS), CLASSES, generator=generator, dtype=torch.float64) ** 3
    scores[2] = 0.2  # from 0.05 on, and below what is certain
    scores[6] = 0.04
    return {
        "teacher_boxes": ragged(boxes_at_random(generator), COUNTS),
        "teacher_scores": ragged(scores, COUNTS),
        "boxes": ragged(boxes_at_random(generator), COUNTS),
        "box_classes": ragged((torch.arange(sum(COUNTS)) % CLASSES).to(torch.int16), COUNTS),
        "box_ignored": ragged((torch.arange(sum(COUNTS)) % 4 == 1).to(torch.int8), COUNTS),
    }


@pytest.fixture
def student() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    shape = (len(COUNTS), len(ANCHORS))
    return {
        "locations": 2 * torch.randn(*shape, 4, generator=generator, dtype=torch.float64),
        "logits": 2 * torch.randn(*shape, CLASSES, generator=generator, dtype=torch.float64),
        "anchors": ANCHORS.double().expand(*shape, 4),
    }


def by_teacher(targets: dict[str, Any], picture: int, certain: float) -> tuple[list[Any], list[Any]]:
    objects, ignored = [], []
    for box, scores in zip(
        targets["teacher_boxes"][picture].tolist(), targets["teacher_scores"][picture].tolist(), strict=True
    ):
        clipped, share = seen(box)
        if share == 0 or max(scores) < 0.05:
            continue
        if max(scores) >= certain and share >= 0.3:
            objects.append((clipped, scores))
        else:
            ignored.append(clipped)
    return objects, ignored


def by_labels(targets: dict[str, Any], picture: int) -> tuple[list[Any], list[Any]]:
    objects, ignored = [], []
    columns = (targets[name][picture].tolist() for name in ("boxes", "box_classes", "box_ignored"))
    for box, number, marked in zip(*columns, strict=True):
        clipped, share = seen(box)
        if share == 0:
            continue
        if marked or share < 0.3:
            ignored.append(clipped)
        else:
            objects.append((clipped, [float(c == number) for c in range(CLASSES)]))
    return objects, ignored


def plainly(
    student: dict[str, Tensor], wanted: list[tuple[list[Any], list[Any]]], loss: str
) -> list[tuple[float, float]]:
    sums = []
    for picture, boxes in enumerate(wanted):
        parts = (student[name][picture].tolist() for name in ("logits", "locations", "anchors"))
        sums.append(detection(*parts, *boxes, loss))
    return terms(sums)


@pytest.mark.parametrize("class_loss", ["binary", "quality_focal", "plain"])
@pytest.mark.parametrize("certain", [0.3, 0.6])
def test_terms_are_each_pictures_sums_over_the_matches_of_the_mean_picture(
    student: dict[str, Tensor], targets: dict[str, Any], class_loss: Any, certain: float
) -> None:
    parts = BoxImitation(class_loss=class_loss, certain_from=certain, place_weight=2.0)(student, {}, targets)
    assert list(parts) == ["classes", "places", "loss"]
    assert all(values.shape == (len(COUNTS),) for values in parts.values())
    wanted = [by_teacher(targets, picture, certain) for picture in range(len(COUNTS))]
    for picture, (classes, places) in enumerate(plainly(student, wanted, class_loss)):
        assert parts["classes"][picture].item() == pytest.approx(classes, rel=1e-9)
        assert parts["places"][picture].item() == pytest.approx(places, rel=1e-9)
        assert parts["loss"][picture].item() == pytest.approx(classes + 2 * places, rel=1e-9)


def test_the_case_has_all_that_the_rules_are_about(targets: dict[str, Any]) -> None:
    for wanted in (lambda picture: by_teacher(targets, picture, 0.3), lambda picture: by_labels(targets, picture)):
        assert sum(len(wanted(picture)[0]) for picture in range(4)) >= 4
        assert sum(len(wanted(picture)[1]) for picture in range(4)) >= 2


def test_labels_are_a_term_beside(student: dict[str, Tensor], targets: dict[str, Any]) -> None:
    parts = BoxImitation(label_weight=0.5)(student, {}, targets)
    alone = LabelledBoxes()(student, targets, "a test")
    wanted = [by_labels(targets, picture) for picture in range(len(COUNTS))]
    for picture, both in enumerate(plainly(student, wanted, "binary")):
        assert parts["labels"][picture].item() == alone["loss"][picture].item() == pytest.approx(sum(both), rel=1e-9)
    torch.testing.assert_close(parts["loss"], parts["classes"] + parts["places"] + 0.5 * parts["labels"])


def test_labels_that_nobody_gave_are_not_taken_for_background(
    student: dict[str, Tensor], targets: dict[str, Any]
) -> None:
    # By picture: labelled; labelled, and nothing is there; of nobody; of a set whose boxes are of other classes.
    targets["labels"] = torch.tensor([[1, 0, 1], [0, 0, 0], [-1, -1, -1], [0, 1, 0]], dtype=torch.int8)
    for name in ("boxes", "box_classes", "box_ignored"):
        targets[name] = ragged(targets[name].rows[:4], [4, 0, 0, 0])
    learnt = {name: values.requires_grad_() for name, values in student.items() if name != "anchors"}
    parts = BoxImitation(label_weight=0.5)({**student, **learnt}, {}, targets)
    known = plainly(student, [by_labels(targets, picture) for picture in range(len(COUNTS))], "binary")
    assert parts["labels"].tolist() == pytest.approx([sum(known[0]), sum(known[1]), 0, 0], rel=1e-9)
    assert (parts["labels"][:2] > 0).all()
    torch.testing.assert_close(parts["loss"][2:], (parts["classes"] + parts["places"])[2:])  # the teacher still teaches
    parts["labels"].sum().backward()
    for values in learnt.values():
        assert values.grad is not None and not values.grad[2:].any()
    assert LabelledBoxes()(student, targets, "a test")["loss"].tolist() == parts["labels"].tolist()


def test_a_picture_without_boxes_is_three_negatives(student: dict[str, Tensor], targets: dict[str, Any]) -> None:
    parts = BoxImitation()(student, {}, targets)
    background = sorted(cross_entropy(row, [0.0] * CLASSES) for row in student["logits"][NO_BOXES].tolist())
    assert parts["classes"][NO_BOXES].item() == pytest.approx(sum(background[-3:]))
    assert parts["places"][NO_BOXES] == 0


def test_a_batch_without_any_box(student: dict[str, Tensor]) -> None:
    none = [0] * len(COUNTS)
    targets = {
        "teacher_boxes": ragged(torch.zeros(0, 4), none),
        "teacher_scores": ragged(torch.zeros(0, CLASSES), none),
    }
    parts = BoxImitation()(student, {}, targets)
    assert (parts["classes"] > 0).all() and not parts["places"].any()


def test_gradients_reach_what_has_to_find_a_box_and_nothing_is_infinite(
    student: dict[str, Tensor], targets: dict[str, Any]
) -> None:
    targets["teacher_boxes"].rows[0] = torch.tensor([0.2, 0.2, 0.2, 0.4])  # of no area
    learnt = {name: values.requires_grad_() for name, values in student.items() if name != "anchors"}
    BoxImitation()({**student, **learnt}, {}, targets)["loss"].sum().backward()
    assert all(values.grad is not None and values.grad.isfinite().all() for values in learnt.values())
    touched = learnt["locations"].grad.abs().sum(dim=2) > 0  # type: ignore[union-attr]
    assert 0 < touched.sum() < 20 and not touched[NO_BOXES].any()


def test_what_is_half_in_precision_is_scored_in_full(student: dict[str, Tensor], targets: dict[str, Any]) -> None:
    half = {name: values.to(torch.bfloat16) for name, values in student.items()}
    half["anchors"] = student["anchors"].float()
    wide = {name: values.float() for name, values in half.items()}
    single = {name: RaggedTensor(column.rows.float(), column.offsets) for name, column in targets.items()}
    ours, theirs = BoxImitation()(half, {}, single), BoxImitation()(wide, {}, single)
    assert all(ours[name].dtype == torch.float32 and torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_hardest_are_taken_and_ties_count_once() -> None:
    losses = torch.tensor([[1.0, 5.0, 5.0, 5.0, 2.0], [1.0, 2.0, 3.0, 4.0, 9.0]])
    candidates = torch.tensor([[True] * 5, [True, True, True, True, False]])
    assert hardest(losses, candidates, torch.tensor([2, 9])).tolist() == [10, 10]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"class_loss": "focal"}, "objective.class_loss is 'focal', expected one of binary, quality_focal, plain"),
        ({"certain_from": 1.5}, "objective.certain_from is 1.5, expected a number from 0 to 1"),
        ({"least_visible": -0.1}, "objective.least_visible is -0.1, expected a number from 0 to 1"),
        ({"label_weight": -1}, "objective.label_weight is -1, expected 0 or more"),
        ({"place_weight": float("inf")}, "objective.place_weight is inf, expected 0 or more"),
    ],
)
def test_wrong_keys_are_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillError, match=said):
        BoxImitation(**keys)


def test_columns_that_are_missing_are_named(student: dict[str, Tensor], targets: dict[str, Any]) -> None:
    with pytest.raises(DistillError, match=r"objective\.name is boxes, which needs the column teacher_boxes"):
        BoxImitation()(student, {}, {"labels": torch.zeros(4, 3)})
    del targets["box_ignored"]
    with pytest.raises(DistillError, match=r"objective.label_weight is 0.5, which needs the column box_ignored"):
        BoxImitation(label_weight=0.5)(student, {}, targets)


def test_labels_are_asked_for_by_their_weight_alone() -> None:
    assert BoxImitation().needs_labels is None
    assert BoxImitation(label_weight=0.5).needs_labels == "objective.label_weight is 0.5"
