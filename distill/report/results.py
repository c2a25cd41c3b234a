"""results.json: every figure of a run, and the only way to read and to write it.

Shares, scores, intervals and differences are fractions of 1. An interval is [low, high], of 95 %. Times are in seconds
but for latencies, which are in milliseconds. Paths are relative to the run directory, with forward slashes. Where a
value may be null, that says it was not measured. Names of metrics, classes, splits and formats are keys, so that a
task's own need no schema of their own.

What one task alone has to say stands beside these entries, at the top and under a model; its `entries.py` documents
that.

The file ends with its own checksum, as `distill.files.sealed` has it. Version 1 had no `version`, and an early one no
`tolerance` of a file; otherwise version 2 is the same.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from distill.errors import DistillError, echo, shortened
from distill.files.schema import check_schema
from distill.files.sealed import SEAL, check_seal, read_damaged, write_sealed

VERSION = 2
"""Raise it with every key that goes or that means another thing; one that is added needs no new version."""

Difference = dict[str, Any]
"""A paired difference, first minus second: the name of one metric to its difference, and `interval` to [low, high]."""

_DIFFERENCES = ("difference", "before", "added")
"""The keys that have one."""


class Measured(TypedDict):
    """How one model, or one file, scores.

    `metrics` begins with the metric that models are compared by. Of a metric without an interval, `intervals` has none.
    `counts` says what it was measured on, in whole numbers by their name: `pictures` and, where they are what counts,
    others, such as `pairs`; `positives` are counted by class.
    """

    metrics: dict[str, float]
    intervals: dict[str, list[float]]
    counts: dict[str, Any]


class ClassScores(TypedDict, total=False):
    """What stands under a model whose task scores each of several classes.

    `per_class`: by name, the class's score and its `interval`, and how many pictures it was measured on.
    `unmeasured`: classes that lack a picture they could be measured on, which are in no mean.
    `thresholds_unchosen`: classes that no threshold could be chosen for.
    """

    per_class: dict[str, dict[str, Any]]
    unmeasured: list[str]
    thresholds_unchosen: list[str]


class ModelResults(Measured, ClassScores):
    """The teacher or the student on the test pictures.

    `split`: the pictures it was scored on, `test` or the name of another set.
    `parameters`, `mult_adds`: of one picture; null of a black box that hides its shapes.
    `fingerprint`: sha256 of the teacher. `difference`: the student minus the teacher, where there is one.
    `by_chance`: what the first metric is of a model that sees nothing, where that is known, and `at_chance`: whether
    this model cannot be told from it.
    """

    name: str
    parameters: int | None
    mult_adds: int | None
    split: str
    fingerprint: NotRequired[str]
    difference: NotRequired[Difference]
    by_chance: NotRequired[float]
    at_chance: NotRequired[bool]


class Adapted(TypedDict):
    """Quantization-aware distillation of a file: in how many `steps`, and its `difference` when merely rounded."""

    steps: int
    before: Difference


class ExportedFile(ClassScores):
    """One format's file, as it ran in its own runtime.

    `file`: where it lies; in the folder `failed` where it did not pass. `sha256`: hex, by name, of each file it is
    made of. `bytes`: of all of them. `limits`: what the format can and cannot do, in words.
    `passed`: null where its runtime is not here; then `metrics` and `intervals` are empty and what follows is absent.
    `tolerance`: how far its score may be from the student's, in hundredths. `why`: what was amiss, in words.
    `difference`: the file minus the student. `largest_difference`: of one answer. `cosine`: of its outputs to the
    student's, the mean over pictures. `offenders`: what it answers most differently to, in words, worst first; empty
    where it passed. `nms`: where it gives each thing once, with non-maximum suppression inside; such answers are not
    held to the student's number by number.
    `latency_ms`: of one picture, the median over turns, by the number of threads; `latency_spread_ms`: the quartiles of
    the turns, [low, high]; `latency_doubts`: what speaks against these figures, in words: a machine that was busy, a
    process that was pinned, turns that differ widely. `share_of_peak`: its mult-adds on one thread against the
    machine's rate of float32 matrix products.
    """

    format: str
    file: str
    sha256: dict[str, str]
    bytes: int
    limits: str
    passed: bool | None
    tolerance: float
    why: list[str]
    metrics: dict[str, float]
    intervals: dict[str, list[float]]
    counts: NotRequired[dict[str, Any]]
    split: NotRequired[str]
    difference: NotRequired[Difference]
    largest_difference: NotRequired[float]
    cosine: NotRequired[float]
    offenders: NotRequired[list[str]]
    nms: NotRequired[bool]
    latency_ms: NotRequired[dict[str, float]]
    latency_spread_ms: NotRequired[dict[str, list[float]]]
    latency_doubts: NotRequired[list[str]]
    share_of_peak: NotRequired[float]
    adapted: NotRequired[Adapted]


class TestScores(TypedDict):
    """The student as a stage left it, on the test pictures; `added`: minus what the stage before it left."""

    metrics: dict[str, float]
    intervals: dict[str, list[float]]
    added: NotRequired[Difference]


class Input(TypedDict):
    """What the student's files take: uint8 pictures of `height` x `width` pixels, which a prepared picture of
    `picture` (height, width) becomes by the kernel `interpolation`, and any other by `fit` before that. `mean` and
    `std`, of values in 0..1, are applied inside the files."""

    height: int
    width: int
    interpolation: str
    mean: list[float]
    std: list[float]
    picture: list[int]
    fit: str


class CutOffs(TypedDict):
    """From which value on something counts: what each of the `values` is for, and what they mean, as `said`."""

    said: str
    values: dict[str, float]


class Training(TypedDict):
    """How a stage trained: passes, pictures a batch, steps, pictures `shown` in all of them, the peak of the rate, the
    share of steps that led up to it, and the decay of the average that was kept, null where none was."""

    epochs: int
    batch_size: int
    steps: int
    shown: int
    learning_rate: float
    warmup: float
    ema: float | None


class StageResults(TypedDict):
    """One stage of training: the `pictures` it trained on and the `seconds` it took when it was run.

    Scores are of the validation pictures, absent where these are too few. `test` is there where several stages train
    the student. `training`: of a stage of gradient steps. `doubt`: what the curve of its loss says against it, in a
    sentence: that the loss still falls, or never fell.
    """

    name: str
    pictures: int
    seconds: float
    split: str
    metrics: NotRequired[dict[str, float]]
    intervals: NotRequired[dict[str, list[float]]]
    counts: NotRequired[dict[str, Any]]
    test: NotRequired[TestScores]
    training: NotRequired[Training]
    doubt: NotRequired[str]


class DataResults(TypedDict):
    """The prepared pictures.

    `fingerprint`: sha256 of the labelled set. `counts`: pictures by split; `transfer` are those of the last stage,
    `web` those labelled by the web. `left_out`: unreadable or refused, `duplicates`: of which another is kept, and
    `contradictions`: of photographs that are labelled in two ways; all are named in the ledger. `boxes_left_out`: boxes
    that cannot be used, and `targets_left_out`: other targets, such as places, that are not known; the ledger says why,
    and their pictures are used. `near_contradictions`: pairs of files that look like one photograph and are labelled in
    two ways, each with what is said of the first and of the second; they are used. `classes`: in the order of the
    outputs, empty where these have no names. `people`: by split, where people are what is told apart. `trial`: the
    `name` of what models are scored on, and counts of it.
    """

    name: str
    fingerprint: str
    counts: dict[str, int]
    left_out: int
    duplicates: int
    contradictions: NotRequired[int]
    boxes_left_out: NotRequired[int]
    targets_left_out: NotRequired[int]
    near_contradictions: NotRequired[list[list[str]]]
    classes: list[str]
    people: NotRequired[dict[str, int]]
    trial: NotRequired[dict[str, Any]]


class Spread(TypedDict):
    """A metric over students of several seeds: its values, their mean and their standard deviation (n - 1)."""

    mean: float
    spread: float
    values: list[float]


class NearDuplicates(TypedDict):
    """Pictures that models were scored on and that are the same photographs as pictures to train on.

    `pairs` of the two sets, the `pictures` scored that are in one, and the `file` that names them; scores of student
    and teacher on the others, where there are any such pictures and enough of the others.
    """

    pairs: int
    pictures: int
    file: str
    student: NotRequired[Measured]
    teacher: NotRequired[Measured]


class Results(TypedDict):
    """All of it.

    `recipe`: its name. `seed`: of the student that is kept. `device`: what it was trained on, in words.
    `teacher`: null where the student learnt from labels. `agreement`: by the pictures it was measured on, how closely
    the student repeats the teacher: each measure by name, and the number of `pictures`; a measure may be null.
    `seeds`: by metric, where several students were trained. `input`: what its files take, and `cut_offs`: from where on
    its answers count, where some were chosen.
    """

    version: int
    recipe: str
    seed: int
    device: str
    data: DataResults
    teacher: ModelResults | None
    student: ModelResults
    exports: list[ExportedFile]
    stages: list[StageResults]
    agreement: NotRequired[dict[str, dict[str, float | None]]]
    near_duplicates: NotRequired[NearDuplicates]
    seeds: NotRequired[dict[str, Spread]]
    input: NotRequired[Input]
    cut_offs: NotRequired[CutOffs]


def read_results(path: Path) -> Results:
    """Read results.json.

    Raises:
        DistillError: it is missing, no JSON, no results, damaged, of another version, or incomplete.
    """
    content = read_damaged(path, _again(path))
    if not isinstance(content, dict):
        raise DistillError(f"{path}: holds no results of a run, expected a JSON object. {_again(path)}")
    if SEAL in content:
        check_seal(path, content, _again(path))
    version = content.get("version", 1)
    if version != VERSION:
        found = f"{path}: is of version {version}, expected {VERSION}"
        if isinstance(version, int) and version < VERSION:
            raise DistillError(
                f"{found}: an earlier distill wrote it. Run the recipe again with another --out, or delete "
                f"{path.parent} first."
            )
        raise DistillError(f"{found}: another distill wrote it. Use that one, or run the recipe in another directory.")
    if content.pop(SEAL, None) is None:
        raise DistillError(
            f"{path}: has no {SEAL} of itself: a distill before there were any wrote it, or it is damaged. "
            f"{_again(path)}"
        )
    check_schema(path, content, Results, _again(path))
    for place, wrong in _wrong_scores(content):
        raise DistillError(f"{path}: {place} {wrong}. {_again(path)}")
    return cast(Results, content)


def _wrong_scores(content: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Each place where scores are not what a page can show, with what is wrong: a number that is none, an interval of
    other than two ends, no metric where there are counts of what was measured."""
    if isinstance(content, list):
        for number, one in enumerate(content):
            yield from _wrong_scores(one, f"{place}[{number}]")
    if not isinstance(content, dict):
        return
    for key, one in content.items():
        inside = f"{place}.{key}" if place else key
        if key == "metrics" and isinstance(one, dict):
            if not one and "counts" in content:
                yield inside, "is empty, expected a score"
            yield from (
                (f"{inside}.{echo(name)}", f"is {echo(score)}, expected a finite number")
                for name, score in one.items()
                if not _finite(score)
            )
        elif key == "intervals" and isinstance(one, dict):
            for name, ends in one.items():
                if not isinstance(ends, list) or len(ends) != 2 or not all(map(_finite, ends)):
                    yield f"{inside}.{echo(name)}", f"is {echo(ends)}, expected [low, high]"
        elif key in _DIFFERENCES and isinstance(one, dict) and one and not _is_difference(one):
            yield inside, f"is {shortened(one)}, expected a score's difference and its interval, [low, high]"
        else:
            yield from _wrong_scores(one, inside)


def _is_difference(one: Difference) -> bool:
    ends, rest = one.get("interval"), [value for name, value in one.items() if name != "interval"]
    numbers = [*ends, *rest] if isinstance(ends, list) and len(ends) == 2 and rest else [None]
    return all(isinstance(number, float | int) and _finite(number) for number in numbers)


def _finite(number: float) -> bool:
    """Whether Python can write it with decimals; infinity is none, nor are whole numbers of 400 digits."""
    return not abs(number) > sys.float_info.max


def results_of(content: Mapping[str, Any]) -> Results:
    """The content of results.json.

    Args:
        content: all of its entries, those of the run's task too; the version is given here.
    """
    return cast(Results, {"version": VERSION, **content})


def write_results(path: Path, results: Results) -> None:
    """Write results.json, whole or not at all.

    Raises:
        DistillError: the place cannot be written to.
    """
    write_sealed(path, results)


def models_of(results: Results) -> dict[str, ModelResults]:
    """The models that were scored by their role: the teacher, where there is one, and then the student."""
    models = {"teacher": results.get("teacher"), "student": results.get("student")}
    return {role: model for role, model in models.items() if model}


def _again(path: Path) -> str:
    return f"Run the recipe again with --out {path.parent}: stages that are done are kept, and all figures made anew."
