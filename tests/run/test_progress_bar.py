"""The bar shows the loss of a step, and waits for it only where it is drawn."""

import re
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.data.views.views import Views
from distill.modules import FineTuner
from distill.run.progress_bar import LossBar
from distill.tasks.attributes.metric import MeanAveragePrecision
from tests.helpers.nets import CLASSES, SMALL, linear_student, trainer


class Losses(Callback):
    """What a step's loss was, and what the bar says it was."""

    def __init__(self, bar: LossBar) -> None:
        self.bar, self.pairs = bar, list[tuple[float, dict[str, Any]]]()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.pairs.append((float(outputs["loss"]), self.bar.get_metrics(trainer, pl_module)))


@pytest.mark.parametrize(("every", "together"), [(1, 1), (3, 1), (1, 2)])
def test_it_shows_the_loss_of_the_step_it_was_drawn_at(
    train: Pictures, validation: Pictures, every: int, together: int, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.set_num_threads(1)
    bar = LossBar()
    bar._refresh_rate = every
    losses = Losses(bar)
    module = FineTuner(linear_student(), SMALL, metric=MeanAveragePrecision(CLASSES))
    data = ViewDataModule(train, validation, Views(), batch_size=4, seed=0)  # 8 steps a pass
    trainer(max_epochs=2, callbacks=[bar, losses], enable_progress_bar=True, accumulate_grad_batches=together).fit(
        module, data
    )
    shown = None
    for step, (loss, figures) in enumerate(losses.pairs):
        if (step % 8 + 1) % every == 0:
            shown = loss * together  # which Lightning divides by it
        assert figures.get("loss") == (None if shown is None else pytest.approx(shown))
        assert ("val_mAP" in figures) == (step >= 8) and not any(name.startswith("train_") for name in figures)
    printed = re.findall(r"loss: (\d+\.\d+)", " ".join(capsys.readouterr().out.split()))
    assert float(printed[-1]) == pytest.approx(shown, abs=6e-4)


def test_a_bar_of_lightnings_own_shows_the_mean_of_a_pass(train: Pictures) -> None:
    module, loop = FineTuner(linear_student(), SMALL), trainer(max_epochs=1)
    loop.fit(module, ViewDataModule(train, None, Views(), batch_size=4, seed=0))
    assert loop.progress_bar_metrics.keys() == {"train_loss"}
