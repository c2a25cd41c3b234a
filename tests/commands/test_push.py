"""`distill push` ships what was scored, all of it and nothing of this machine; and says why it does not."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from distill import cli
from distill.files.sealed import write_sealed
from distill.predictors.open import open_predictor
from tests.helpers.running import copy_of_finished, finished

PUSHED = {"README.md", "results.json", "student/student.safetensors", "student/config.json", "export/student.onnx"}


def files_in(directory: Path) -> set[str]:
    return {file.relative_to(directory).as_posix() for file in directory.rglob("*") if file.is_file()}


def refused(run: Path, to: str, capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    assert cli.main(["push", str(run), "--to", to, *flags]) == 2
    return capsys.readouterr().err


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, to be changed."""
    return copy_of_finished(tmp_path / "mine")[1]


def change_results(run: Path, **export: Any) -> None:
    results = json.loads((run / "results.json").read_text())
    results["exports"][0] |= export
    write_sealed(run / "results.json", results)


@pytest.mark.parametrize("address", ["path", "file"])
def test_into_a_directory(address: str, tmp_path: Path) -> None:
    place = tmp_path / "a hub" / "faces"
    assert cli.main(["push", str(finished()[1]), "--to", str(place) if address == "path" else place.as_uri()]) == 0
    assert files_in(place) == PUSHED
    for name in PUSHED:
        assert (place / name).read_bytes() == (finished()[1] / name).read_bytes()
    student, file = (open_predictor(place / name) for name in ("student", "export/student.onnx"))
    assert student.kind == file.kind and student.kind.class_names


def test_an_earlier_push_is_replaced_and_nothing_else_is(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "pushed"
    assert cli.main(["push", str(run), "--to", str(place)]) == 0
    (place / "export" / "student.int8.onnx").write_text("of an earlier run")
    assert cli.main(["push", str(run), "--to", str(place)]) == 0
    assert files_in(place) == PUSHED
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.jpg").write_text("mine")
    shutil.copytree(run, tmp_path / "other")
    for other in ("photos", "other"):
        before = files_in(tmp_path / other)
        assert "holds something else" in refused(run, str(tmp_path / other), capsys)
        assert files_in(tmp_path / other) == before
    (place / "LICENSE").write_text("mine")
    assert "holds something else" in refused(run, str(place), capsys)
    assert (place / "LICENSE").read_text() == "mine"
    assert "lies in the run" in refused(run, str(run / "pushed"), capsys)


def test_a_dry_run_lists_and_pushes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["push", str(finished()[1]), "--to", str(tmp_path / "pushed"), "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in PUSHED) and "nothing was pushed" in shown
    assert not (tmp_path / "pushed").exists()


def test_an_unfinished_run_is_refused(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "results.json").unlink()
    (run / "README.md").unlink()
    assert "not a finished run: it has no README.md, results.json" in refused(run, "me/faces", capsys, "--dry-run")
    assert "it has no run.json" in refused(tmp_path / "none", "me/faces", capsys)


def test_a_file_that_failed_its_gate_needs_a_flag(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change_results(run, passed=False)
    message = refused(run, str(tmp_path / "pushed"), capsys)
    assert "export/student.onnx" in message and "--allow-failed" in message
    assert not (tmp_path / "pushed").exists()
    assert cli.main(["push", str(run), "--to", str(tmp_path / "pushed"), "--allow-failed"]) == 0


def test_what_was_changed_after_it_was_scored_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (run / "export" / "student.onnx").read_bytes()
    (run / "export" / "student.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "student.onnx: was changed after it was scored" in refused(run, "me/faces", capsys)
    (run / "export" / "student.onnx").unlink()
    assert "not there" in refused(run, "me/faces", capsys)
    weights = run / "student" / "student.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert "its checksum is not the one" in refused(run, "me/faces", capsys)


@pytest.mark.parametrize(
    ("shown", "names"),
    [("web", ["web/index.html", "web/deep/part.js"]), ("student.xml", ["student.xml", "student.bin"])],
)
def test_a_format_may_be_several_files(shown: str, names: list[str], run: Path, tmp_path: Path) -> None:
    for name in names:
        (run / "export" / name).parent.mkdir(parents=True, exist_ok=True)
        (run / "export" / name).write_text(name)
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in names}
    change_results(run, file=f"export/{shown}", sha256=sums)
    assert cli.main(["push", str(run), "--to", str(tmp_path / "pushed")]) == 0
    assert {f"export/{name}" for name in names} < files_in(tmp_path / "pushed")


def test_to_the_hub_in_one_commit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the hub's client is asked; the hub itself is not."""
    asked: dict[str, Any] = {}

    def create(self: Any, name: str, **keywords: Any) -> huggingface_hub.RepoUrl:
        asked["create"] = (name, keywords)
        return huggingface_hub.RepoUrl("https://huggingface.co/me/faces")

    monkeypatch.setenv("HF_TOKEN", "hf_none")
    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", create)
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", lambda self, **keywords: asked.update(keywords))
    assert cli.main(["push", str(finished()[1]), "--to", "faces", "--private"]) == 0
    assert asked["create"] == ("faces", {"private": True, "exist_ok": True})
    assert asked["repo_id"] == "me/faces" and set(asked["allow_patterns"]) == PUSHED
    # the patterns name these files and no other of the run
    kept = huggingface_hub.utils.filter_repo_objects(files_in(finished()[1]), allow_patterns=asked["allow_patterns"])
    assert set(kept) == PUSHED
    old = ["export/old.onnx", "student/config.json", "README.md", ".gitattributes"]
    stale = huggingface_hub.utils.filter_repo_objects(old, allow_patterns=asked["delete_patterns"])
    assert list(stale) == old[:2]
    assert "https://huggingface.co/me/faces" in capsys.readouterr().out


def test_without_a_token_or_a_network(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run = finished()[1]
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert "hf auth login" in refused(run, "me/faces", capsys)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_none")
    monkeypatch.setattr(huggingface_hub.HfApi, "__init__", offline(huggingface_hub.HfApi.__init__))
    for name in ("me/faces", "no such/name/at all"):
        message = refused(run, name, capsys)
        assert f"--to {name}: the hub cannot be reached or refused" in message and "--to ./DIR" in message


def offline(construct: Any) -> Any:
    """A client of a hub at an address where nobody listens."""

    def constructed(self: Any) -> None:
        construct(self, endpoint="http://127.0.0.1:9")

    return constructed
