"""A run that was cut off ends where an unbroken one does, to the last bit."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.data.views.views import Views
from distill.modules import Distiller, Optimization
from distill.tasks.attributes.metric import MeanAveragePrecision
from tests.helpers.nets import CLASSES, SMALL, ConvTeacher, clone, conv_student, same, trainer

MAP = MeanAveragePrecision(CLASSES)
PASSES, STEPS_A_PASS = 3, 4


class PowerCutError(Exception):
    pass


class PowerCut(Callback):
    def __init__(self, step: int | None) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise PowerCutError


class Order(Callback):
    """Which pictures each step trained on."""

    def __init__(self) -> None:
        self.steps: dict[int, list[int]] = {}

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, batch: Any, *_: Any) -> None:
        self.steps[trainer.global_step] = batch.index.tolist()


def fit(
    pictures: tuple[Pictures, Pictures], place: Path, every: int, cut: int | None = None, resume: bool = False
) -> tuple[dict[str, Tensor], dict[int, list[int]]]:
    """Train a student with dropout, an average and validation; the state of all of it, the last pass's loss among it,
    and the order."""
    options = Optimization(learning_rate=0.02, ema=0.9)
    module = Distiller(
        conv_student(dropout=0.5),
        ConvTeacher(),
        preprocess=SMALL,
        optimization=options,
        metric=MAP,
        seed=1,
    )
    data = ViewDataModule(*pictures, Views(mixup=0.3, count=2), batch_size=8, seed=3)
    order = Order()
    saving = ModelCheckpoint(
        place, "last", every_n_train_steps=every, save_on_train_epoch_end=False, enable_version_counter=False
    )
    fitted = trainer(
        max_epochs=PASSES, enable_checkpointing=True, num_sanity_val_steps=0, callbacks=[PowerCut(cut), order, saving]
    )
    checkpoint = place / "last.ckpt"
    try:
        fitted.fit(module, data, ckpt_path=checkpoint if resume else None, weights_only=True)
    except PowerCutError:
        assert cut is not None
    loss = fitted.callback_metrics.get("train_loss", torch.zeros(()))
    return clone({**module.state_dict(), "train_loss": loss}.items()), order.steps


@pytest.fixture(scope="module")
def unbroken(
    train: Pictures, validation: Pictures, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Tensor], dict[int, list[int]]]:
    state, order = fit((train, validation), tmp_path_factory.mktemp("unbroken"), every=100)
    assert list(order) == list(range(1, PASSES * STEPS_A_PASS + 1))
    return state, order


@pytest.mark.parametrize(
    ("every", "cut", "resumed_at"),
    [(3, 5, 3), (3, 8, 6), (5, 11, 10), (4, 4, 4), (4, 7, 4), (1, 11, 11)],
    ids=["pass 1", "pass 2", "last pass", "end of a pass", "start of a pass", "last step"],
)
def test_a_resumed_run_ends_with_the_same_bits(
    unbroken: tuple[dict[str, Tensor], dict[int, list[int]]],
    train: Pictures,
    validation: Pictures,
    tmp_path: Path,
    every: int,
    cut: int,
    resumed_at: int,
) -> None:
    broken, begun = fit((train, validation), tmp_path, every, cut=cut)
    assert len(begun) == cut and not same(broken, unbroken[0])
    state, order = fit((train, validation), tmp_path, every, resume=True)
    assert list(order) == list(range(resumed_at + 1, PASSES * STEPS_A_PASS + 1))
    assert begun | order == unbroken[1]
    assert same(state, unbroken[0])
