"""The report of a sweep: its figures, its plots, and how it behaves in a browser."""

import math
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from distill.sweep.axes import cost_axis, score_axis
from distill.sweep.page import write_sweep_report
from tests.helpers.pages import Page

WIDTHS, RESOLUTIONS = (0.5, 0.25), (96, 64)
HOSTILE = 'it\'s <b>"broken"</b> & worse'
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def row(width: float, resolution: int, labels: bool = False) -> dict[str, Any]:
    score = 0.6 + 0.1 * width + resolution / 2000 - 0.02 * labels
    cost = round(4e9 * width**2 * (resolution / 1000) ** 2)
    scored = {"metrics": {"mAP": score}, "intervals": {"mAP": [score - 0.01, score + 0.012]}}
    name = f"width={width},resolution={resolution}{',labels' * labels}"
    file = {**scored, "difference": None, "passed": True}
    return {
        "name": name,
        "keys": {"student.width": str(width), "student.resolution": str(resolution)},
        "learnt_from": "labels" if labels else "teacher",
        "resolution": resolution,
        "directory": f"points/{name}",
        "seconds": 61.0,
        "state": "done",
        "student": {
            "name": f"net_{width}_{resolution}",
            "parameters": round(4e6 * width**2),
            "mult_adds": cost,
            **scored,
            "difference": {"mAP": score - 0.71, "interval": [score - 0.72, score - 0.70]},
        },
        "exports": [
            {"format": "onnx", "file": "export/student.onnx", "bytes": 4 * cost, "latency_ms": cost / 1e7, **file},
            {
                "format": "onnx-int8",
                "file": "export/int8.onnx",
                "bytes": cost,
                "latency_ms": None,
                **file,
                "passed": False,
            },
        ],
    }


def content() -> dict[str, Any]:
    points = [row(width, resolution, labels) for width in WIDTHS for resolution in RESOLUTIONS for labels in (0, 1)]
    kept = ("name", "keys", "learnt_from", "resolution", "directory", "seconds")
    points[3] = {key: points[3][key] for key in kept} | {"state": "failed", "reason": HOSTILE}
    smallest, largest = {"name": "width=0.25,resolution=64"}, {"name": "width=0.5,resolution=96"}
    return {
        "recipe": "face_attributes",
        "seed": 7,
        "metric": "mAP",
        "split": "test",
        "scored": 1048,
        "devices": ["cpu"],
        "data": {"name": "celeba", "fingerprint": "0a", "counts": {"test": 0}},
        "teacher": {
            "name": "teacher_net",
            "parameters": 3_470_000,
            "mult_adds": 431_000_000,
            "metrics": {"mAP": 0.71},
            "intervals": {"mAP": [0.70, 0.72]},
        },
        "points": points,
        "fronts": {
            "mult_adds": [smallest, largest],
            "parameters": [smallest, largest],
            "bytes": [smallest | {"format": "onnx-int8"}],
            "latency_ms": [smallest | {"format": "onnx"}],
        },
        "within": {"1": None, "2": largest["name"], "5": smallest["name"]},
        "differences": [
            {"first": largest["name"], "second": f"{largest['name']},labels", "mAP": 0.02, "interval": [0.01, 0.03]},
            {"first": smallest["name"], "second": largest["name"], "mAP": -0.041, "interval": [-0.05, -0.03]},
        ],
    }


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sweep") / "report.html"
    write_sweep_report(path, content())
    return path


class SweepPage(Page):
    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(path: Path) -> SweepPage:
    return SweepPage(path)


@pytest.mark.parametrize(
    "words",
    [
        "4 students of one teacher from 1.02 M to 9.22 M mult-adds; the best reaches mAP 0.698, the teacher 0.710.",
        "No student is within 1 point of the teacher.",
        "The smallest student within 2 points of the teacher is width 0.5, resolution 96: mAP 0.6980, -0.0120 "
        "[-0.0220, -0.0020] from the teacher's, 9.22 M mult-adds, 2.14 % of the teacher's.",
        "width / resolution mAP Mult-adds Parameters Minus teacher On labels Minus that 0.5 / 96 ● net_0.5_96 0.6980 "
        "[0.6880, 0.7100] 9.22 M 1.00 M -0.0120 [-0.0220, -0.0020] 0.6780 [0.6680, 0.6900] +0.0200 [0.0100, 0.0300]",
        f"failed {HOSTILE}",
        "Teacher teacher_net 0.7100 [0.7000, 0.7200] 431 M 3.47 M",
        "width 0.25, resolution 64 width 0.5, resolution 96 -0.0410 mAP [-0.0500, -0.0300]",
        "onnx-int8 points/width=0.25,resolution=64/export/int8.onnx 0.6570 [0.6470, 0.6690] 1.02 MB -- FAILED",
        "Beside each mark: its width.",
        "celeba , scored on test (1 048 pictures)",
    ],
)
def test_what_was_measured_is_on_the_page(page: SweepPage, words: str) -> None:
    assert words in page.text


def test_nothing_is_fetched(page: SweepPage) -> None:
    for tag, attributes in page.attributes:
        for key in ("src", "href", "srcset", "data", "action", "poster", "xlink:href"):
            if key in attributes:
                assert (attributes[key] or "").startswith("data:"), (tag, attributes[key])
    (policy,) = (a["content"] for _, a in page.attributes if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'; ") and "script-src 'sha256-" in policy
    assert page.open == []


def marks(page: SweepPage, plot: int) -> dict[str, dict[str, str | None]]:
    """The marks of a plot by what they say, in its first scale."""
    opened = [i for i, (tag, a) in enumerate(page.attributes) if tag == "svg" and a.get("class") in ("log", "linear")]
    part = page.attributes[opened[2 * plot] : opened[2 * plot + 1]]
    return {a["aria-label"] or "": a for tag, a in part if tag == "g"}


def test_every_student_and_file_is_drawn(page: SweepPage) -> None:
    networks = marks(page, 0)
    assert len(networks) == 7  # one of eight failed
    assert "width 0.5, resolution 96: mAP 0.6980 [0.6880, 0.7100], 9.22\N{NARROW NO-BREAK SPACE}M mult-adds" in networks
    assert sum("compared" in (one["class"] or "") for one in networks.values()) == 3
    assert [len(marks(page, plot)) for plot in (1, 2, 3)] == [7, 4, 8]  # latency was measured of one format alone


def test_series_differ_in_shape_as_well_as_in_colour(path: Path) -> None:
    legend = re.findall(r'<button type="button" data-series="\d".*?<svg.*?>(.*?)</svg>', path.read_text(), re.DOTALL)
    drawn = [(re.findall(r'fill="(#\w+)"', one)[0], re.sub(r"[^a-z]", "", one.split(" ")[0])) for one in legend[:2]]
    assert drawn[0][0] != drawn[1][0] and drawn[0][1] != drawn[1][1]


def test_marks_lie_where_their_values_are() -> None:
    x = cost_axis([1e6, 1e8], 50, 450, logarithmic=True)
    assert x(1e7) == pytest.approx((x(1e6) + x(1e8)) / 2) and 50 < x(1e6) < x(1e8) < 450
    linear = cost_axis([1e6, 1e8], 50, 450, logarithmic=False)
    assert linear(0) == 50 and linear(5e7) - 50 == pytest.approx(linear(1e8) - linear(5e7))
    y = score_axis([0.6, 0.7], 300, 20)
    assert 20 < y(0.7) < y(0.65) < y(0.6) < 300 and y(0.65) == pytest.approx((y(0.6) + y(0.7)) / 2)


@pytest.mark.parametrize("low", [1e-3, 0.37, 5.0, 123.0, 2.7e6])
@pytest.mark.parametrize("factor", [1.01, 1.5, 4.0, 30.0, 1e4])
def test_ticks_are_few_round_and_on_the_axis(low: float, factor: float) -> None:
    for axis in (cost_axis([low, low * factor], 0, 1, logarithmic) for logarithmic in (True, False)):
        ticks = axis.ticks(7)
        assert 2 <= len(ticks) <= 7 and ticks == sorted(ticks)
        assert all(axis.low <= tick <= axis.high for tick in ticks)
        assert all(len(f"{tick / 10 ** math.floor(math.log10(tick)):g}") <= 5 for tick in ticks if tick)


def test_a_sweep_of_which_nothing_is_done(tmp_path: Path) -> None:
    kept = ("name", "keys", "learnt_from", "resolution", "directory", "seconds")
    points = [{key: row(0.5, 96)[key] for key in kept} | {"state": "not run yet"}]
    nothing = {"metric": None, "split": None, "data": None, "teacher": None, "devices": [], "differences": []}
    write_sweep_report(tmp_path / "report.html", content() | nothing | {"points": points, "fronts": {}, "within": {}})
    assert "No student is finished yet." in SweepPage(tmp_path / "report.html").text


def test_without_a_teacher(tmp_path: Path) -> None:
    points = [row(width, 96) | {"learnt_from": "labels"} for width in WIDTHS]
    alone = {"teacher": None, "within": {}, "differences": [], "points": points}
    write_sweep_report(tmp_path / "report.html", content() | alone)
    text = SweepPage(tmp_path / "report.html").text
    assert text.count("0.6980") == 3 and "Teacher" not in text and "Minus" not in text


def test_students_of_labels_beside_a_teacher_of_none_are_not_marked_as_compared(tmp_path: Path) -> None:
    points = [row(width, 96) | {"learnt_from": "labels"} for width in WIDTHS]
    write_sweep_report(tmp_path / "report.html", content() | {"within": {}, "differences": [], "points": points})
    page = SweepPage(tmp_path / "report.html")
    assert "of one teacher" not in page.text and "Teacher" in page.text
    assert not any("compared" in (one["class"] or "") for one in marks(page, 0).values())


def test_a_file_that_was_not_run_and_a_difference_of_another_metric(tmp_path: Path) -> None:
    sweep = content()
    done = [one for one in sweep["points"] if one["state"] == "done"]
    done[0]["exports"][0] |= {"metrics": {}, "intervals": {}, "passed": None}
    for one in done:
        one["student"]["difference"] = {"accuracy": -0.0597, "interval": [-0.08, -0.04]}
    write_sweep_report(tmp_path / "page.html", sweep)
    page = SweepPage(tmp_path / "page.html")
    assert "not run" in page.text and "0.0597" not in page.text


def test_students_of_one_cost_are_not_drawn_against_it(tmp_path: Path) -> None:
    points = [row(0.5, 96) | {"keys": {"pretrain.loss": loss}} for loss in ("cross_entropy", "other")]
    write_sweep_report(tmp_path / "report.html", content() | {"points": points, "fronts": {}, "within": {}})
    page = (tmp_path / "report.html").read_text()
    assert "2 students of one teacher of 9.22" in page and "<svg" not in page and "Pareto" not in page


def browse(path: Path, profile: Path) -> tuple[str, list[str]]:
    """The page after its script ran, and what the browser's console said."""
    assert CHROMIUM
    ended = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--enable-logging=stderr",
            "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return ended.stdout, [line for line in ended.stderr.splitlines() if "CONSOLE" in line]


USE = """
document.querySelector('[data-axis=linear]').click();
document.querySelector('.legend [data-series="1"]').click();
document.querySelector('figure svg .mark').dispatchEvent(new FocusEvent('focus'));
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_in_a_browser(path: Path, tmp_path: Path) -> None:
    seen, said = browse(path, tmp_path / "profile")
    assert said == [] and 'class="script"' in seen  # its script ran; with such a policy, a request would be an error

    # Used: the policy would stop the hand that tries it out.
    used = re.sub(r"<meta http-equiv.*?>", "", path.read_text()).replace("</body>", f"<script>{USE}</script></body>")
    (tmp_path / "used.html").write_text(used)
    seen, said = browse(tmp_path / "used.html", tmp_path / "profile")
    assert said == [] and "linear-axis" in seen
    (shown, *_) = re.findall(r"<output.*?>(.*?)</output>", seen)
    assert "mAP 0." in shown and 'class="lit"' in seen
    first = seen[seen.index("<figure") : seen.index("</figure>")]
    hidden = re.findall(r'<g class="mark[^>]*data-series="(\d)"[^>]*style="display: none;"', first)
    assert set(hidden) == {"1"} and len(hidden) == 2 * 3

    # A page that does ask for something is found out.
    asking = path.read_text().replace("</body>", '<img src="https://example.org/x.png" alt=""></body>')
    (tmp_path / "asking.html").write_text(asking)
    assert any("example.org" in line for line in browse(tmp_path / "asking.html", tmp_path / "profile")[1])
