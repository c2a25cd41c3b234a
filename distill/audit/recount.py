"""What a reading of a cell gives: the network is built, counted and read."""

import functools
from fractions import Fraction

import torch

from distill.audit.networks import BUILDERS
from distill.audit.printed import Reading
from distill.cost import Cost, count
from distill.cost.layers import size_text
from students.naming import student_named
from students.student import build_student

BARE = "normalisation and biases"


def recount(reading: Reading, quantity: str) -> Fraction | str | None:
    """The number in the reading's unit, the text of a row of table 1, or None where there is no network."""
    if reading.network is None:
        return None
    cost = _cost(reading.network, reading.resolution, reading.outputs)
    if quantity == "layer":
        return _rows_of_table_1(cost)[reading.index]
    if reading.kind:
        part = getattr(cost.by_kind()[reading.kind], quantity)
        return Fraction(100 * part, sum(getattr(layer, quantity) for layer in cost.layers))
    amount = getattr(cost, quantity)
    if reading.within:
        inside = (layer for layer in cost.layers if layer.name.startswith(f"{reading.within}."))
        amount = sum(getattr(layer, quantity) for layer in inside)
    elif reading.without == BARE:
        amount = cost.weights
    elif reading.without:
        amount -= getattr(cost.by_kind()[reading.without], quantity)
    return amount * Fraction(str(reading.times)) / reading.unit


@functools.cache
def _cost(network: str, resolution: int | None, outputs: int) -> Cost:
    with torch.device("meta"):
        if network in BUILDERS:
            assert resolution is not None  # only a student's name says it
            return count(BUILDERS[network](outputs), resolution, resolution)
        student = student_named(network)
        return count(build_student(student, outputs), student.resolution, student.resolution)


def _rows_of_table_1(cost: Cost) -> list[str]:
    """Type and stride, filter shape and input size; the pooling and the softmax have no weights, but shapes."""
    rows = [f"{layer.type} {layer.filter_shape} on {layer.input_size}" for layer in cost.layers]
    *_, last, classifier = cost.layers
    _, height, width = last.output
    pooling = f"avgpool/s1 {height}x{width} on {size_text(last.output)}"
    return [*rows[:-1], pooling, rows[-1], f"softmax/s1 classifier on {size_text(classifier.output)}"]
