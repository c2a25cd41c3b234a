"""The section that a search ends with is YAML, with remarks where others did as well."""

from dataclasses import fields

import yaml

from distill.inspection.hypotheses import NORMALIZATIONS, Hypothesis, parts
from distill.inspection.search import Measured, Outcome
from distill.inspection.section import teacher_section
from teachers.graph_teacher import Graph

KEYS = {one.name for one in fields(Graph)}
BEST = Hypothesis(None, "bgr", NORMALIZATIONS[1], parts((8, 8), (8, 8))[0], "stretch", "bicubic")


def outcome(*level: Hypothesis) -> Outcome:
    return Outcome((Measured(BEST, None),), tuple(Measured(one, None) for one in level))


def test_keys_are_read_back_as_they_were() -> None:
    keys = {
        "name": "onnx",
        "file": "some file.onnx",
        "gives": "softmax",
        **BEST.teacher_keys(KEYS),
        "classes": ("a: b", "ü", "no"),
    }
    lines = teacher_section(keys, outcome(), "crop")
    content = yaml.safe_load("\n".join(lines))
    assert content["teacher"] == {
        "name": "onnx",
        "file": "some file.onnx",
        "gives": "softmax",
        "channels": "bgr",
        "scale": "0..1",
        "interpolation": "bicubic",
        "classes": ["a: b", "ü", "no"],
    }
    assert content["prepare"] == {"fit": "stretch"}


def test_what_was_not_told_apart_stands_on_its_key() -> None:
    from dataclasses import replace

    level = (replace(BEST, normalization=NORMALIZATIONS[0]), replace(BEST, fit="pad"), replace(BEST, channels="rgb"))
    text = "\n".join(teacher_section(BEST.teacher_keys(KEYS), outcome(*level), "stretch"))
    assert "scale: 0..1  # or ImageNet's mean and std: not told apart" in text
    assert "channels: bgr  # or rgb: not told apart" in text
    assert "fit: stretch  # or pad: not told apart" in text


def test_the_recipes_own_fit_is_not_written_again() -> None:
    assert "prepare:" not in teacher_section(BEST.teacher_keys(KEYS), outcome(), "stretch")
