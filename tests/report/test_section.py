"""What a task hands the page."""

from pathlib import Path

from distill.report.section import Section, section_parts


def test_text_is_escaped_once_and_markup_of_the_template_stays(tmp_path: Path) -> None:
    file = tmp_path / "own.html"
    file.write_text("  <p>{{ name }}</p>\n{% if more %}\n  <p>more</p>\n{% endif %}\n")
    section = Section("A & B", file, {"name": "<i>", "more": True})
    assert section.body() == "  <p>&lt;i&gt;</p>\n  <p>more</p>"
    later = Section("Later", file, {"name": "&"}, below="agreement")
    (part,) = section_parts([section, later], "files")
    assert part["title"] == "A & B" and part["body"].__html__() == section.body()
    assert [part["title"] for part in section_parts([later, section, later], "agreement")] == ["Later", "Later"]
