"""The page's section on the exported files, which a later export replaces without the rest of the page."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill import formatting
from distill.evaluation.metric_names import differing_metric
from distill.files.atomic import atomic_path
from distill.files.text import read_text
from distill.report.results import ExportedFile, Results
from distill.report.templates import template

TEMPLATE = Path(__file__).with_name("files.html")
_SECTION = re.compile(r'<section id="files">.*?</section>\n?', re.DOTALL)
_BLANK = (
    "difference",
    "largest_difference",
    "cosine",
    "latency_ms",
    "latency_spread_ms",
    "share_of_peak",
    "adapted",
)


def files_section(exports: Sequence[ExportedFile]) -> str:
    """The section, as HTML; without a file an empty one, for a later export to fill.

    Args:
        exports: of results.json.
    """
    files: list[dict[str, Any]] = [{**dict.fromkeys(_BLANK), **file} for file in exports]
    for file in files:
        file["allowed"] = formatting.points(file["tolerance"])
        file["differing"] = differing_metric(file["difference"]) if file["difference"] else None
        file["ms"] = [_milliseconds(file, threads) for threads in ("1", "2")]
    metrics = list(dict.fromkeys(name for file in files for name in file["metrics"]))
    doubts = timing_doubts(exports)
    return template(TEMPLATE).render(files=files, file_metrics=metrics, timing_doubts=doubts)


def timing_doubts(exports: Sequence[ExportedFile]) -> dict[str, list[str]]:
    """What speaks against the times of files, each with the formats it is said of."""
    doubts: dict[str, list[str]] = {}
    for file in exports:
        for doubt in file.get("latency_doubts", ()):
            doubts.setdefault(doubt, []).append(file["format"])
    return doubts


def _milliseconds(file: Mapping[str, Any], threads: str) -> tuple[str, str]:
    """The median on so many threads, and the quartiles."""
    median, spread = (file[key] or {} for key in ("latency_ms", "latency_spread_ms"))
    low_high = [f"{end:.3g}" for end in spread.get(threads, ())]
    return formatting.reading(median.get(threads)), f"[{', '.join(low_high)}]" if low_high else ""


def rewrite_files(path: Path, results: Results) -> None:
    """Put the files of results.json into a page that was written before; a page that is not there is left out.

    Raises:
        DistillError: the place cannot be written to.
    """
    if not path.is_file():
        return
    section = files_section(results["exports"])
    page = _SECTION.sub(lambda _: section, read_text(path, "the report of a run"), count=1)
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
