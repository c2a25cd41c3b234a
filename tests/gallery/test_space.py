"""Who may look up in whose gallery, by what a run's report says."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from distill.errors import DistillError
from distill.files.checksums import write_sums
from distill.gallery.model import Embedder, fingerprint_of
from distill.gallery.space import check_space
from distill.report.results import results_of, write_results
from tests.helpers.results import full_results

SUMS = {"file": "a" * 64, "failed": "b" * 64, "weights": "c" * 64, "config": "d" * 64, "teacher": "e" * 64}
FILE, FAILED, TEACHER = (fingerprint_of([SUMS[name]]) for name in ("file", "failed", "teacher"))
STUDENT = fingerprint_of([SUMS["config"], SUMS["weights"]])
BLACK_BOX = "f" * 64


def run(place: Path, across: float | None = 0.71) -> Path:
    """A run whose student has rank 1 of 0.70 [0.68, 0.72] in its own gallery, and one of its files failed."""
    results = full_results()
    for number, (name, passed) in enumerate((("file", True), ("failed", False))):
        results["exports"][number] |= {"sha256": {"student.onnx": SUMS[name]}, "passed": passed}
    results["teacher"]["fingerprint"] = BLACK_BOX
    scores = {"metrics": {"rank1": 0.70}, "intervals": {"rank1": [0.68, 0.72]}, "counts": {"mated": 9}}
    if across is not None:
        results["galleries"] = {"student": scores, "student in teacher": scores | {"metrics": {"rank1": across}}}
    place.mkdir(parents=True)
    write_results(place / "results.json", results_of(results))
    (place / "student").mkdir()
    write_sums(place / "student", {"student.safetensors": SUMS["weights"], "config.json": SUMS["config"]})
    (place / "teacher").mkdir()
    write_sums(place / "teacher", {"teacher.onnx": SUMS["teacher"], "teacher.safetensors": "0" * 64})
    return place


def embedder(fingerprint: str, path: Path) -> Embedder:
    return cast(Embedder, SimpleNamespace(fingerprint=fingerprint, path=path))


def asked(place: Path, ours: str, theirs: str, named: Path | None = None) -> str | None:
    return check_space(embedder(ours, place / "export" / "student.onnx"), theirs, "gallery", named)


def test_the_same_model_needs_no_report(tmp_path: Path) -> None:
    assert asked(tmp_path, "9" * 64, "9" * 64) is None


@pytest.mark.parametrize(("ours", "theirs"), [(FILE, STUDENT), (STUDENT, FILE)])
def test_a_student_and_its_file_are_one(tmp_path: Path, ours: str, theirs: str) -> None:
    assert "both are one student's" in str(asked(run(tmp_path / "run"), ours, theirs))


@pytest.mark.parametrize("teacher", [TEACHER, BLACK_BOX])
def test_a_student_that_finds_its_people_in_its_teachers_gallery_shares_the_space(tmp_path: Path, teacher: str) -> None:
    assert "rank 1 0.6800 in the teacher's gallery" in str(asked(run(tmp_path / "level", 0.68), FILE, teacher))
    with pytest.raises(DistillError, match=r"rank 1 is 0\.6700 in the teacher's gallery and at least 0\.6800"):
        asked(run(tmp_path / "worse", 0.67), STUDENT, teacher)
    with pytest.raises(DistillError, match="has no search of the student's pictures"):
        asked(run(tmp_path / "unmeasured", None), STUDENT, teacher)
    with pytest.raises(DistillError, match="measured only the student in the teacher's gallery"):
        asked(run(tmp_path / "turned"), teacher, FILE)


@pytest.mark.parametrize(("ours", "theirs"), [(FAILED, STUDENT), (STUDENT, FAILED), ("9" * 64, STUDENT)])
def test_what_the_report_does_not_vouch_for_is_refused(tmp_path: Path, ours: str, theirs: str) -> None:
    with pytest.raises(DistillError, match=r"results\.json knows nothing of"):
        asked(run(tmp_path / "run"), ours, theirs)


def test_without_a_report_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match="no report lies beside it"):
        asked(tmp_path / "elsewhere", FILE, STUDENT)
    assert asked(tmp_path / "elsewhere", FILE, STUDENT, run(tmp_path / "run")) is not None
    with pytest.raises(DistillError, match="there is no"):
        asked(tmp_path / "run", FILE, STUDENT, tmp_path / "nowhere")
