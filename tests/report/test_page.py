"""The page holds what was measured, is safe against what users name things, and needs nothing but itself."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from distill.errors import DistillError
from distill.report import terminal
from distill.report.data_uris import picture_uri
from distill.report.files import rewrite_files
from distill.report.page import headline, write_report
from distill.report.section import Section
from tests.helpers.browser import browser
from tests.helpers.pages import Page
from tests.helpers.results import HOSTILE, full_results

CURVES = {
    "teach": [{"step": step, "loss": 10 / (step + 1)} for step in range(900)],
    "transfer": [{"step": 100, "loss": 2.0}, {"step": 100, "val_mAP": 0.5}, {"step": 200, "val_mAP": 0.6, "lr": None}],
}


TEMPLATE = """\
  <p>{{ name }}</p>
  <img src="{{ picture }}" alt="a picture">
"""


@pytest.fixture(scope="module")
def sections(tmp_path_factory: pytest.TempPathFactory) -> list[Section]:
    """Of a task that the page knows nothing of."""
    file = tmp_path_factory.mktemp("task") / "own.html"
    file.write_text(TEMPLATE)
    variables = {"name": HOSTILE, "picture": picture_uri(np.zeros((2, 2, 3), np.uint8))}
    return [
        Section("The last <b>word</b>", file, variables, below="agreement"),
        Section("Sections", file, variables),
        Section("More of them", file, variables),
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, sections: list[Section]) -> Page:
    path = tmp_path_factory.mktemp("run") / "report.html"
    write_report(path, full_results(), CURVES, sections, "data:\n  name: celeba  # https://example.org <b>\n")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]
    return Page(path)


@pytest.mark.parametrize(
    "words",
    [
        "The student reaches mAP 0.631, 98.3 % of the teacher's 0.642, at 1.46 % of its mult-adds.",
        "0.6312 [0.6212, 0.6412] 0.9012 [0.8911, 0.9113] 1 234 pictures test 259 k 8.30 M",
        "mobilenetv2_100 0.6419",
        "on the network named, with its 95 % bootstrap interval over pictures.",
        "student.onnx 0.6311 [0.6201, 0.6401]",
        "-0.0001 [-0.0002, 0.0001] FAILED 0.1 point allowed",
        "uint8 pictures (N, 96, 90, 3), RGB.",
        "its largest centred box of that shape is resized to 64 x 60 (height x width, bilinear) and rounded, and that "
        "to 96 x 90 (bicubic).",
        "minus the mean 0.485, 0.456, 0.406, divided by the deviation 0.229, 0.224, 0.225.",
        f"From there on. Of Threshold Smiling 0.3100 {HOSTILE} 0.7000",
        "Latency of onnx-int8: the machine was <busy>.",
        "1.92 MB 0.0213 0.9871 4.568 [4.5, 4.75] 2.5 [2.25, 2.5] 80.5 %",
        "student.mlpackage -- -- not run",
        "1.00 MB -- -- -- -- --",
        "onnx-int8 : adapted to int8 in 200 steps of quantization-aware distillation; "
        "rounded alone, mAP differed by -0.0312.",
        f"onnx-int8 : an answer differs by 0.021. Most: Smiling -1.2, {HOSTILE}.",
        "coreml : converted, not run.",
        "Student minus teacher: -0.0107 mAP, 95 % interval [-0.0163, -0.0051]",
        "mean mAP 0.6299 , spread 0.0021 (0.6312, 0.6286)",
        "bernoulli kl 0.8123 1.2345",
        "spearman -- 0.8877",
        "prepare 4.2 s",
        "transfer 3 min 05 s val_mAP 0.6252",
        "train 8 432 validation 1 048 test 1 234",
        "named in the ledger 3",
        "name: celeba # https://example.org <b>",
        "seed 7, on cpu",
    ],
)
def test_what_was_measured_is_on_the_page(page: Page, words: str) -> None:
    assert words in page.text


def test_hostile_names_stay_text(page: Page) -> None:
    assert "script" not in page.tags
    assert page.open == []


def test_nothing_is_fetched(page: Page) -> None:
    assert "link" not in page.tags
    for tag, attributes in page.attributes:
        for key in ("src", "href", "srcset", "data", "action", "poster"):
            if key in attributes:
                assert (attributes[key] or "").startswith("data:"), (tag, attributes[key])
    policy = [a["content"] for _, a in page.attributes if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_sections_of_a_task_stand_below_the_part_they_name_in_their_order(page: Page) -> None:
    order = (
        "Exported files",
        f"Sections {HOSTILE} More of them {HOSTILE} Agreement",
        "held out. Measure transfer",
        f"The last <b>word</b> {HOSTILE} Training",
    )
    places = [page.text.index(words) for words in order]
    assert places == sorted(places)
    assert sum(image.startswith(b"\x89PNG") for image in page.images()) == 3


def test_plots_are_drawn_for_every_quantity_recorded(page: Page) -> None:
    alternatives = [attributes.get("alt") or "" for tag, attributes in page.attributes if tag == "img"]
    assert all(alternatives)
    assert sum(image.startswith(b"<?xml") for image in page.images()) == 3
    for start in (
        "loss during teach, from 10 to 0.01111",
        "val_mAP during transfer",
    ):
        assert any(text.startswith(start) for text in alternatives)
    assert not any("lr during" in text for text in alternatives)


def test_tables_have_captions_and_header_cells(page: Page) -> None:
    assert page.tags.count("table") == page.tags.count("caption") == 7
    assert all("scope" in attributes for tag, attributes in page.attributes if tag == "th")


def test_tables_fit_a_screen_of_1280_pixels(tmp_path: Path) -> None:
    """With six metrics and their intervals, as embeddings have."""
    results = full_results()
    names = ("mAP", "tar@far=1e-2", "eer", "tar@far=1e-3", "rank1", "rank5")
    for one in (results["teacher"], results["student"], *results["exports"]):
        one["metrics"] = dict.fromkeys(names, 0.9474)
        one["intervals"] = {key: [0.9332, 0.9603] for key in names}
        if "difference" in one:
            one["difference"] = {names[0]: -0.0228, "interval": [-0.0311, -0.0146]}
    write_report(tmp_path / "report.html", results, CURVES)
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.goto((tmp_path / "report.html").as_uri())
        beyond = "one => [one.querySelector('caption').textContent, one.scrollWidth - one.clientWidth]"
        tables = page.evaluate(f"() => [...document.querySelectorAll('.scroll')].map({beyond})")
    assert len(tables) > 2 and [caption for caption, pixels in tables if pixels > 0] == []


def test_the_same_run_writes_the_same_page(sections: list[Section], tmp_path: Path) -> None:
    for name in ("first.html", "second.html"):
        write_report(tmp_path / name, full_results(), CURVES, sections)
    assert (tmp_path / "first.html").read_bytes() == (tmp_path / "second.html").read_bytes()


def test_a_later_export_replaces_its_section_alone(sections: list[Section], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, full_results(), CURVES, sections)
    before = Page(path).text
    results = full_results()
    scored = {"metrics": {"mAP": 0.5}, "intervals": {}, "tolerance": 0.1, "passed": True}
    results["exports"] = [{"format": "web", "file": "export/web", "bytes": 5, **scored}]
    rewrite_files(path, results)
    after = Page(path)
    assert after.open == [] and "export/web 0.5000" in after.text and "student.onnx" not in after.text
    start, end = before.index("Exported files"), before.index("any batch")
    assert after.text.startswith(before[:start]) and before[end:].partition("converted, not run.")[2] in after.text
    for tolerance, said in ((0.1, "within 0.1 point"), (1.0, "within 1 point"), (40.0, "within 40 points")):
        results["exports"][0]["tolerance"] = tolerance
        rewrite_files(path, results)
        assert f"passed {said}" in Page(path).text
    results["exports"][0]["passed"] = False
    rewrite_files(path, results)
    assert "FAILED 40 points allowed" in Page(path).text
    rewrite_files(tmp_path / "none.html", results)  # a run without a report has none afterwards
    assert not (tmp_path / "none.html").exists()


def test_rendered_data_is_said_to_be(page: Page, tmp_path: Path) -> None:
    note = "Figures on rendered pictures prove the machinery, not performance on photographs."
    assert note not in page.text
    results = full_results()
    results["data"]["name"] = "rendered_faces"
    write_report(tmp_path / "report.html", results, {})
    assert note in Page(tmp_path / "report.html").text


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("agreement", "Agreement of the student with the teacher"),
        ("near_duplicates", "Pictures seen in training"),
        ("seeds", "mean mAP"),
    ],
)
def test_a_part_that_was_not_produced_is_left_out(missing: str, words: str, tmp_path: Path) -> None:
    results = full_results()
    results["near_duplicates"] = {"pairs": 0, "pictures": 0, "file": "data/near_duplicates.csv"}
    write_report(tmp_path / "report.html", results, {})
    assert words in Page(tmp_path / "report.html").text
    del results[missing]
    write_report(tmp_path / "report.html", results, {})
    page = Page(tmp_path / "report.html")
    assert page.open == [] and words not in page.text


def test_a_student_of_labels_without_files_or_stages_is_enough(tmp_path: Path) -> None:
    results = full_results() | {"teacher": None, "exports": [], "stages": []}
    for key in ("agreement", "seeds"):
        del results[key]
    del results["student"]["difference"]
    write_report(tmp_path / "report.html", results, {"fine_tune": []})
    page = Page(tmp_path / "report.html")
    assert page.open == []
    assert page.text.startswith("Distill: face_attributes The student reaches mAP 0.631. Recipe face_attributes")
    for words in ("0.6419", "teacher", "Exported files", "Stages", "Training"):
        assert words not in page.text


def test_scores_without_near_duplicates_stand_beside_the_others(tmp_path: Path) -> None:
    results = full_results()
    without = {"metrics": {"mAP": 0.6123}, "intervals": {"mAP": [0.6, 0.62]}, "counts": {"pictures": 1232}}
    results["near_duplicates"] = {"pairs": 3, "pictures": 2, "file": "data/near_duplicates.csv", "student": without}
    write_report(tmp_path / "report.html", results, {})
    text = Page(tmp_path / "report.html").text
    assert "They are named in data/near_duplicates.csv." in text
    assert "student mAP 0.6312 [0.6212, 0.6412] 0.6123 [0.6000, 0.6200]" in text
    assert "teacher mAP 0.6419 [0.6319, 0.6519] --" in text


def test_headline_says_only_what_is_known() -> None:
    results = full_results()
    results["teacher"]["mult_adds"] = None
    assert headline(results) == "The student reaches mAP 0.631, 98.3\N{NARROW NO-BREAK SPACE}% of the teacher's 0.642."
    assert headline(results | {"teacher": None}) == "The student reaches mAP 0.631."


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "report.html" / "in the way").mkdir(parents=True)
    with pytest.raises(DistillError, match=r"report\.html: cannot be written"):
        write_report(tmp_path / "report.html", full_results(), {})
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_file_of_which_no_offenders_are_known_names_none(tmp_path: Path) -> None:
    results = full_results()
    results["exports"][0]["offenders"] = []
    write_report(tmp_path / "report.html", results, CURVES, [], "")
    console = Console(record=True, width=200)
    terminal.print_files(results["exports"], "mAP", console)
    for shown in (Page(tmp_path / "report.html").text, console.export_text()):
        assert "an answer differs by 0.021." in shown and "Most:" not in shown
