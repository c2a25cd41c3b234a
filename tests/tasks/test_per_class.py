"""The score of each class on the page: its table, and its plot before it is SVG."""

from pathlib import Path
from typing import Any

import pytest

from distill.report.page import write_report
from distill.tasks import per_class
from distill.tasks.attributes.judging import PRECISION
from distill.tasks.classes.judging import ACCURACY
from tests.helpers.pages import Page
from tests.helpers.results import HOSTILE, full_results


def models() -> dict[str, Any]:
    return {role: full_results()[role] for role in ("teacher", "student")}


def page_of(place: Path, quantity: per_class.Quantity, models: dict[str, Any]) -> Page:
    write_report(place / "report.html", full_results(), {}, [per_class.per_class_section(quantity, models)])
    return Page(place / "report.html")


def test_each_attribute_is_a_line_the_best_of_the_student_first(tmp_path: Path) -> None:
    page = page_of(tmp_path, PRECISION, models())
    lines = (
        "Smiling 611 0.8419 [0.7100, 0.9300] 0.8312 [0.7100, 0.9300] -0.0107 "
        f"{HOSTILE} 99 0.4419 [0.3100, 0.5300] 0.4312 [0.3100, 0.5300] -0.0107"
    )
    assert lines in page.text
    assert "Average precision per attribute" in page.text and "Attribute Positives teacher student" in page.text
    assert "for want of a positive or a negative picture: Bald." in page.text
    alternatives = [attributes["alt"] or "" for tag, attributes in page.attributes if tag == "img"]
    assert any(text.startswith("Average precision of each attribute") for text in alternatives)
    assert page.open == [] and "script" not in page.tags
    assert page.tags.count("table") == page.tags.count("caption")


def test_exclusive_classes_are_ordered_by_their_answers(tmp_path: Path) -> None:
    def one(accuracy: float, precision: float, pictures: int) -> dict[str, Any]:
        return {"accuracy": accuracy, "ap": precision, "interval": [0.1, 0.9], "pictures": pictures}

    student = {"per_class": {"a": one(0.25, 0.9, 4), "b": one(0.5, 0.1, 8)}, "unmeasured": ["c"]}
    page = page_of(tmp_path, ACCURACY, {"student": student})
    assert "Class Pictures student b 8 0.5000 [0.1000, 0.9000] a 4 0.2500" in page.text
    assert "Accuracy per class" in page.text and "for want of a test picture: c." in page.text
    assert "Difference" not in page.text  # of one model there is none


def test_a_class_that_one_model_alone_was_measured_on_has_no_difference(tmp_path: Path) -> None:
    both = models()
    del both["teacher"]["per_class"]["Smiling"]
    assert "Smiling 611 -- 0.8312 [0.7100, 0.9300] --" in page_of(tmp_path, PRECISION, both).text


def test_more_lines_than_a_screen_has_are_folded(tmp_path: Path) -> None:
    both = models()
    for model in both.values():
        model["per_class"] = {f"class_{c}": dict(model["per_class"]["Smiling"]) for c in range(61)}
    assert "All 61 of them" in page_of(tmp_path, PRECISION, both).text


def test_classes_rise_by_the_student_with_chance_marked_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    monkeypatch.setattr(per_class, "to_svg", figures.append)
    measured = {role: model["per_class"] for role, model in models().items()}
    per_class.per_class_plot(measured, PRECISION)
    (axes,) = figures[0].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [HOSTILE, "Smiling"]
    points = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert points["chance"] == [[99 / 1234, 0], [611 / 1234, 1]]
    assert points["teacher"] == [[pytest.approx(0.4419), 0.13], [pytest.approx(0.8419), 1.13]]
    assert points["student"] == [[pytest.approx(0.4312), -0.13], [pytest.approx(0.8312), 0.87]]
    assert axes.get_xlabel() == "average precision, with 95 % interval"
    for values in measured["student"].values():
        del values["negatives"]
    per_class.per_class_plot({"student": measured["student"]}, PRECISION)
    assert "chance" not in [line.get_label() for line in figures[1].axes[0].lines]


def test_of_thousands_the_page_shows_both_ends(tmp_path: Path) -> None:
    """A line and a mark of each of 5,000 attributes made a page of 16 MB."""
    both = models()
    for model in both.values():
        line = model["per_class"]["Smiling"]
        model["per_class"] = {f"attribute_{c}": line | {"ap": (5000 - c) / 5001} for c in range(5000)}
        model["unmeasured"] = [f"lacking_{c}" for c in range(5000)]
    page = page_of(tmp_path, PRECISION, both)
    end = per_class.EACH_END
    shown = [c for c in range(5000) if f"attribute_{c} " in page.text]
    assert shown == [*range(end), *range(5000 - end, 5000)]
    assert "The best 100 and the worst 100 of 5 000; results.json has all" in page.text.replace("\u202f", " ")
    assert "lacking_49, and 4 950 more that results.json names" in page.text.replace("\u202f", " ")
    assert (tmp_path / "report.html").stat().st_size < 1e6
