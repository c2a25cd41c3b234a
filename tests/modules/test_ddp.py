"""Two processes train on the batches of one, take its steps and measure its score."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.data.views.views import Views
from distill.modules import Distiller, Optimization
from distill.run.train import History
from distill.tasks.attributes.metric import MeanAveragePrecision
from tests.helpers.nets import CLASSES, SMALL, ConvTeacher, clone, linear_student, trainer

MAP = MeanAveragePrecision(CLASSES)


@dataclass
class Seen:
    """What one process saw: the pictures and the student's gradient of each step, the scores and the losses."""

    batches: list[Tensor] = field(default_factory=list)
    gradients: list[dict[str, Tensor]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


class Recorder(Callback):
    def __init__(self, place: Path) -> None:
        self.place, self.seen = place, Seen()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, *_: Any) -> None:
        self.seen.batches.append(batch.index.clone())

    def on_after_backward(self, trainer: L.Trainer, pl_module: Any) -> None:
        gradients = {name: p.grad for name, p in pl_module.network.named_parameters() if p.grad is not None}
        self.seen.gradients.append(clone(gradients.items()))

    def on_validation_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self.seen.scores.append(float(trainer.callback_metrics["val_mAP"]))

    def on_train_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        (history,) = (one for one in trainer.callbacks if isinstance(one, History))
        self.seen.losses = [record["loss"] for record in history.records] + [
            float(trainer.callback_metrics["train_loss"])
        ]
        torch.save(vars(self.seen), self.place / f"{trainer.world_size} {trainer.global_rank}.pt")


def fit(train: Pictures, validation: Pictures, place: Path, **options: Any) -> list[Seen]:
    """Two passes over four batches; the weights all but stand still, so that every step is comparable."""
    # The average is there to be sent to the processes and for its buffers, which DDP exchanges in forward passes.
    still = Optimization(learning_rate=1e-30, ema=0.9)
    module = Distiller(linear_student(), ConvTeacher(), preprocess=SMALL, optimization=still, metric=MAP)
    data = ViewDataModule(train, validation, Views(mixup=0.3), batch_size=4, seed=3)
    callbacks = [History("val_mAP"), Recorder(place)]
    fitted = trainer(max_epochs=2, limit_train_batches=4, use_distributed_sampler=False, callbacks=callbacks, **options)
    fitted.fit(module, data)
    files = [place / f"{fitted.world_size} {rank}.pt" for rank in range(fitted.world_size)]
    return [Seen(**torch.load(file, weights_only=True)) for file in files]


@pytest.mark.filterwarnings("ignore")  # Lightning's, on choices made here on purpose
def test_two_processes_do_what_one_does(train: Pictures, validation: Pictures, tmp_path: Path) -> None:
    assert len(validation) == 9
    (alone,) = fit(train, validation, tmp_path)
    ranks = fit(train, validation, tmp_path, devices=2, strategy="ddp_spawn")
    assert len(alone.batches) == 8 and len(alone.scores) == 2
    for step, batch in enumerate(alone.batches):
        shares = [rank.batches[step] for rank in ranks]
        assert [len(share) for share in shares] == [2, 2]
        assert torch.equal(torch.cat(shares), batch)
    for rank in ranks:
        assert rank.scores == alone.scores
        assert len(rank.losses) == 3 and rank.losses == pytest.approx(alone.losses, rel=1e-5)
        for one, two in zip(alone.gradients, rank.gradients, strict=True):
            assert one.keys() == two.keys() and len(one) == 2
            for name in one:
                torch.testing.assert_close(two[name], one[name], rtol=1e-4, atol=1e-6)
