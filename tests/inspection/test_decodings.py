"""Every way to read a detector's outputs is thought of once, and written as keys of its teacher."""

from dataclasses import fields
from itertools import permutations

from distill.inspection.decodings import STRIDES, Decoding, decodings
from teachers.detector_teacher import OnnxDetector


def test_one_output_is_read_on_grids_and_decoded_in_every_form() -> None:
    found = list(decodings([]))
    assert len(set(found)) == len(found) == 3 + 3 * 2 * 3
    on_grids = [one for one in found if one.strides]
    assert found[: len(on_grids)] == on_grids and {one.scores for one in found} == {one.scores for one in on_grids}
    assert {(one.boxes, one.unit, one.strides) for one in on_grids} == {("cxcywh", "pixels", STRIDES)}


def test_several_outputs_are_read_alone_and_in_every_order() -> None:
    names = ("a", "b", "c", "d")
    read = {one.outputs for one in decodings(names)}
    assert read == {some for count in (1, 2, 3) for some in permutations(names, count)}


def test_the_keys_are_those_of_the_teacher_and_say_nothing_of_what_is_not_there() -> None:
    decoded = Decoding(None, "xyxy", "shares", "classes")
    assert decoded.keys() == {"boxes": "xyxy", "unit": "shares", "scores": "classes"}
    whole = Decoding(("boxes", "scores"), "cxcywh", "pixels", "objectness", (8, 16))
    assert whole.keys().keys() <= {one.name for one in fields(OnnxDetector)} and len(whole.keys()) == 5
    assert str(whole) == "cxcywh on grids of 8, 16 by objectness of boxes and scores"
