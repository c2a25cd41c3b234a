"""A recipe's loggers and callbacks are made for each stage, and what cannot be had is said before anything is read."""

import sys
import types
from pathlib import Path
from typing import Any

import lightning.fabric.loggers.tensorboard
import lightning.pytorch.loggers.tensorboard
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger

from distill import cli
from distill.errors import DistillError
from distill.recipe.stages import Stage
from distill.run.trainer import check_trainer, trainer_of
from tests.helpers.running import TINY, finished, read, run_recipe, without_files, write_recipe

CPU: dict[str, Any] = {"accelerator": "cpu", "devices": 1}
CALLBACKS = "[LearningRateMonitor, {class_path: EarlyStopping, init_args: {monitor: val_mAP, mode: max, patience: 4}}]"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


def test_a_logger_without_a_place_writes_into_its_stage(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_files(monkeypatch)
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    run_recipe(tiny, tmp_path / "run", ["--trainer.logger", "CSVLogger", "--trainer.log_every_n_steps", "1"])
    logs = {file.relative_to(tmp_path / "run").parts[1].partition("-")[0] for file in tmp_path.rglob("metrics.csv")}
    assert logs == {"teach", "transfer"}
    assert {path for path in set(tmp_path.rglob("*")) - before if not path.is_relative_to(tmp_path / "run")} == set()


def test_they_are_made_for_one_trainer(tiny: Path, tmp_path: Path) -> None:
    recipe, _ = read(tiny, ["--trainer.logger=CSVLogger", "--trainer.callbacks", CALLBACKS])
    trainers = [trainer_of(Stage(), recipe.trainer, [], tmp_path / name) for name in ("one", "two")]
    first, second = (trainer.logger for trainer in trainers)
    assert isinstance(first, CSVLogger) and first is not second
    assert [Path(str(trainer.logger.save_dir)) for trainer in trainers if trainer.logger] == [
        tmp_path / "one",
        tmp_path / "two",
    ]
    kinds = [[type(own) for own in trainer.callbacks] for trainer in trainers]  # type: ignore[attr-defined]
    assert kinds[0] == kinds[1] and {LearningRateMonitor, EarlyStopping} <= set(kinds[0])
    (stopping,) = (own for own in trainers[0].callbacks if isinstance(own, EarlyStopping))  # type: ignore[attr-defined]
    assert (stopping.monitor, stopping.patience) == ("val_mAP", 4)


def test_tensorboard_writes_into_the_stage_too(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer stands in for the package's own, which need not be installed here; Lightning makes it."""
    written: list[tuple[Path, str, float, int]] = []

    class SummaryWriter:
        def __init__(self, log_dir: str) -> None:
            self.place = Path(log_dir)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((self.place, name, value, step))

    package = types.ModuleType("tensorboardX")
    package.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tensorboardX", package)
    for name, available in (("_TENSORBOARD_AVAILABLE", False), ("_TENSORBOARDX_AVAILABLE", True)):
        monkeypatch.setattr(lightning.fabric.loggers.tensorboard, name, available)
    monkeypatch.setattr(lightning.pytorch.loggers.tensorboard, "_TENSORBOARD_AVAILABLE", False)
    recipe, _ = read(tiny, ["--trainer.logger", "TensorBoardLogger"])
    (logger,) = trainer_of(Stage(), recipe.trainer, [], tmp_path / "stage").loggers
    logger.log_metrics({"loss": 0.5}, 7)
    ((place, *scalar),) = written
    assert place.is_relative_to(tmp_path / "stage") and scalar == ["loss", 0.5, 7]


def test_a_callback_makes_another_stage(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_files(monkeypatch)
    stop = "{class_path: EarlyStopping, init_args: {monitor: val_mAP, mode: max, stopping_threshold: 0.0}}"
    longer = ["--transfer.epochs", "5", "--stages", "[transfer]", "--teacher.weights"]
    longer.append(str(finished()[1] / "teacher" / "teacher.safetensors"))
    run_recipe(tiny, tmp_path / "run", longer)
    results = run_recipe(tiny, tmp_path / "run", [*longer, "--trainer.callbacks", stop])
    assert len(list((tmp_path / "run").glob("stages/transfer-*"))) == 2
    assert results["stages"][0]["name"] == "transfer"
    histories = [file.read_text().count('"loss"') for file in (tmp_path / "run").glob("stages/transfer-*/stage.json")]
    assert sorted(histories) == [1, 5]


@pytest.mark.parametrize("command", ["run", "sweep", "store"])
def test_a_gpu_that_is_not_there_is_refused_before_anything_is_loaded(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    recipe = write_recipe(tmp_path, TINY | {"data": {"name": "folder", "root": str(tmp_path / "nowhere")}})
    swept = ["--student.width", "0.1,0.2"] if command == "sweep" else []
    out = tmp_path / "out"
    assert cli.main([command, str(recipe), "--out", str(out), "--trainer.accelerator", "gpu", *swept]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"distill {command}: trainer.accelerator is gpu, and torch finds no GPU on this machine" in said
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--trainer.logger", "WandbLogger"], "trainer.logger: WandbLogger needs a package that is not installed"),
        (["--trainer.strategy", "nonsense"], "trainer: Lightning refuses these arguments: .*nonsense"),
        (["--trainer.callbacks", "[ModelCheckpoint]"], "trainer: Lightning refuses these arguments: .*ModelCheckpoint"),
    ],
)
def test_what_cannot_be_had_is_named(tiny: Path, arguments: list[str], found: str) -> None:
    recipe, _ = read(tiny, arguments)
    with pytest.raises(DistillError, match=found):
        check_trainer(recipe)


def test_a_probe_needs_no_trainer_and_a_stage_takes_what_there_is(tiny: Path) -> None:
    check_trainer(read(tiny)[0])
    trainer = trainer_of(Stage(epochs=7, clip=2.0), CPU, [], tiny.parent)
    assert (trainer.max_epochs, trainer.gradient_clip_val, trainer.loggers) == (7, 2.0, [])
