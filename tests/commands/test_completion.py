"""What the shells' completion offers, asked of bash itself."""

import subprocess
from pathlib import Path

import pytest

from distill import cli
from distill.commands import COMMANDS
from distill.objectives import Objective
from distill.recipe.written import recipe_names
from distill.registries import OBJECTIVES, STUDENTS, TASKS
from tests.helpers.toy_package import install


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an objective of a package, and a student of another one that is broken."""
    place = tmp_path_factory.mktemp("completion")
    source = "from dataclasses import dataclass\n\n@dataclass\nclass Toy:\n    toy_power: float = 1.0\n"
    with pytest.MonkeyPatch.context() as patch, (place / "script").open("w") as file:
        groups = {OBJECTIVES.group: {"toy": "toy_completed:Toy"}, STUDENTS.group: {"toy_broken": "toy_absent:Toy"}}
        install(place / "package", patch, {"toy_completed": source}, groups)
        patch.setattr("sys.stdout", file)
        assert cli.main(["completion", "bash"]) == 0
    return place / "script"


def offered(script: Path, *words: str, folder: Path | None = None) -> list[str]:
    """What bash offers for the last word."""
    listed = " ".join(f"'{word}'" for word in ("distill", *words))
    asking = f"""
        source '{script}'
        COMP_WORDS=({listed}) COMP_CWORD={len(words)}
        $(complete -p distill | sed -E 's/.*-F ([^ ]+).*/\\1/')
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", asking], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.split()


def test_commands(script: Path) -> None:
    assert set(offered(script, "")) >= set(COMMANDS)
    assert offered(script, "sw") == ["sweep"]


def test_recipes_by_name_or_file(script: Path, tmp_path: Path) -> None:
    for name in ("mine.yaml", "other.txt"):
        (tmp_path / name).touch()
    assert set(offered(script, "run", "", folder=tmp_path)) == {*recipe_names(), "mine.yaml"}
    assert offered(script, "sweep", "stan", folder=tmp_path) == ["stanford_dogs"]


def test_options_and_keys(script: Path) -> None:
    assert set(offered(script, "run", "stanford_dogs", "--s")) >= {"--seeds", "--seed", "--stages", "--student.width"}
    assert offered(script, "store", "stanford_dogs", "--objective.toy") == ["--objective.toy_power"]
    assert offered(script, "push", "--dry") == ["--dry-run"] and not offered(script, "push", "--student.w")


def test_names_of_variants(script: Path) -> None:
    assert set(offered(script, "run", "stanford_dogs", "--objective", "")) == {*OBJECTIVES.names(), "toy"}
    assert offered(script, "run", "stanford_dogs", "--student", "mobilenetv3_s")[0].startswith("mobilenetv3_small")
    assert "toy_broken" in offered(script, "run", "stanford_dogs", "--student.name", "toy")
    assert set(offered(script, "run", "stanford_dogs", "--task", "")) == set(TASKS.names())


def test_zsh_is_offered_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", "zsh"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("#compdef distill") and "--student.width" in shown and "stanford_dogs" in shown
    assert issubclass(OBJECTIVES.get("dkd"), Objective)  # the toys are gone
