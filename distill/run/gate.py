"""Each exported file of a student, scored in its own runtime and held to the torch student's score."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from torch import nn

from distill.answers.kind import Kind
from distill.errors import DistillError
from distill.export.format import Format, Job
from distill.export.formats import formats_of
from distill.export.int8.calibration import calibration_pictures
from distill.export.int8.quantization_aware import adapt
from distill.files.atomic import checksum, put
from distill.files.checksums import read_sums, sums_of, write_sums
from distill.predictors.file_predictor import FilePredictor
from distill.recipe.recipe import Export
from distill.report.results import ExportedFile
from distill.run.speeds import THREADS, speeds_of
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict
from students.manifest import StudentManifest

PARITY = 1e-4
"""Largest difference of a probability, or of a number of an embedding, between the torch student and a file of the same
precision."""
FAILED = "failed"
"""Folder beside the files, of those that did not pass."""

_SHOWN = 5  # classes or pairs that are named
_ROUNDING = 1e-9  # points: 12 pictures of 1,200 are one point, and in float64 a little more


@dataclass(frozen=True)
class _Written:
    """A file on disk and, where its runtime is here, how to run it."""

    format: Format
    path: Path
    predictors: dict[int, FilePredictor]

    @property
    def files(self) -> list[Path]:
        return [self.path.parent / name for name in self.format.files]


@dataclass(frozen=True)
class Exported:
    """A student on its way into files: its network, its manifest, and the verdict that its files are held to."""

    network: nn.Module
    manifest: StudentManifest
    verdict: Verdict


def export_and_score(directory: Path, student: Exported, task: Task, settings: Export) -> list[ExportedFile]:
    """Write a file in each format, run each on the test pictures, and say which passed.

    An int8 file that did not is written once more, from a copy of the student that has learnt to be rounded; the
    closer of the two is kept. Of a student at chance none passes, for its score has nothing to lose, and nothing is
    learnt. What did not pass in the end lies in the folder `failed`; checksums of the others stand
    in SHA256SUMS.

    Returns:
        the `exports` of results.json.

    Raises:
        DistillError: a format is unknown or cannot carry these answers, its runtime is not installed or cannot take
            this student, there are too few pictures to calibrate on, or the place cannot be written to. Until all were
            scored, what lay in the directory is as it was.
    """
    network, manifest, transfer = student.network, student.manifest, task.pictures.sets.transfer
    formats = formats_of(settings.formats, type(manifest.answers), manifest.config, settings.nms)
    calibrated = any(entry.int8 for entry in formats)
    pictures = calibration_pictures(transfer, manifest.preprocess) if calibrated else np.zeros(0, np.uint8)
    runtime, detect = settings.onnxruntime_web, task.recipe.detect
    job = Job(network, manifest, pictures, settings.calibration, runtime, detect, once=settings.nms)
    score = partial(_score, student=student, task=task, settings=settings)
    with _making(directory) as making:
        written = [_write(entry, job, making) for entry in formats]
        records = [score(file) for file in written]
        again = [number for number, entry in enumerate(formats) if entry.int8 and records[number]["passed"] is False]
        if again and settings.int8_steps and not student.verdict.at_chance:
            learnt = replace(job, adapted=adapt(job.for_int8, job.preprocess, transfer, settings.int8_steps))
            for number in again:
                adapted = {"steps": settings.int8_steps, "before": records[number]["difference"]}
                written[number] = _write(formats[number], learnt, making)
                second = score(written[number]) | {"adapted": adapted}
                if _off(second, student.verdict) < _off(records[number], student.verdict):
                    records[number] = second
                else:
                    written[number] = _write(formats[number], job, making)
        speeds = speeds_of([file.predictors for file in written], network, manifest)
        replaced = {name for entry in formats for name in entry.files}
        sums = {
            name: value
            for name, value in read_sums(directory).items()
            if (directory / name).is_file() and Path(name).parts[0] not in replaced
        }
        if directory.is_dir():
            write_sums(directory, sums)  # a kill while files are placed leaves none beside another's checksum
        for file, record, speed in zip(written, records, speeds, strict=True):
            record |= speed
            place = _place(file, record["passed"], directory)
            record["file"] = str((place / file.format.file).relative_to(directory.parent))
            record["sha256"] = sums_of(place, file.format.files)
            if place == directory:
                sums |= record["sha256"]
    write_sums(directory, sums)
    return cast(list[ExportedFile], records)


def beside_earlier(root: Path, earlier: Sequence[ExportedFile], exports: Sequence[ExportedFile]) -> list[ExportedFile]:
    """The `exports` of results.json after some were made: each in place of an earlier one of its format.

    An earlier one of another format stays as long as its files are in the run directory as they were written.
    """
    made = {record["format"]: record for record in exports}
    kept = [
        made.pop(record["format"]) if record["format"] in made else record
        for record in earlier
        if record["format"] in made or _is_there(root, record)
    ]
    return [*kept, *made.values()]


def _is_there(root: Path, record: ExportedFile) -> bool:
    place = (root / record["file"]).parent
    return bool(record["sha256"]) and all(
        (place / name).is_file() and checksum(place / name) == expected for name, expected in record["sha256"].items()
    )


@contextmanager
def _making(directory: Path) -> Iterator[Path]:
    """A folder beside the directory, so that no file is in it that was not scored."""
    making = directory.with_name(f".{directory.name}.part")
    shutil.rmtree(making, ignore_errors=True)  # of an earlier kill
    try:
        yield making
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write(entry: Format, job: Job, directory: Path) -> _Written:
    path = directory / entry.file
    try:
        entry.write(job, path)
    except DistillError:
        raise
    except Exception as error:  # converters and runtimes have no base class of their errors
        text = " ".join(str(error).split())[:400]
        raise DistillError(
            f"export.formats: {entry.name} cannot take this student ({type(error).__name__}: {text}). Leave it out."
        ) from error
    loaded = {} if entry.load is None else {threads: entry.load(path, threads) for threads in THREADS}
    return _Written(entry, path, loaded)


def _score(written: _Written, student: Exported, task: Task, settings: Export) -> dict[str, Any]:
    tolerance = settings.tolerance_of(written.format.int8)
    record: dict[str, Any] = {
        "format": written.format.name,
        "tolerance": tolerance,
        "bytes": sum(file.stat().st_size for path in written.files for file in _within(path)),
        "limits": written.format.limits,
    }
    if not written.predictors:
        return record | {"metrics": {}, "intervals": {}, "passed": None, "why": ["not run: it needs another system"]}
    verdict, expected = task.judging.judge(written.predictors[max(THREADS)]), student.verdict
    closeness: dict[str, float] = {"nms": True}
    if not settings.nms:
        closeness = _closeness(verdict, expected, student.manifest.answers)
    points = 100 * (verdict.score - expected.score)
    why = []
    if not abs(points) <= tolerance + _ROUNDING:
        why.append(f"{verdict.metric} differs by {points:+.2f} points, more than the {tolerance:g} allowed")
    if not written.format.int8 and not closeness.get("largest_difference", 0.0) <= PARITY:
        why.append(f"an answer differs by {closeness['largest_difference']:.2g}, expected {PARITY:g} or less")
    if written.format.int8 and expected.at_chance:  # the others are held to the student's answers as well
        why.append(f"there is no score to keep: of the student it was made of, {expected.beside_chance}")
    return record | {
        **verdict.to_dict(),
        "difference": verdict.compare(expected),
        **closeness,
        "passed": not why,
        "why": why,
        "offenders": verdict.offenders(expected)[:_SHOWN] if why else [],
    }


def _closeness(verdict: Verdict, expected: Verdict, kind: Kind) -> dict[str, float]:
    """How a file's answers differ from the student's, number by number. Where each thing is given once they cannot be
    held to each other so: of two that are as sure, either may come first."""
    largest = kind.apart(verdict.answers, expected.answers)
    cosine = _cosine(kind.before_activation(verdict.answers), kind.before_activation(expected.answers))
    return {"largest_difference": largest, "cosine": cosine}


def _off(record: dict[str, Any], student: Verdict) -> float:
    """How far a file's score is from the student's."""
    return abs(float(record["metrics"][student.metric]) - student.score)


def _place(written: _Written, passed: bool | None, directory: Path) -> Path:
    """Put the file where it lies in the end, and in place of an earlier export's."""
    place, other = directory, directory / FAILED
    if passed is False:
        place, other = other, place
    for path in written.files:
        try:
            place.mkdir(parents=True, exist_ok=True)
            _remove(other / path.name)
            put(path, place / path.name)
        except OSError as error:
            raise DistillError(f"{place / path.name}: cannot be written ({error}).") from error
    return place


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _within(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The mean over pictures."""
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(axis=1) / np.maximum(lengths, 1e-12)).mean())
