"""Relational terms recomputed pair by pair and triplet by triplet in plain Python."""

import math
from collections.abc import Callable
from itertools import combinations, permutations

import pytest
import torch
from torch import Tensor

from distill.objectives.relational import angle_relations, distance_relations

Formula = Callable[[Tensor, Tensor], Tensor]
each_formula = pytest.mark.parametrize("formula", [distance_relations, angle_relations])
Vector = list[float]


def embeddings(seed: int, count: int = 7, dimensions: int = 4) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3


def gradient(formula: Formula, student: Tensor, teacher: Tensor) -> Tensor:
    student = student.clone().requires_grad_()
    formula(student, teacher).backward()
    assert student.grad is not None
    return student.grad


def unit(vector: Vector) -> Vector:
    length = math.sqrt(math.fsum(x * x for x in vector))
    return [x / length for x in vector] if length > 1e-6 else [0.0 for _ in vector]


def minus(a: Vector, b: Vector) -> Vector:
    return [x - y for x, y in zip(a, b, strict=True)]


def huber(x: float) -> float:
    return x * x / 2 if abs(x) <= 1 else abs(x) - 0.5


def mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def plain_distances(student: list[Vector], teacher: list[Vector]) -> float:
    both = []
    for vectors in (student, teacher):
        units = [unit(vector) for vector in vectors]
        distances = [math.dist(a, b) for a, b in combinations(units, 2)]
        both.append([distance / mean(distances) for distance in distances])
    return mean([huber(a - b) for a, b in zip(*both, strict=True)])


def plain_angles(student: list[Vector], teacher: list[Vector]) -> float:
    both = []
    for vectors in (student, teacher):
        units = [unit(vector) for vector in vectors]
        both.append(
            [
                math.fsum(x * y for x, y in zip(unit(minus(a, b)), unit(minus(c, b)), strict=True))
                for a, b, c in permutations(units, 3)
            ]
        )
    return mean([huber(a - b) for a, b in zip(*both, strict=True)])


PLAIN: dict[Formula, Callable[[list[Vector], list[Vector]], float]] = {
    distance_relations: plain_distances,
    angle_relations: plain_angles,
}


@each_formula
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("dimensions", [4, 9])
def test_the_formula_to_1e_12_with_any_dimensions(formula: Formula, seed: int, dimensions: int) -> None:
    student, teacher = embeddings(seed), embeddings(seed + 50, dimensions=dimensions)
    found = formula(student, teacher)
    assert found.shape == () and found.dtype == torch.float64
    assert float(found) == pytest.approx(PLAIN[formula](student.tolist(), teacher.tolist()), rel=0, abs=1e-12)


def test_large_differences_cost_linearly() -> None:
    # one far picture among near ones: its relative distances differ by more than 1 from the teacher's
    angles = torch.tensor([0.0, 0.01, 0.02, 0.03, 0.04, 3.0], dtype=torch.float64)
    student = torch.stack((angles.cos(), angles.sin()), dim=1)
    teacher = embeddings(0, 6)
    found = float(distance_relations(student, teacher))
    assert found == pytest.approx(plain_distances(student.tolist(), teacher.tolist()), abs=1e-12)
    assert found > 0.5


@each_formula
def test_pictures_close_together_have_relations_like_any_others(formula: Formula) -> None:
    """As before training, when a student answers to all pictures nearly alike: its distances count by their mean."""
    near, teacher = embeddings(3, 1) + 1e-4 * embeddings(0), embeddings(1)
    expected = PLAIN[formula](near.tolist(), teacher.tolist())
    assert expected > 0.01
    assert float(formula(near, teacher)) == pytest.approx(expected, rel=1e-6)


@each_formula
def test_gradients_are_those_of_finite_differences(formula: Formula) -> None:
    student, teacher = embeddings(0, 5).requires_grad_(), embeddings(1, 5)
    assert torch.autograd.gradcheck(lambda s: formula(s, teacher), (student,), atol=1e-7)


@each_formula
def test_zero_for_equal_vectors_and_for_a_space_turned_as_a_whole(formula: Formula) -> None:
    teacher = embeddings(0)
    assert float(formula(teacher, teacher)) == 0
    assert (gradient(formula, teacher, teacher) == 0).all()
    turn = torch.linalg.qr(embeddings(5, 4)).Q
    assert float(formula(2 * teacher @ turn, teacher)) == pytest.approx(0, abs=1e-14)
    assert float(formula(embeddings(1), teacher)) > 0.01


@each_formula
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_coincident_and_zero_vectors_give_finite_gradients(formula: Formula, dtype: torch.dtype) -> None:
    teacher = embeddings(1).to(dtype)
    twins = embeddings(0).to(dtype)
    twins[1], twins[2], twins[3] = twins[0], twins[0] * 2, 0
    collapsed = twins[:1].repeat(7, 1)
    for student in (twins, collapsed, torch.zeros_like(twins)):
        assert formula(student, teacher).isfinite()
        assert formula(teacher, student).isfinite()
        assert gradient(formula, student, teacher).isfinite().all()


@each_formula
def test_a_side_of_no_length_counts_as_a_right_angle(formula: Formula) -> None:
    student, teacher = embeddings(0), embeddings(1)
    student[2] = student[0]
    assert float(formula(student, teacher)) == pytest.approx(
        PLAIN[formula](student.tolist(), teacher.tolist()), rel=0, abs=1e-12
    )


@pytest.mark.parametrize(("formula", "least"), [(distance_relations, 2), (angle_relations, 3)])
def test_a_batch_too_small_for_a_relation_costs_nothing_and_can_be_trained_on(formula: Formula, least: int) -> None:
    for count in range(1, least):
        student, teacher = embeddings(0, count), embeddings(1, count)
        assert float(formula(student, teacher)) == 0
        assert (gradient(formula, student, teacher) == 0).all()
    student, teacher = embeddings(0, least), embeddings(1, least)
    assert float(formula(student, teacher)) == pytest.approx(PLAIN[formula](student.tolist(), teacher.tolist()))


@each_formula
def test_it_broadcasts_over_the_terms_of_single_pictures(formula: Formula) -> None:
    student, teacher = embeddings(0), embeddings(1)
    single = torch.arange(7.0, dtype=torch.float64)
    value = formula(student, teacher)
    assert float((single + 0.5 * value).mean()) == pytest.approx(3 + 0.5 * float(value))


@each_formula
def test_autocast_and_half_precision_are_computed_in_single(formula: Formula) -> None:
    student, teacher = embeddings(0).bfloat16(), embeddings(1).bfloat16()
    expected = formula(student.float(), teacher.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = formula(student, teacher)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)
