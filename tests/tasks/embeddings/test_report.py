"""What the page says of embeddings; each part is left out where a run did not produce it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from distill.evaluation.open_set import OpenSetPoint, OpenSetScores
from distill.report.page import headline, write_report
from distill.report.results import VERSION
from distill.report.terminal import print_results
from distill.tasks.embeddings.report import ShownPairs, embedding_report
from tests.helpers.pages import Page


def scored(name: str, tar: float) -> dict[str, Any]:
    return {
        "name": name,
        "parameters": 1_200_000,
        "mult_adds": 440_000_000,
        "metrics": {"accuracy": 0.9512, "eer": 0.0211, "tar@far=1e-2": tar, "rank1": 0.9321},
        "intervals": {"accuracy": [0.9413, 0.9614], "tar@far=1e-2": [tar - 0.01, tar + 0.01]},
        "counts": {"pairs": 6000, "genuine": 3000, "impostors": 3000, "pictures": 3811},
        "split": "lfw",
    }


def open_sets() -> dict[str, OpenSetScores]:
    """Of both, at one rate."""
    return {
        role: OpenSetScores(
            {0.01: OpenSetPoint(0.4321, 0.0096, tpir, 7, 728, 1234, 1725, (0.005, 0.02), (tpir - 0.02, tpir + 0.02))},
            746,
            np.zeros((2, 1)),
            0,
        )
        for role, tpir in (("teacher", 0.9511), ("student", 0.7154))
    }


def findings(given: bool) -> dict[str, dict[str, Any]]:
    """Both models on photographs, the student four points below; perhaps beside an alignment by somebody else."""

    def measured(accuracy: float, pairs: int) -> dict[str, Any]:
        interval = [accuracy - 0.01, accuracy + 0.01]
        return {"metrics": {"accuracy": accuracy}, "intervals": {"accuracy": interval}, "counts": {"pairs": pairs}}

    scores = {}
    for role, below in (("teacher", 0.0), ("student", 0.04)):
        finding: dict[str, Any] = {"photographs": 1583, "unusable": {"none found": 3, "small": 1}, "pairs_lost": 7}
        finding["whole"] = measured(0.9808 - below, 1200)
        if given:
            finding["given"] = measured(0.985 - below, 1200)
            finding["loss"] = {"accuracy": -0.0042, "interval": [-0.0083, 0.0001]}
        scores[role] = measured(0.9841 - below, 1193) | {"finding": finding}
    return scores


def embedding_results() -> dict[str, Any]:
    student = scored("mobilenet_v1_0.5_96", 0.9634) | {"mult_adds": 17_600_000}
    student["difference"] = {"accuracy": -0.0123, "interval": [-0.0163, -0.0081]}
    return {
        "version": VERSION,
        "recipe": "face_embeddings",
        "device": "cpu",
        "stages": [],
        "seed": 0,
        "data": {"name": "celeba", "fingerprint": "0a", "counts": {"test": 6000}, "left_out": 0, "duplicates": 0},
        "teacher": scored("mobilefacenet", 0.9831),
        "student": student,
        "at_teacher_thresholds": [
            {"far": 0.01, "threshold": 0.3125, "far_measured": 0.0157, "tar": 0.9711},
            {"far": 0.00001, "threshold": 0.5566, "far_measured": 0.0000125, "tar": 0.7007},
        ],
        "exports": [
            {
                "format": "onnx",
                "file": "student.onnx",
                "bytes": 1_920_000,
                "passed": True,
                "tolerance": 0.1,
                "metrics": {"accuracy": 0.95},
                "intervals": {},
                "difference": {"accuracy": -0.0001, "interval": [-0.0002, 0.0001]},
            }
        ],
        "seeds": {"accuracy": {"mean": 0.9505, "spread": 0.0007, "values": [0.9512, 0.9498]}},
        "roc": {
            "teacher": {"far": [0.0, 0.001, 0.1, 1.0], "tar": [0.91, 0.97, 0.99, 1.0]},
            "student": {"far": [0.002, 0.2, 1.0], "tar": [0.84, 0.98, 1.0]},
        },
        "histograms": {
            role: {"edges": [-1.0, -0.5, 0.0, 0.5, 1.0], "genuine": [0, 0, 1, 3], "impostor": [0, 90, 10, 0]}
            for role in ("teacher", "student")
        },
        "ranks": {"teacher": [0.98, 0.99, 1.0], "student": [0.9321, 0.95, 0.97]},
    }


def some_pairs() -> ShownPairs:
    return ShownPairs(
        pictures=np.random.default_rng(0).integers(0, 256, (3, 2, 12, 10, 3), dtype=np.uint8),
        same=np.array([False, True, True]),
        student=np.array([0.7171, -0.1234, 0.0456]),
        teacher=np.array([0.2222, 0.6611, 0.5511]),
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("run") / "report.html"
    sections = embedding_report(embedding_results(), some_pairs(), open_sets(), findings(given=True))
    write_report(path, embedding_results(), {}, sections)
    return Page(path)


@pytest.mark.parametrize(
    "words",
    [
        "The student reaches TAR 0.963 at FAR 1e-2, 98 % of the teacher's 0.983, at 4 % of its mult-adds.",
        "0.9512 [0.9413, 0.9614] 0.0211 0.9634 [0.9534, 0.9734] 0.9321 6 000 pairs lfw: 3 000 genuine, 3 000 impostors",
        "Student minus teacher: -0.0123 accuracy, 95 % interval [-0.0163, -0.0081], paired over the same pairs.",
        "onnx student.onnx 0.9500 -0.0001 [-0.0002, 0.0001] passed",
        "2 seeds: mean accuracy 0.9505 , spread 0.0007 (0.9512, 0.9498)",
        "0.01 0.3125 0.0157 0.9711 1e-05 0.5566 1.25e-05 0.7007",
        "Rank 1: teacher 0.9800, student 0.9321.",
        "student 746 people enrolled 0.01 0.4321 0.0096 7 of 728 pictures 0.7154 [0.6954, 0.7354], 1725 pictures",
        "Faces were looked for in 1 583 photographs: none found 3, small 1 cannot be used. A pair without both faces "
        "is answered “not one person” at every threshold: 7 of 1 200 pairs.",
        "teacher 0.9841 [0.9741, 0.9941], 1 193 pairs 0.9808 [0.9708, 0.9908], 1 200 pairs 0.9850 [0.9750, 0.9950], "
        "1 200 pairs -0.0042 [-0.0083, 0.0001] student 0.9441",
        "on the network named, with its 95 % interval.",
        "One person, least alike to the student student -0.1234 teacher 0.6611 student 0.0456 teacher 0.5511 "
        "Two people, most alike student 0.7171 teacher 0.2222",
    ],
)
def test_what_was_measured_is_on_the_page(page: Page, words: str) -> None:
    assert words in page.text


def test_both_sides_of_every_pair_are_embedded_to_the_pixel_by_kind(page: Page) -> None:
    decoded = [np.asarray(Image.open(io.BytesIO(image))) for image in page.images() if image.startswith(b"\x89PNG")]
    expected = some_pairs().pictures[[1, 2, 0]]
    np.testing.assert_array_equal(np.stack(decoded), expected.reshape(6, 12, 10, 3))
    plots = [image for image in page.images() if image.startswith(b"<?xml")]
    assert len(plots) == 3
    assert [b"teacher's threshold at FAR 0.01" in plot for plot in plots] == [False, True, False]  # of histograms
    assert all(attributes["alt"] for tag, attributes in page.attributes if tag == "img")
    assert page.open == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("ranks", "Identification"),
        ("at_teacher_thresholds", "thresholds in use"),
        ("pairs", "Hardest pairs"),
        ("finding", "From photographs to answer"),
    ],
)
def test_a_part_that_was_not_produced_is_left_out(page: Page, missing: str, words: str, tmp_path: Path) -> None:
    assert words in page.text
    results = embedding_results()
    pairs = some_pairs()
    if missing == "ranks":  # nobody has two pictures to be searched for
        results["ranks"] = {}
    elif missing == "pairs":
        pairs = ShownPairs(pairs.pictures[:0], pairs.same[:0], pairs.student[:0])
    elif missing != "finding":  # no model has it below
        del results[missing]
    write_report(tmp_path / "report.html", results, {}, embedding_report(results, pairs, {}, {}))
    without = Page(tmp_path / "report.html")
    assert words not in without.text
    assert without.open == []


def test_without_another_alignment_finding_has_no_loss(page: Page, tmp_path: Path) -> None:
    assert "From photographs to answer" in page.text and "Given alignment" in page.text
    sections = embedding_report(embedding_results(), some_pairs(), {}, findings(given=False))
    write_report(tmp_path / "report.html", embedding_results(), {}, sections)
    without = Page(tmp_path / "report.html")
    assert "teacher 0.9841 [0.9741, 0.9941], 1 193 pairs 0.9808 [0.9708, 0.9908], 1 200 pairs student" in without.text
    assert "Given alignment" not in without.text and without.open == []


def test_a_student_without_a_teacher_is_enough(tmp_path: Path) -> None:
    results = embedding_results()
    results["teacher"] = None
    for part in ("roc", "histograms", "ranks"):
        del results[part]["teacher"]
    del results["at_teacher_thresholds"]
    alone = ShownPairs(some_pairs().pictures, some_pairs().same, some_pairs().student)
    write_report(tmp_path / "report.html", results, {}, embedding_report(results, alone, {}, {}))
    page = Page(tmp_path / "report.html")
    assert page.text.startswith("Distill: face_embeddings The student reaches TAR 0.963 at FAR 1e-2.")
    assert "teacher 0." not in page.text
    assert "Rank 1: student 0.9321." in page.text


def test_headline_is_the_first_tar_and_never_praises_an_error_rate() -> None:
    alone = embedding_results() | {"teacher": None}
    alone["student"]["metrics"] = {"EER": 0.02, "TAR@FAR=0.01": 0.9, "TAR@FAR=0.001": 0.8}
    assert headline(alone) == "The student reaches TAR 0.900 at FAR 0.01."
    errors = embedding_results()
    for role, rate in (("student", 0.02), ("teacher", 0.01)):
        errors[role]["metrics"] = {"EER": rate}
    assert headline(errors).startswith("The student reaches EER 0.020, at 4")


def test_the_terminal_shows_the_chief_metric() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    print_results(embedding_results(), console)
    text = console.export_text()
    assert "tar@far=1e-2" in text
    assert "0.9831" in text and "[0.9534, 0.9734]" in text
    assert "student minus teacher: accuracy \N{MINUS SIGN}0.0123" in text
