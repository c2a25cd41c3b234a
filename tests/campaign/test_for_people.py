"""Which files have no checksum is written in the campaign and on the page, and they are the same."""

from pathlib import Path, PurePath

import pytest

from tests.campaign.for_people import RUN, SWEEP, is_for_people

PAGE = Path(__file__).parents[2] / "distill" / "files" / "README.md"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("report.html", True),
        ("data/near_duplicates.csv", True),
        ("data/faces-1/ledger.csv", False),
        ("stages/transfer-1/lightning_logs/version_0/metrics.csv", True),
        ("stages/transfer-1/stage.json", False),
        ("results.json", False),
        ("student/config.json", False),
        ("export/README.md", False),
        ("points/width=0.5/report.html", True),
        ("points/width=0.5/results.json", False),
        ("teacher/lock", True),
        ("teacher/teacher.onnx", False),
        ("sweep.json", True),
        ("sweep_of.json", False),
        ("logs/width=0.5.txt", True),
        ("logs/width=0.5.json", False),
    ],
)
def test_places(place: str, expected: bool) -> None:
    assert is_for_people(PurePath(place)) is expected


def test_the_page_lists_the_same() -> None:
    (section,) = (part for part in PAGE.read_text(encoding="utf-8").split("\n## ") if part.startswith("For people"))
    listed = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert listed == [*RUN, *SWEEP]
