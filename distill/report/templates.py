"""The pages' templates, with numbers formatted as a reader wants them."""

from pathlib import Path
from typing import TYPE_CHECKING

from distill import formatting
from distill.report.metrics import differing_metric

if TYPE_CHECKING:
    from jinja2 import Template


def template(name: str, directory: Path = Path(__file__).parent) -> "Template":
    """A template of a directory, by default of the one that this file lies in."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(directory), autoescape=True, trim_blocks=True, lstrip_blocks=True)
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
    )
    return environment.get_template(name)
