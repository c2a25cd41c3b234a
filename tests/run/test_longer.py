"""Epochs that are raised go on from the shorter training to the student of an unbroken one, or it is said why not."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from distill.modules.distiller import Distiller
from distill.modules.optimization import Optimization
from distill.recipe.stages import Stage
from distill.run.longer import Shorter, note, shorter, why_not
from tests.helpers.running import TINY, finished, run_recipe, without_files, write_recipe

CONSTANT = ["--transfer.optimization.schedule", "constant", "--transfer.optimization.warmup", "0"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Transfers for some passes in a place; gives the student's bytes, the steps taken and what was said."""
    weights = str(finished()[1] / "teacher" / "teacher.safetensors")
    recipe = write_recipe(tmp_path, TINY | {"prepare": {**TINY["prepare"], "root": str(tmp_path / "data")}})
    without_files(monkeypatch)
    steps: list[int] = []
    step = Distiller.training_step

    def counted(self: Any, *arguments: Any) -> Any:
        steps.append(1)
        return step(self, *arguments)

    monkeypatch.setattr(Distiller, "training_step", counted)

    def run(place: str, epochs: int, *arguments: str) -> tuple[bytes, int, str]:
        steps.clear()
        capsys.readouterr()
        keys = ["--stages", "[transfer]", "--teacher.weights", weights, "--transfer.epochs", str(epochs), *arguments]
        run_recipe(recipe, tmp_path / place, keys)
        said = re.sub(r"\s+", " ", capsys.readouterr().err)
        return (tmp_path / place / "student" / "student.safetensors").read_bytes(), len(steps), said

    return run


@pytest.mark.parametrize("keep", ["last", pytest.param("best", marks=pytest.mark.long)])
def test_a_constant_rate_goes_on_to_the_same_student(runs: Any, keep: str) -> None:
    arguments = [*CONSTANT, "--transfer.keep", keep]
    unbroken, steps, said = runs("unbroken", 3, *arguments)
    assert steps == 12 and "goes on" not in said
    runs("raised", 1, *arguments)
    student, steps, said = runs("raised", 3, *arguments)
    assert steps == 8 and student == unbroken
    assert "transfer: goes on from the 1 passes in " in said
    assert runs("raised", 1, *arguments)[1] == runs("raised", 3, *arguments)[1] == 0  # both are done


def test_a_kill_while_a_shorter_training_is_taken_over_loses_nothing(
    runs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*CONSTANT, "--transfer.keep", "best"]
    unbroken, *_ = runs("unbroken", 2, *arguments)
    runs("killed", 1, *arguments)
    copy, copied = shutil.copyfile, []

    def killed(source: Any, target: Any) -> None:
        if copied:
            raise KeyboardInterrupt
        copied.append(copy(source, target))

    with monkeypatch.context() as patch:
        patch.setattr("distill.run.longer.shutil.copyfile", killed)
        with pytest.raises(KeyboardInterrupt):
            runs("killed", 2, *arguments)
    student, steps, said = runs("killed", 2, *arguments)
    assert student == unbroken and steps == 4 and "goes on from the 1 passes in" in said


@pytest.mark.parametrize("arguments", [[], CONSTANT])
def test_what_a_kill_just_after_the_result_left_is_put_right(
    runs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    runs("undisturbed", 1, *arguments)
    with monkeypatch.context() as patch:
        patch.setattr("distill.run.train.tidy", killed)
        with pytest.raises(KeyboardInterrupt):
            runs("killed", 1, *arguments)
    assert list((tmp_path / "killed").glob("stages/*/last.ckpt"))
    assert runs("killed", 1, *arguments)[1] == 0  # the stage is done
    left = [
        {str(file.relative_to(tmp_path / place)) for file in (tmp_path / place).glob("stages/*/*")}
        for place in ("undisturbed", "killed")
    ]
    assert left[0] == left[1]
    (lineage,) = (tmp_path / "killed").glob("stages/*/lineage.json")
    (expected,) = (tmp_path / "undisturbed").glob("stages/*/lineage.json")
    lineage.write_bytes(expected.read_bytes().replace(b"passes", b"pasSes"))
    runs("killed", 1, *arguments)
    assert lineage.read_bytes() == expected.read_bytes()  # a damaged one is written again


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "begins anew, not after the 1 passes in .*: their learning rate ran by a schedule over all steps"),
        pytest.param(
            [*CONSTANT[:2], "--transfer.optimization.warmup", "0.5"],
            "begins anew, not after the 1 passes",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_schedule_over_all_steps_begins_anew_and_says_so(runs: Any, arguments: list[str], why: str) -> None:
    unbroken, _, said = runs("unbroken", 3, *arguments)
    assert "begins anew" not in said
    runs("raised", 1, *arguments)
    student, steps, said = runs("raised", 3, *arguments)
    assert steps == 12 and student == unbroken and re.search(why, said)


@pytest.mark.parametrize("other", [["--seed", "9"], ["--transfer.optimization.learning_rate", "0.001"]])
def test_another_training_is_not_gone_on_from(runs: Any, other: list[str]) -> None:
    runs("raised", 1, *CONSTANT)
    _, steps, said = runs("raised", 2, *CONSTANT, *other)
    assert steps == 8 and "goes on" not in said and "begins anew" not in said


def test_the_longest_of_the_shorter_ones_is_taken(tmp_path: Path) -> None:
    for passes, lineage in ((1, "a"), (3, "a"), (4, "a"), (2, "b")):
        place = tmp_path / f"transfer-{passes}{lineage}"
        place.mkdir()
        note(place, lineage, Stage(epochs=passes), 4 * passes)
    found = shorter(tmp_path / "transfer-new", "a", 4)
    assert found is not None and (found.passes, found.steps) == (3, 12)
    assert shorter(tmp_path / "transfer-new", "a", 1) is None and shorter(tmp_path / "transfer-new", "c", 9) is None


def test_settings_chosen_by_length_are_another_training() -> None:
    stage = Stage(epochs=4, batch_size=64, optimization=Optimization(schedule="constant", warmup=0.0))
    settings = {"batch_size": 64, "optimization": {**vars(stage.optimization)}}
    assert why_not(Shorter(Path(), 2, 8, settings), stage) is None
    settings["optimization"]["learning_rate"] = 2e-3
    assert why_not(Shorter(Path(), 2, 8, settings), stage) == "what the recipe leaves out was chosen for their length"
