"""One environment for pages and cards: where templates are found, and what is escaped in them."""

from pathlib import Path

import pytest
from jinja2 import TemplateNotFound

from distill.report.templates import template


def test_pages_escape_and_cards_do_not(tmp_path: Path) -> None:
    for name, shown in (("page.html", "&lt;b&gt; 0.5000\n"), ("card.md", "<b> 0.5000\n")):
        (tmp_path / name).write_text("{% if true %}\n{{ name }} {{ 0.5 | score }}\n{% endif %}\n", encoding="utf-8")
        assert template(tmp_path / name).render(name="<b>") == shown


def test_templates_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.html").write_text(folder)
    assert [template(tmp_path / folder / "own.html").render() for folder in ("one", "other")] == ["one", "other"]
    with pytest.raises(TemplateNotFound, match=r"none\.html"):
        template(tmp_path / "none.html")
