"""What a reader is told before any figure."""

from typing import Any, cast

from distill.report.doubts import doubts_of
from distill.report.page import headline
from distill.report.results import Results
from tests.helpers.results import full_results


def results(**student: Any) -> Results:
    content = full_results()
    content["student"] |= student
    return cast(Results, content)


def test_a_student_at_chance_is_said_in_place_of_its_score() -> None:
    content = results(by_chance=0.62, at_chance=True)
    said = "The student is within chance: mAP 0.6312, where blind guesses have 0.6200."
    assert doubts_of(content)[0] == said == headline(content)
    assert doubts_of(results(by_chance=0.1, at_chance=False)) == doubts_of(results())
    assert "reaches" in headline(results(by_chance=0.1, at_chance=False))


def test_a_teacher_at_chance_stands_first_and_stages_after() -> None:
    content = results(by_chance=0.62, at_chance=True)
    assert content["teacher"] is not None
    content["teacher"] |= {"by_chance": 0.62, "at_chance": True}
    content["stages"][0]["doubt"] = "teach is undertrained."
    said = doubts_of(content)
    assert said[0].startswith("The teacher is within chance: mAP 0.6419")
    assert said[1].startswith("The student") and said[2:] == ["teach is undertrained."]
