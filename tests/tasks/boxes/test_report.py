"""What the page and results.json say of errors is what was counted."""

import json
from typing import Any

import numpy as np

from distill.evaluation.boxes.error_kinds import KINDS, error_kinds
from distill.evaluation.boxes.matching import match
from distill.tasks.boxes.report import box_report
from tests.helpers.box_sets import CLASSES, random_set


def test_curves_and_errors_of_each_model_are_told() -> None:
    matches = {role: match(*random_set(seed), CLASSES) for role, seed in (("teacher", 2), ("student", 3))}
    nobody: Any = None  # no picture is shown
    entries, sections = box_report(matches, {}, nobody, np.zeros(0, np.int64))
    assert json.loads(json.dumps(entries)) == entries
    for role, one in matches.items():
        found = error_kinds(one)
        assert list(entries["errors"][role]) == list(KINDS)
        assert {kind: entry["cost"] for kind, entry in entries["errors"][role].items()} == found.costs
        assert {kind: entry["count"] for kind, entry in entries["errors"][role].items()} == found.counts
        assert len(entries["precision_recall"][role]) == 101
    assert [section.title for section in sections] == ["Precision and recall", "What the errors cost", "What was found"]
