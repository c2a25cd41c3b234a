"""Whether one model may look up whom another enrolled: the run's report says which share a space.

A file that passed its gate answers as the student it was made of. A student shares its teacher's space where its
pictures find their people in the teacher's gallery about as often as in its own: rank 1 there is not below the interval
of rank 1 here.
"""

from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.files.checksums import read_sums
from distill.files.run_directory import RESULTS, RunDirectory
from distill.gallery.model import Embedder, fingerprint_of
from distill.report.results import read_results
from students.files import CONFIG_FILE
from students.student import WEIGHTS_FILE

_ABOVE = 3  # directories in which a report may lie, above a model's file
_RANK = "rank1"


def check_space(embedder: Embedder, fingerprint: str, gallery: str, run: Path | None) -> str | None:
    """Refuse a model of another space.

    Args:
        fingerprint: of the model that enrolled.
        gallery: what the gallery is called.
        run: the directory of the run that made both; None for the one that the model's file lies in.

    Returns:
        why another model than that one is accepted, in words; None where it is the same.

    Raises:
        DistillError: it is of another space, or nothing says that it is not.
    """
    if embedder.fingerprint == fingerprint:
        return None
    root = run or _run_of(embedder.path)
    refused = f"{gallery}: was enrolled by another model than {embedder.path}"
    if root is None or not (root / RESULTS).is_file():
        where = "no report lies beside it" if root is None else f"there is no {root / RESULTS}"
        raise DistillError(
            f"{refused}, and {where} that would say whether they share a space. Name the run that made both with "
            "--run, look up with the model that enrolled, or enroll again."
        )
    roles = _roles(root)
    ours, theirs = roles.get(embedder.fingerprint), roles.get(fingerprint)
    if ours is None or theirs is None:
        unknown = str(embedder.path) if ours is None else "the one that enrolled"
        raise DistillError(
            f"{refused}, and {root / RESULTS} knows nothing of {unknown}, or it did not pass there. Look up with the "
            "model that enrolled, or enroll again."
        )
    if "teacher" not in (ours, theirs):
        return f"both are one student's, by {root / RESULTS}"
    if ours == "teacher":
        raise DistillError(
            f"{refused}, its student, and the report measured only the student in the teacher's gallery. Enroll again "
            "by the teacher."
        )
    return _shares(read_results(root / RESULTS), refused, root / RESULTS)


def _shares(results: Any, refused: str, file: Path) -> str:
    searches = results.get("galleries") or {}
    try:
        across, low = searches["student in teacher"]["metrics"][_RANK], searches["student"]["intervals"][_RANK][0]
    except (KeyError, TypeError, IndexError):
        raise DistillError(
            f"{refused}, its teacher, and {file} has no search of the student's pictures in the teacher's gallery. "
            "Enroll again by the student."
        ) from None
    if across < low:
        raise DistillError(
            f"{refused}, its teacher, whose space it does not share: by {file} rank 1 is {across:.4f} in the teacher's "
            f"gallery and at least {low:.4f} in its own. Enroll again by the student."
        )
    return f"student and teacher share a space, by {file}: rank 1 {across:.4f} in the teacher's gallery"


def _roles(root: Path) -> dict[str, str]:
    """Of each model that a run's report vouches for its role, by fingerprint."""
    directory = RunDirectory(root)
    roles = {
        fingerprint_of(record["sha256"].values()): "student"
        for record in read_results(root / RESULTS)["exports"]
        if record["passed"] and record["sha256"]
    }
    if (teacher := read_results(root / RESULTS)["teacher"]) is not None:
        roles[teacher["fingerprint"]] = "teacher"
    made = read_sums(directory.teacher)
    roles |= {fingerprint_of([value]): "teacher" for name, value in made.items() if name.endswith(".onnx")}
    student = read_sums(directory.student)
    if {WEIGHTS_FILE, CONFIG_FILE} <= student.keys():
        roles[fingerprint_of([student[WEIGHTS_FILE], student[CONFIG_FILE]])] = "student"
    return roles


def _run_of(model: Path) -> Path | None:
    return next((place for place in [*model.absolute().parents][:_ABOVE] if (place / RESULTS).is_file()), None)
