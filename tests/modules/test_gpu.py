"""On a GPU, a step never waits for it: nothing is read back from the copy of a batch to the optimiser's step."""

from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.data.views.views import Views
from distill.modules import Distiller, FineTuner, Optimization
from distill.modules.training import TrainingModule
from distill.objectives import BernoulliKl
from distill.preprocess.preprocess import Preprocess
from distill.run.train import History
from students.mobilenet_v1 import mobilenet_v1
from teachers.torch_teacher import TorchTeacher
from tests.helpers.nets import CLASSES, trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
SIZE = Preprocess.imagenet(32, 32)
AVERAGED = Optimization(ema=0.9)


class NoWaiting(Callback):
    """Makes every wait for the device an error once the first steps have set up what is kept."""

    guarded = 0

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.guarded += torch.cuda.get_sync_debug_mode() == 2
        last = batch_idx + 1 == trainer.num_training_batches
        torch.cuda.set_sync_debug_mode("default" if last else "error")

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        torch.cuda.set_sync_debug_mode("default")  # or Lightning's tidying up hides where it was


def transfer() -> TrainingModule:
    network = mobilenet_v1(0.5, 48, len(CLASSES))
    teacher = TorchTeacher(network, Preprocess.imagenet(48, 48, "bicubic"), len(CLASSES), CLASSES, "mobilenet_v1")
    student = mobilenet_v1(0.25, 32, len(CLASSES))
    return Distiller(student, teacher, BernoulliKl(), preprocess=SIZE, optimization=AVERAGED)


def labels() -> TrainingModule:
    return FineTuner(mobilenet_v1(0.25, 32, len(CLASSES)), SIZE, AVERAGED)


@pytest.mark.parametrize("make", [transfer, labels])
@pytest.mark.parametrize("mixup", [0.0, 0.5])
def test_a_step_never_waits_for_the_device(train: Pictures, make: Any, mixup: float) -> None:
    guard, views = NoWaiting(), Views(mixup=mixup, brightness=0.2, contrast=0.2, saturation=0.2)
    data = ViewDataModule(train, None, views, batch_size=4, seed=0)
    try:
        loop = trainer(
            accelerator="gpu", devices=1, max_epochs=2, gradient_clip_val=5.0, callbacks=[History(""), guard]
        )
        loop.fit(make(), data)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert guard.guarded == 14  # of two passes of eight steps all but the first of each


def test_waiting_would_be_seen() -> None:
    torch.cuda.set_sync_debug_mode("error")
    try:
        with pytest.raises(RuntimeError, match="synchronizing"):
            float(torch.ones((), device="cuda"))
    finally:
        torch.cuda.set_sync_debug_mode("default")
