"""What a stage says of itself while it runs, from outside."""

import json
from pathlib import Path
from typing import Any

import lightning as L
import pytest

import distill.run.progress
from distill.files.sealed import write_sealed
from distill.run.progress import PROGRESS, Progress, ProgressFile, read_progress
from distill.run.train import History
from tests.helpers.running import finished, run_recipe, without_files


def test_each_pass_is_written_with_the_best_score_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = str(finished()[1] / "teacher" / "teacher.safetensors")
    without_files(monkeypatch)
    seen: list[Progress] = []
    after = ProgressFile.on_train_epoch_end

    def watch(self: ProgressFile, trainer: L.Trainer, module: Any) -> None:
        after(self, trainer, module)
        progress = read_progress(self.directory)
        assert progress is not None
        seen.append(progress)

    monkeypatch.setattr(ProgressFile, "on_train_epoch_end", watch)
    run_recipe(
        finished()[0],
        tmp_path / "run",
        ["--stages", "[transfer]", "--teacher.weights", weights, "--transfer.epochs", "3"],
    )
    (stage,) = (tmp_path / "run").glob("stages/transfer-*")
    history = json.loads((stage / "stage.json").read_text())["history"]
    assert [(one.done, one.passes, one.metric) for one in seen] == [(n, 3, "val_mAP") for n in (1, 2, 3)]
    assert [one.loss for one in seen] == [record["loss"] for record in history]
    assert [one.best for one in seen] == [max(record["val_mAP"] for record in history[:n]) for n in (1, 2, 3)]
    assert read_progress(stage) is None and not (stage / PROGRESS).exists()  # it is done


@pytest.mark.parametrize(("passes", "lines"), [(3, 3), (20, 20), (21, 10), (100, 20)])
def test_where_there_is_no_terminal_it_is_said_in_few_lines(
    passes: int, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Said:
        is_terminal = False
        lines: list[str] = []  # noqa: RUF012

        def print(self, line: str, **_: Any) -> None:
            self.lines.append(line)

    class Fitting:
        is_global_zero, max_epochs = True, passes

    said = Said()
    said.lines = []
    monkeypatch.setattr(distill.run.progress, "console", said)
    history = History("val_mAP")
    place = tmp_path / "transfer-0123"
    place.mkdir()
    for number in range(passes):
        history.records.append({"step": number, "loss": 0.5, "val_mAP": 0.1 * (number == 1)})
        ProgressFile(place, lambda: history.records, "val_mAP").on_train_epoch_end(Fitting(), None)  # type: ignore[arg-type]
    assert len(said.lines) == lines
    assert said.lines[-1].startswith("transfer: pass ")
    said.is_terminal = True
    ProgressFile(place, lambda: history.records, "val_mAP").on_train_epoch_end(Fitting(), None)  # type: ignore[arg-type]
    assert len(said.lines) == lines


def test_in_words() -> None:
    assert str(Progress(3, 60, 0.25, "val_mAP", 0.5)) == "pass 3 of 60, loss 0.25, val_mAP 0.5000 at best"
    assert str(Progress(3, 60, 0.25, "", None)) == "pass 3 of 60, loss 0.25"


def test_of_more_keys_those_that_are_known_are_read(tmp_path: Path) -> None:
    content = {"done": 1, "passes": 2, "loss": 0.5, "metric": "val_mAP", "best": None}
    write_sealed(tmp_path / PROGRESS, {**content, "more": 1})
    assert read_progress(tmp_path) == Progress(1, 2, 0.5, "val_mAP", None)
