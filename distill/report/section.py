"""A part of the page that a task hands over: the page frames it and knows no more of it than its heading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from distill.report.templates import template

Below = Literal["files", "agreement"]
"""What a section stands below: the exported files, as scores do, or the agreement with the teacher, as details do."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it.

    Attributes:
        title: the heading, as text.
        template: the file of its Jinja template, which lies beside the task's own code. It writes what is within the
            section, may use the page's styles and every filter of `templates`, and fetches nothing: pictures and plots
            are given as `data_uris`.
        variables: what the template is rendered with; text in them is escaped.
        below: the page's own part that it follows.
    """

    title: str
    template: Path
    variables: Mapping[str, Any]
    below: Below = "files"

    def body(self) -> str:
        """What stands below the heading, as HTML."""
        return template(self.template).render(self.variables).rstrip("\n")


def section_parts(sections: Sequence[Section], below: Below) -> list[dict[str, Any]]:
    """What the page's template needs of the sections of one place, in their order."""
    from markupsafe import Markup  # templates have escaped what they were given

    return [{"title": one.title, "body": Markup(one.body())} for one in sections if one.below == below]
