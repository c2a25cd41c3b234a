"""results.json is read and written in one place, and says its version."""

import json
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.files.schema import misfits
from distill.files.sealed import write_sealed
from distill.report.results import (
    VERSION,
    ModelResults,
    Results,
    models_of,
    read_results,
    results_of,
    write_results,
)
from distill.tasks.attributes.entries import AttributeEntries, AttributeEntry
from tests.helpers.results import full_results
from tests.helpers.running import finished
from tests.helpers.schema import together


def test_what_is_written_is_read_with_its_version_first(tmp_path: Path) -> None:
    content = full_results() | {"groups": []}
    del content["version"]
    written = results_of(content)
    write_results(tmp_path / "results.json", written)
    assert written == content | {"version": VERSION} and next(iter(written)) == "version"
    assert read_results(tmp_path / "results.json") == written
    # What was read may be changed and written again.
    assert results_of(written) == written


@pytest.mark.parametrize("version", [None, 1])
def test_a_former_version_is_named_and_what_to_do(version: int | None, tmp_path: Path) -> None:
    content = full_results() | {"version": version}
    if version is None:
        del content["version"]
    (tmp_path / "results.json").write_text(json.dumps(content))
    with pytest.raises(DistillError) as caught:
        read_results(tmp_path / "results.json")
    assert str(caught.value) == (
        f"{tmp_path / 'results.json'}: is of version 1, expected {VERSION}: an earlier distill wrote it. "
        f"Run the recipe again with another --out, or delete {tmp_path} first."
    )


@pytest.mark.parametrize("version", [VERSION + 1, "two"])
def test_another_version_is_not_guessed_at(version: object, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(json.dumps(full_results() | {"version": version}))
    with pytest.raises(DistillError, match=f"is of version {version}, expected {VERSION}: another distill"):
        read_results(tmp_path / "results.json")


def test_what_is_no_results_or_a_part_of_them_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("[]")
    with pytest.raises(DistillError, match="holds no results of a run"):
        read_results(path)
    content = full_results()
    del content["teacher"], content["data"]
    write_sealed(path, content)
    with pytest.raises(DistillError, match=r"results\.json: data is missing\. Run the recipe again"):
        read_results(path)
    write_sealed(path, full_results() | {"seed": "three"})
    with pytest.raises(DistillError, match=r"results\.json: seed is 'three', expected a whole number"):
        read_results(path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("intervals", {"mAP": [0.5]}, r"student\.intervals\.'mAP' is \[0\.5\], expected \[low, high\]"),
        ("intervals", {"mAP": []}, r"student\.intervals\.'mAP' is \[\]"),
        ("intervals", {"mAP": [0.1, 1e400]}, r"student\.intervals\.'mAP' is \[0\.1, inf\]"),
        ("difference", {"mAP": 0.1}, r"student\.difference is .*expected a score's difference and its interval"),
        ("difference", {"interval": [0.1, 0.2]}, r"student\.difference is "),
        ("difference", {"mAP": "x", "interval": [0.1, 0.2]}, r"student\.difference is "),
        ("metrics", {}, r"student\.metrics is empty, expected a score"),
        ("metrics", {"mAP": 10**400}, r"student\.metrics\.'mAP' is 10+\.\.\. \(cut\), expected a finite number"),
        ("metrics", {"mAP": 1e400}, r"student\.metrics\.'mAP' is inf, expected a finite number"),
    ],
)
def test_scores_that_no_page_can_show_are_named(tmp_path: Path, key: str, value: object, said: str) -> None:
    results = full_results()
    write_sealed(tmp_path / "results.json", results | {"student": results["student"] | {key: value}})
    with pytest.raises(DistillError, match=rf"results\.json: {said}.* Run the recipe again"):
        read_results(tmp_path / "results.json")


def test_a_bit_of_them_that_was_flipped_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_results(path, results_of(full_results()))
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(DistillError, match=r"results\.json.*Run the recipe again"):
            read_results(path)
    path.write_text(json.dumps(full_results()))
    with pytest.raises(DistillError, match="has no sha256 of itself"):
        read_results(path)


def test_the_teacher_comes_first_where_there_is_one() -> None:
    results = full_results()
    assert list(models_of(results)) == ["teacher", "student"]  # type: ignore[arg-type]
    assert list(models_of(results | {"teacher": None})) == ["student"]  # type: ignore[arg-type]


def test_every_key_of_a_run_is_documented() -> None:
    results = read_results(finished()[1] / "results.json")
    assert list(misfits(results, together("AttributeResults", Results, AttributeEntries), closed=True)) == []
    assert list(misfits(results["student"]["per_class"], dict[str, AttributeEntry], closed=True)) == []
    assert list(misfits(results["student"] | {"new": 1}, ModelResults, closed=True)) == ["new is not documented"]
