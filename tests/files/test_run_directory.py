"""Whose directory a run goes on in, and what makes two pieces of work the same."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from distill.data.rendered.faces import RenderedFaces
from distill.errors import DistillError
from distill.files.run_directory import RunDirectory, key_of
from distill.files.sealed import write_sealed


def claim(root: Path, recipe: str = "mine", resolved: str = "seed: 0\n") -> RunDirectory:
    return RunDirectory.claim(root, recipe, resolved)


def test_a_directory_is_made_and_gone_on_in(tmp_path: Path) -> None:
    root = tmp_path / "runs" / "mine"
    assert claim(root).root == root
    (root / "kept").write_text("x")
    assert claim(root, resolved="seed: 1\n").root == root
    assert (root / "kept").read_text() == "x"
    assert (root / "recipe.yaml").read_text() == "seed: 1\n"
    assert json.loads((root / "run.json").read_text())["recipe"] == "mine"


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    assert claim(tmp_path).root == tmp_path


def test_what_a_kill_left_while_claiming_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".run.json.123.part").write_text("{")
    assert claim(tmp_path).root == tmp_path


def test_another_recipes_directory_is_refused_untouched(tmp_path: Path) -> None:
    claim(tmp_path, "theirs")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(DistillError, match=r"run of recipe 'theirs', and this is 'mine'.*--out"):
        claim(tmp_path, resolved="other")
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_directory_that_is_no_run_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DistillError, match=r"not a run directory.*--out"):
        claim(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("[]", "has no sha256 of itself"), ("{}", "version None"), ('{"version": 2, "recipe": "mine"}', "has no sha256")],
)
def test_a_strange_marker_is_refused(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(DistillError, match=said):
        claim(tmp_path)


def test_a_marker_of_which_a_bit_was_flipped_is_damaged_and_not_old(tmp_path: Path) -> None:
    claim(tmp_path)
    marker = tmp_path / "run.json"
    text = marker.read_text()
    marker.write_text(text.replace('"version": 2', '"version": 3'))
    with pytest.raises(DistillError, match=r"run\.json: damaged: it is not what it has the sha256 of"):
        claim(tmp_path)
    # With a checksum of its own it is another version's.
    write_sealed(marker, {"recipe": "mine", "version": 3})
    with pytest.raises(DistillError, match="is of version 3, expected 2"):
        claim(tmp_path)
    write_sealed(marker, {"recipe": ["mine"], "version": 2})
    with pytest.raises(DistillError, match=rf"run\.json: recipe is \['mine'\], expected a text\. .* delete {tmp_path}"):
        claim(tmp_path)


@pytest.mark.parametrize("version", [None, 1, 3])
def test_another_versions_directory_is_refused_untouched(tmp_path: Path, version: int | None) -> None:
    claim(tmp_path)
    (tmp_path / "student").mkdir()
    content = {"recipe": "mine"} if version is None else {"recipe": "mine", "version": version}
    (tmp_path / "run.json").write_text(json.dumps(content))
    before = {file: file.is_dir() or file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(DistillError) as caught:
        claim(tmp_path, resolved="seed: 1\n")
    assert str(caught.value) == (
        f"{tmp_path / 'run.json'}: is of version {version}, expected 2: another distill wrote it. Run in another place "
        f"(--out), or delete {tmp_path}."
    )
    assert {file: file.is_dir() or file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_key_is_still_that_of_sets_prepared_by_former_versions() -> None:
    text = json.dumps([1, "faces", 32])
    assert key_of("faces", 32) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DistillError, match="not a run directory"):
        claim(tmp_path / "file")


def test_a_key_depends_on_every_fact_and_on_nothing_else() -> None:
    source = RenderedFaces()
    facts = ("transfer", {"epochs": 3, "clip": None}, source, 0.1, Path("a"))
    assert key_of(*facts) == key_of("transfer", {"clip": None, "epochs": 3}, RenderedFaces(), 0.1, Path("a"))
    others = [
        ("teach", *facts[1:]),
        ("transfer", {"epochs": 4, "clip": None}, *facts[2:]),
        ("transfer", {"epochs": 3, "clip": 0}, *facts[2:]),
        (*facts[:2], replace(source, seed=1), *facts[3:]),
        (*facts[:3], 0.2, Path("a")),
        (*facts[:4], Path("b")),
        facts[:4],
    ]
    assert len({key_of(*one) for one in [facts, *others]}) == len(others) + 1
    assert len(key_of(*facts)) == 16


def test_sets_prepared_by_evaluate_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "data" / "set").mkdir(parents=True)
    assert RunDirectory.claim(tmp_path, "faces", "seed: 0\n").data == tmp_path / "data"


def test_figures_of_another_recipe_text_do_not_stay(tmp_path: Path) -> None:
    RunDirectory.claim(tmp_path, "faces", "seed: 0\n")
    made = [tmp_path / "results.json", tmp_path / "student" / "config.json", tmp_path / "export" / "student.onnx"]
    for file in made:
        file.parent.mkdir(exist_ok=True)
        file.write_text("{}", encoding="utf-8")
    (tmp_path / "stages" / "teach-0").mkdir(parents=True)
    RunDirectory.claim(tmp_path, "faces", "seed: 0\n")
    RunDirectory.enter(tmp_path, "faces")
    assert all(file.exists() for file in made)
    RunDirectory.claim(tmp_path, "faces", "seed: 1\n")
    assert not any(file.exists() for file in made) and (tmp_path / "stages" / "teach-0").exists()


def test_the_recipe_that_was_damaged_is_written_again_and_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim(tmp_path)
    (tmp_path / "student").mkdir()
    for content in (b"seed: 1\n", b"", None):
        if content is None:
            (tmp_path / "recipe.yaml").unlink()
        else:
            (tmp_path / "recipe.yaml").write_bytes(content)
        claim(tmp_path)
        assert (tmp_path / "recipe.yaml").read_text() == "seed: 0\n" and (tmp_path / "student").is_dir()
        assert f"{tmp_path / 'recipe.yaml'}:" in capsys.readouterr().err
    # Another recipe is no damage.
    claim(tmp_path, resolved="seed: 1\n")
    assert not (tmp_path / "student").exists() and capsys.readouterr().err == ""
    claim(tmp_path, resolved="seed: 1\n")
    assert capsys.readouterr().err == ""


def test_a_run_whose_directory_was_taken_away_writes_nothing_more(tmp_path: Path) -> None:
    root = tmp_path / "run"
    directory = claim(root)
    with directory.alone():
        write_sealed(root / "stages" / "file.json", {})
        shutil.rmtree(root)
        with pytest.raises(DistillError, match=rf"{root}: was removed, or another run begun in its place"):
            write_sealed(root / "stages" / "file.json", {})
        assert not root.exists()
        # Another begins there: it is not written into either.
        root.mkdir()
        (root / "lock").touch()
        write_sealed(tmp_path / "elsewhere.json", {})
        with pytest.raises(DistillError, match="another run begun in its place"):
            write_sealed(root / "stages" / "file.json", {})
        assert [file.name for file in root.iterdir()] == ["lock"]
    shutil.rmtree(root)
    with claim(root).alone():
        write_sealed(root / "stages" / "file.json", {})
