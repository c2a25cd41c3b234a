"""What an exported file says of itself, and which formats are refused before anything is written."""

from dataclasses import replace

import pytest
from torch import nn

from distill.answers import Boxes
from distill.answers.classes import Softmax
from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.export import onnx
from distill.export.formats import FORMATS, formats_of
from tests.helpers.students import PROBABILITIES, job_of, mild


@pytest.mark.parametrize("kind", [PROBABILITIES, Softmax(PROBABILITIES.classes), Embedding(4)])
def test_a_file_says_what_it_gives_and_whose_answers_it_learnt(kind: Kind) -> None:
    said = job_of(mild(), kind).metadata
    assert said.answers == kind
    assert (said.teacher, said.teacher_fingerprint, said.data_fingerprint) == ("somebody", "0123", "4567")


def test_a_network_that_learnt_to_be_rounded_is_the_one_that_is() -> None:
    job = job_of(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.Flatten()))
    adapted = job.folded
    assert replace(job, adapted=adapted).for_int8 is adapted
    assert job.for_int8 is not adapted


def test_what_is_not_installed_is_named_with_its_extra() -> None:
    lacking = replace(onnx.FORMAT, name="cassette", extra="tapes", modules=("json", "no_such_module_anywhere"))
    with pytest.raises(DistillError, match=r"cassette needs no_such_module_anywhere, .*install '\.\[tapes\]'"):
        lacking.check_installed()
    replace(lacking, modules=("json",)).check_installed()


def test_suppression_is_refused_where_there_is_nothing_to_suppress_and_of_formats_that_lack_it() -> None:
    names = ["onnx", "onnx-int8"]
    assert formats_of(names, Boxes, once=True) == formats_of(names, Boxes)
    with pytest.raises(DistillError, match=r"^export\.nms: answers of the kind softmax .*nothing that is found twice"):
        formats_of(names, Softmax, once=True)
    with pytest.raises(DistillError, match=r"^export\.nms: web has no .*; onnx, onnx-int8, openvino, openvino-int8 "):
        formats_of([*names, "web"], Boxes, once=True)
    assert [entry.name for entry in FORMATS.values() if entry.suppresses] == [*names, "openvino", "openvino-int8"]


def test_formats_are_known_by_name_each_once() -> None:
    assert formats_of(["onnx-int8", "onnx"], Softmax) == [FORMATS["onnx-int8"], FORMATS["onnx"]]
    assert all(name == one.name for name, one in FORMATS.items())
    with pytest.raises(DistillError, match=r"unknown format onx, tiff\. Valid: onnx, onnx-int8"):
        formats_of(["onx", "onnx", "tiff"], Softmax)
    for names in ([], ["onnx", "onnx"]):
        with pytest.raises(DistillError, match="each once"):
            formats_of(names, Softmax)
