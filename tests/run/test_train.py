"""A stage that is stopped anywhere ends as one that never was; what Lightning is given, it gets."""

import csv
import dataclasses
import math
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules import FineTuner, Optimization
from distill.recipe.stages import Stage
from distill.run.train import History, Trained, finished
from distill.run.train import train as train_stage
from distill.tasks.attributes.metric import MeanAveragePrecision
from tests.helpers.nets import SMALL

# 4 steps a pass.
STAGE = Stage(
    epochs=3,
    batch_size=8,
    views=Views(mixup=0.3),
    optimization=Optimization(learning_rate=0.1, ema=0.5),
    checkpoint_steps=2,
)
CPU: dict[str, Any] = {"accelerator": "cpu", "devices": 1}


class CrashError(Exception):
    """Stands for whatever ends a process."""


def network(outputs: int) -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(144, outputs))
    return nn.Sequential(*layers)


@pytest.fixture
def fit(train: Pictures, validation: Pictures) -> Iterator[Any]:
    """Trains one stage in a place; called again there, it goes on or trains anew."""

    def call(place: Path, stage: Stage = STAGE, **arguments: Any) -> Trained:
        metric = MeanAveragePrecision(train.classes)
        module = FineTuner(network(len(train.classes)), SMALL, stage.optimization, seed=1, metric=metric)
        data = ViewDataModule(train, validation, stage.views, batch_size=stage.batch_size, seed=1)
        return train_stage(place, module, data, stage, CPU | arguments)

    torch.set_num_threads(1)
    handler = signal.getsignal(signal.SIGINT)
    yield call
    signal.signal(signal.SIGINT, handler)


def crash_at(monkeypatch: pytest.MonkeyPatch, hook: str, step: int, error: type[BaseException] = CrashError) -> None:
    before = getattr(History, hook)

    def crash(self: History, trainer: L.Trainer, *args: Any, **kwargs: Any) -> None:
        before(self, trainer, *args, **kwargs)
        if trainer.global_step == step:
            raise error

    monkeypatch.setattr(History, hook, crash)


@pytest.mark.parametrize(
    ("hook", "step", "keep"),
    [
        ("on_train_batch_end", 1, "last"),  # before the first checkpoint
        ("on_train_batch_end", 3, "last"),
        ("on_train_batch_end", 4, "last"),
        ("on_validation_start", 4, "best"),  # between a pass's last step and its score
        ("on_validation_end", 4, "last"),
        ("on_train_batch_start", 4, "last"),
        ("on_train_batch_end", 7, "best"),
        ("on_validation_start", 12, "last"),
        ("on_train_end", 12, "best"),
    ],
)
def test_a_stage_stopped_anywhere_ends_as_an_unbroken_one(
    fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, step: int, keep: Any
) -> None:
    stage = dataclasses.replace(STAGE, keep=keep)
    unbroken = fit(tmp_path / "unbroken", stage)
    with monkeypatch.context() as patch, pytest.raises(CrashError):
        crash_at(patch, hook, step)
        fit(tmp_path / "stopped", stage)
    assert finished(tmp_path / "stopped") is None
    stopped = fit(tmp_path / "stopped", stage)
    results = [tmp_path / name / "result.safetensors" for name in ("unbroken", "stopped")]
    assert results[0].read_bytes() == results[1].read_bytes()
    assert stopped.history == unbroken.history
    assert [record["step"] for record in unbroken.history] == [4, 8, 12]


def test_a_checkpoint_is_not_taken_between_the_steps_of_an_accumulation(
    fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = dataclasses.replace(STAGE, checkpoint_steps=1)
    unbroken = fit(tmp_path / "unbroken", stage, accumulate_grad_batches=2)
    assert [record["step"] for record in unbroken.history] == [2, 4, 6]
    calls = []
    before = History.on_train_batch_end

    def crash(self: History, *args: Any, **kwargs: Any) -> None:
        before(self, *args, **kwargs)
        calls.append(0)
        if len(calls) == 7:  # global_step is 3 after batches 6 and 7, of which 7 has not stepped
            raise CrashError

    with monkeypatch.context() as patch, pytest.raises(CrashError):
        patch.setattr(History, "on_train_batch_end", crash)
        fit(tmp_path / "stopped", stage, accumulate_grad_batches=2)
    stopped = fit(tmp_path / "stopped", stage, accumulate_grad_batches=2)
    assert all(torch.equal(unbroken.weights[name], stopped.weights[name]) for name in unbroken.weights)
    assert stopped.history == unbroken.history


def test_the_loss_of_a_pass_is_the_mean_over_its_batches(
    fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses: list[float] = []
    step = FineTuner.training_step

    def seen(self: FineTuner, *args: Any) -> Any:
        loss = step(self, *args)
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(FineTuner, "training_step", seen)
    for place, arguments in (("each", {}), ("accumulated", {"accumulate_grad_batches": 2})):
        losses.clear()
        history = fit(tmp_path / place, **arguments).history
        means = [sum(losses[start : start + 4]) / 4 for start in (0, 4, 8)]
        assert [record["loss"] for record in history] == pytest.approx(means, rel=1e-6)


def test_gradients_are_clipped_to_the_norm_a_stage_names(
    fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first step, from equal weights and on equal views, the gradients differ by their length alone."""
    first: list[list[torch.Tensor]] = []
    before = History.on_train_batch_end

    def seen(self: History, trainer: L.Trainer, module: L.LightningModule, *args: Any) -> None:
        before(self, trainer, module, *args)
        if trainer.global_step == 1:
            first.append([one.grad.clone() for one in module.network.parameters() if one.grad is not None])

    monkeypatch.setattr(History, "on_train_batch_end", seen)
    for clip in (None, 0.25, 1e6):
        fit(tmp_path / str(clip), dataclasses.replace(STAGE, epochs=1, clip=clip))
    free, clipped, loose = first
    norm = math.sqrt(math.fsum(float(one.double().square().sum()) for one in free))
    assert norm > 0.5 and len(free) == 6
    for one, two, three in zip(free, clipped, loose, strict=True):
        torch.testing.assert_close(two, one * (0.25 / norm), rtol=1e-4, atol=1e-7)
        assert torch.equal(three, one)


def test_the_best_pass_is_kept_and_the_last_one_otherwise(
    fit: Any, tmp_path: Path, train: Pictures, validation: Pictures
) -> None:
    # The learning rate makes the last pass worse than an earlier one.
    last, best = (fit(tmp_path / keep, dataclasses.replace(STAGE, keep=keep)) for keep in ("last", "best"))
    assert last.history == best.history
    scores = [record["val_mAP"] for record in last.history]
    assert scores.index(max(scores)) < len(scores) - 1  # else this test shows nothing

    def score(state: dict[str, torch.Tensor]) -> float:
        metric = MeanAveragePrecision(train.classes)
        module = FineTuner(network(len(train.classes)), SMALL, metric=metric)
        module.network.load_state_dict(state)
        data = ViewDataModule(train, validation, STAGE.views, batch_size=8, seed=1)
        trainer = L.Trainer(**CPU, logger=False, enable_progress_bar=False)
        return float(trainer.validate(module, data, verbose=False)[0]["val_mAP"])

    assert score(best.weights) == pytest.approx(max(scores))
    assert score(last.weights) == pytest.approx(scores[-1])


def test_no_pass_is_best_where_none_is_validated(fit: Any, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"no pass was validated.*keep to last"):
        fit(tmp_path, dataclasses.replace(STAGE, epochs=1, keep="best"), limit_val_batches=0)


def test_what_nothing_measures_has_no_best_and_is_not_trained(
    train: Pictures, validation: Pictures, tmp_path: Path
) -> None:
    stage = dataclasses.replace(STAGE, keep="best")
    module = FineTuner(network(len(train.classes)), SMALL, stage.optimization, seed=1)
    data = ViewDataModule(train, validation, stage.views, batch_size=stage.batch_size, seed=1)
    with pytest.raises(DistillError, match=r"nothing is measured to tell the best by\. Set keep to last"):
        train_stage(tmp_path / "stage", module, data, stage, CPU)
    assert not (tmp_path / "stage").exists()


def test_a_pass_that_was_not_validated_has_no_score(fit: Any, tmp_path: Path) -> None:
    history = fit(tmp_path, check_val_every_n_epoch=2).history
    assert ["val_mAP" in record for record in history] == [False, True, False]


def test_a_finished_stage_leaves_its_result_alone(fit: Any, tmp_path: Path) -> None:
    trained = fit(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["result.safetensors", "stage.json"]
    reread = finished(tmp_path)
    assert reread is not None and reread.history == trained.history and reread.seconds == trained.seconds
    assert reread.weights.keys() == trained.weights.keys()
    assert all(torch.equal(reread.weights[name], tensor) for name, tensor in trained.weights.items())


def test_ctrl_c_stops_and_the_next_call_goes_on(fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unbroken = fit(tmp_path / "unbroken")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        crash_at(patch, "on_train_batch_end", 5, KeyboardInterrupt)
        fit(tmp_path / "stopped")
    stopped = fit(tmp_path / "stopped")
    assert all(torch.equal(unbroken.weights[name], stopped.weights[name]) for name in unbroken.weights)


def test_a_broken_checkpoint_is_named(fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(CrashError):
        crash_at(patch, "on_train_batch_end", 3)
        fit(tmp_path)
    (checkpoint,) = tmp_path.glob("*.ckpt")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-200])
    with pytest.raises(DistillError, match=f"{re.escape(str(checkpoint))}: damaged.*Delete it"):
        fit(tmp_path)
    checkpoint.unlink()
    assert len(fit(tmp_path).history) == 3


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_a_checkpoint_of_which_a_bit_was_flipped_is_not_resumed(
    fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    stage = dataclasses.replace(STAGE, keep="best")
    with monkeypatch.context() as patch, pytest.raises(CrashError):
        crash_at(patch, "on_train_batch_start", 9)
        fit(tmp_path, stage)
    good = (tmp_path / name).read_bytes()
    drawn = random.Random(0)
    for bit in (drawn.randrange(8 * len(good)) for _ in range(10 if name == "last.ckpt" else 1)):
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        (tmp_path / name).write_bytes(content)
        # The best pass is looked at once the last has ended; there is no better one to come.
        monkeypatch.setattr("distill.run.train.History.is_best", lambda history: False)
        with pytest.raises(DistillError, match=rf"{name}: damaged: it is not what it has the sha256 of.*begins anew"):
            fit(tmp_path, stage)
    assert not (tmp_path / "stage.json").exists()


def test_each_stage_has_a_copy_of_the_logger(fit: Any, tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path / "logs")
    for place in ("one", "two"):
        fit(tmp_path / place, logger=logger, log_every_n_steps=1)
    written = sorted((tmp_path / "logs").rglob("metrics.csv"))
    assert len(written) == 2
    assert all("train_loss" in file.read_text() and "val_mAP" in file.read_text() for file in written)


@pytest.mark.parametrize(
    ("hook", "step"), [("on_train_batch_end", 3), ("on_train_batch_end", 7), ("on_train_batch_start", 4)]
)
def test_a_resumed_pass_is_logged_whole(
    fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, step: int
) -> None:
    def losses(place: str) -> dict[str, str]:
        rows = [
            row for file in sorted(tmp_path.glob(f"{place}/*/*/metrics.csv")) for row in csv.DictReader(file.open())
        ]
        return {row["epoch"]: row["train_loss"] for row in rows if row.get("train_loss")}

    fit(tmp_path / "unbroken", logger=CSVLogger(tmp_path / "unbroken"), log_every_n_steps=1)
    logger = CSVLogger(tmp_path / "stopped")
    with monkeypatch.context() as patch, pytest.raises(CrashError):
        crash_at(patch, hook, step)
        fit(tmp_path / "stopped", logger=logger, log_every_n_steps=1)
    fit(tmp_path / "stopped", logger=logger, log_every_n_steps=1)
    assert losses("stopped") == losses("unbroken") and len(losses("unbroken")) == 3


@pytest.mark.parametrize("arguments", [{"accelerator": "nonsense"}, {"accumulate_grad_batches": 2, "barebones": True}])
def test_what_lightning_refuses_is_no_traceback(fit: Any, tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(DistillError, match="trainer: Lightning refuses"):
        fit(tmp_path, **arguments)


def test_a_picture_alone_in_its_process_is_refused(fit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(L.Trainer, "world_size", 5)
    with pytest.raises(DistillError, match="batch_size is 8 over 5 processes, expected 2 or more pictures for each"):
        fit(tmp_path)


def test_a_stage_ends_when_its_time_is_up(fit: Any, tmp_path: Path) -> None:
    endless = dataclasses.replace(STAGE, epochs=100_000)
    assert 0 < len(fit(tmp_path, endless, max_time={"seconds": 1}).history) < 100_000


def test_validation_may_come_after_steps_in_place_of_passes(fit: Any, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"Lightning refuses these arguments: .*check_val_every_n_epoch=None"):
        fit(tmp_path / "refused", val_check_interval=6)
    history = fit(tmp_path / "run", val_check_interval=6, check_val_every_n_epoch=None).history
    assert ["val_mAP" in record for record in history] == [False, True, True]
