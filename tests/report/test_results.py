"""results.json is read and written in one place, and says its version."""

import json
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.report.results import (
    VERSION,
    ModelResults,
    Results,
    models_of,
    read_results,
    write_results,
)
from distill.tasks.attributes.entries import AttributeEntries, AttributeEntry
from tests.helpers.results import full_results
from tests.helpers.running import finished
from tests.helpers.schema import misfits, together


def test_what_is_written_is_read_with_its_version_first(tmp_path: Path) -> None:
    content = full_results() | {"groups": []}
    del content["version"]
    written = write_results(tmp_path / "results.json", content)
    assert written == content | {"version": VERSION} and next(iter(written)) == "version"
    assert read_results(tmp_path / "results.json") == written
    # What was read may be changed and written again.
    assert write_results(tmp_path / "results.json", written) == written


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
    path.write_text(json.dumps(content))
    with pytest.raises(DistillError, match="has no data, teacher; it was changed after the run"):
        read_results(path)


def test_the_teacher_comes_first_where_there_is_one() -> None:
    results = full_results()
    assert list(models_of(results)) == ["teacher", "student"]  # type: ignore[arg-type]
    assert list(models_of(results | {"teacher": None})) == ["student"]  # type: ignore[arg-type]


def test_every_key_of_a_run_is_documented() -> None:
    results = read_results(finished()[1] / "results.json")
    assert list(misfits(results, together("AttributeResults", Results, AttributeEntries))) == []
    assert list(misfits(results["student"]["per_class"], dict[str, AttributeEntry])) == []
    assert list(misfits(results["student"] | {"new": 1}, ModelResults)) == [".new: is not documented"]
