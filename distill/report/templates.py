"""The one Jinja environment of all pages and cards, with numbers formatted as a reader wants them."""

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from distill import formatting
from distill.evaluation.metric_names import differing_metric

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template(path: Path) -> "Template":
    """The template in a file, wherever it lies; what an .html file is given to show is escaped.

    Raises:
        jinja2.TemplateNotFound: there is no such file.
    """
    return _environment().get_template(str(path))


def plain(text: str) -> str:
    """Text that Markdown and HTML take for nothing else: names come from users' files."""
    return re.sub(r"([\\`*{}\[\]<>|#!&])", r"\\\1", " ".join(text.split()))


@functools.cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader

    environment = Environment(loader=FunctionLoader(_text), autoescape=_is_html, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        score=formatting.score,
        signed=formatting.signed,
        interval=formatting.interval,
        per_cent=formatting.per_cent,
        count=formatting.count,
        magnitude=formatting.magnitude,
        size=formatting.size,
        duration=formatting.duration,
        reading=formatting.reading,
        differing=differing_metric,
        plain=plain,
    )
    return environment


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


def _text(name: str) -> str | None:
    path = Path(name)
    return path.read_text(encoding="utf-8") if path.is_file() else None
