"""What every stage shares: a network, its optimiser, an average of its weights, validation by one metric.

Shapes: N batch.
"""

import copy
from abc import ABC, abstractmethod
from itertools import chain
from typing import Any

import lightning as L
import torch
import torchmetrics
from lightning.pytorch.plugins.precision import MixedPrecision
from lightning.pytorch.utilities.types import STEP_OUTPUT, OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from distill.answers.kind import named
from distill.data.targets import Values, joined
from distill.data.views.batch import PictureBatch, ViewBatch
from distill.data.views.targets import BatchTargets
from distill.errors import DistillError
from distill.modules.batches import Pixels, labels_of, targets_of
from distill.modules.metrics import NUMBERS, Metric, TorchMetric
from distill.modules.optimization import Optimization
from distill.objectives import Targets
from distill.objectives.labels import are_numbers, check_numbers, class_numbers, one_hot
from distill.preprocess.preprocess import Preprocess


class TrainingModule(L.LightningModule, ABC):
    """Trains `network`; subclasses say what on, in `losses`.

    Args:
        network: float (N, 3, h, w), normalised, to named tensors (N, ...); one that is alone needs no name. It is put
            in training mode, in which Lightning leaves it but for validation.
        preprocess: its input contract.
        metric: scores the validation pictures, by their outputs and what the batches hold as truths, or one of
            torchmetrics' by their outputs and labels; without it nothing is scored.
        seed: of dropout and drop-path; each batch is seeded by (seed, its number, rank), so that a resumed run equals
            an unbroken one.
    """

    output: str = "logits"
    """What the network's tensor is called where it is alone and has no name."""

    def __init__(
        self,
        network: nn.Module,
        preprocess: Preprocess,
        optimization: Optimization | None = None,
        seed: int = 0,
        metric: Metric | torchmetrics.Metric | None = None,
    ) -> None:
        super().__init__()
        self.optimization = optimization or Optimization()
        self.network = network.train()
        if self.optimization.channels_last:
            self.network.to(memory_format=torch.channels_last)
        # In a tuple, the compiled network is no second submodule of the same weights.
        self._run = (torch.compile(network) if self.optimization.compile else network,)
        self.preprocess, self.seed = preprocess, seed
        self.metric: Metric | None = TorchMetric(metric) if isinstance(metric, torchmetrics.Metric) else metric
        self.average: nn.Module | None = None
        if self.optimization.ema is not None:
            self.average = copy.deepcopy(network).requires_grad_(False)
        self._validated: list[tuple[dict[str, Tensor], dict[str, Values]]] = []
        self._loader_state: dict[str, Any] | None = None
        self._sums: dict[str, Tensor] = {}  # of the terms of `_summed` batches of pass `_pass`
        self._summed = self._pass = 0
        self._largest_class = -1  # of the class numbers that went to the device

    @abstractmethod
    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        """Terms by name, each (N,), among them the `loss` to minimise."""

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """float (N, 3, h, w) on 0..255, at this network's size, to named tensors (N, ...)."""
        normalized = self.preprocess.normalize(pixels)
        if self.optimization.channels_last:
            normalized = normalized.contiguous(memory_format=torch.channels_last)
        return named(self._run[0](normalized), self.output)

    def result(self) -> nn.Module:
        """A copy of what was trained, the average where one is kept, in eval mode on the CPU."""
        trained = self.average if self.average is not None else self.network
        result = copy.deepcopy(trained).cpu().eval()
        for kept, parameter in zip(result.parameters(), self.network.parameters(), strict=True):
            kept.requires_grad_(parameter.requires_grad)  # an average wants no gradients, and may be trained on
        return result

    @property
    def exclusive(self) -> bool:
        """Whether it learns classes that exclude each other."""
        return False

    @property
    def reads_labels(self) -> bool:
        """Whether labels that a batch brings are learnt from; else they may be anything."""
        return True

    def learning(self) -> nn.Module:
        """Whatever the optimiser changes."""
        return self.network

    def training_step(self, batch: Any, batch_idx: int) -> STEP_OUTPUT:
        views = Pixels(batch)
        outputs = self(views.at(self.preprocess))
        if self._largest_class >= 0:
            check_numbers(self._largest_class, next(iter(outputs.values())).shape[1])
        losses = self.losses(outputs, views, targets_of(batch, self.preprocess))
        terms = {name: values.mean() for name, values in losses.items()}
        for name, value in terms.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach()
        self._summed += 1
        return terms["loss"]

    def on_before_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        # Looked at before they are sent: on a GPU, that would wait for it.
        labels = None if isinstance(batch, ViewBatch) or not self.reads_labels else labels_of(batch)
        if labels is not None and are_numbers(labels) and labels.numel():
            self._largest_class = max(self._largest_class, int(labels.max()))
        return batch

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        # Lightning waits for the copy of whatever is no tensor; from page-locked memory nothing need wait.
        if isinstance(batch, ViewBatch):
            return batch.to(device, non_blocking=True)
        return super().transfer_batch_to_device(batch, device, dataloader_idx)

    def on_train_epoch_end(self) -> None:
        # Not logged in the step: what a progress bar shows of it, Lightning reads back from the device at every one.
        means = {f"train_{name}": total / self._summed for name, total in self._sums.items()}
        self.log_dict(means, prog_bar=True, sync_dist=self.trainer.world_size > 1)
        self._sums, self._summed = {}, 0

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["train_sums"] = self._sums, self._summed, self._pass
        loader = self.trainer.train_dataloader
        if loader is not None and hasattr(loader, "state_dict"):
            checkpoint["train_dataloader"] = loader.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._loader_state = checkpoint.get("train_dataloader")
        self._sums, self._summed, self._pass = checkpoint.get("train_sums", ({}, 0, 0))

    def on_train_start(self) -> None:
        # Lightning gives a loader its state only when it opens it after the checkpoint was read. `configure_optimizers`
        # has it opened before, to count the steps.
        if self._loader_state is not None and self.trainer.train_dataloader is not None:
            self.trainer.train_dataloader.load_state_dict(self._loader_state)
            self._loader_state = None

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        if self._pass != self.current_epoch:  # resumed from what was saved at the end of a pass, before it was logged
            self._sums, self._summed, self._pass = {}, 0, self.current_epoch
        # Dropout must not depend on where a run was interrupted. The multipliers only keep the three apart, the modulus
        # keeps any seed inside what torch takes.
        together = self.trainer.accumulate_grad_batches
        batch = self.trainer.global_step * together + batch_idx % together
        seed = ((self.seed * 1_000_003 + batch) * 1_009 + self.global_rank) % 2**63
        # The generators that are drawn from here: torch.manual_seed goes through those of every kind of device.
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        if self.average is not None and self.optimization.ema is not None:
            decay, steps = self.optimization.ema, self.trainer.global_step + 1
            # The mean of what the steps left, without the weights that training began from: of these, a short stage
            # would keep decay ** steps in its result. Adam corrects its averages in the same way.
            _follow(self.average, self.network, (decay - decay**steps) / (1 - decay**steps))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        # Under mixed precision Lightning clips no gradients of a fused optimiser.
        fused = not isinstance(self.trainer.precision_plugin, MixedPrecision)
        steps = int(self.trainer.estimated_stepping_batches)
        return self.optimization.build(self.learning(), steps, fused)  # type: ignore[return-value]

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        if self.metric is None:
            return
        if isinstance(batch, PictureBatch):
            pixels, truths = self.preprocess(batch.pictures), batch.truths
        else:
            known = labels_of(batch)
            if known is None:
                raise DistillError(
                    f"a validation batch has no labels to score {self.metric.name} with; load (images, labels)."
                )
            pixels = self.preprocess.normalize(Pixels(batch).at(self.preprocess))
            truths = BatchTargets({NUMBERS if are_numbers(known) else "labels": known})
        network = self.average if self.average is not None else self.network
        outputs = {name: values.float().cpu() for name, values in named(network(pixels), self.output).items()}
        truths = truths.to("cpu")
        if NUMBERS in truths:
            labels = one_hot(truths.fixed(NUMBERS), next(iter(outputs.values())).shape[1])
            truths = BatchTargets({**truths, "labels": labels}, truths.places)
        elif self.exclusive and isinstance(self.metric, TorchMetric):
            truths = BatchTargets({**truths, NUMBERS: class_numbers(truths.fixed("labels"))}, truths.places)
        self._validated.append((outputs, truths.numpy()))

    def on_validation_epoch_end(self) -> None:
        """Score all ranks' pictures together, each once: the shares are gathered unpadded."""
        if self.metric is None:
            return
        if self.trainer.sanity_checking:  # on a few batches, which need not hold a positive of any class
            self._validated.clear()
            return
        parts: list[Any] = list(self._validated)
        self._validated.clear()
        if self.trainer.world_size > 1:
            shares: list[Any] = [None] * self.trainer.world_size
            torch.distributed.all_gather_object(shares, parts)
            parts = list(chain.from_iterable(shares))
        outputs = {name: torch.cat([part[name] for part, _ in parts]) for name in parts[0][0]}
        truths = {name: joined([part[name] for _, part in parts]) for name in parts[0][1]}
        if not all(torch.isfinite(values).all() for values in outputs.values()):
            raise DistillError("training diverged: the network answers NaN or infinity. Lower learning_rate.")
        score = self.metric({name: values.numpy() for name, values in outputs.items()}, truths)
        self.log(f"val_{self.metric.name}", score, prog_bar=True)


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    # torch's AveragedModel reads its count of updates back from the device at every step. Buffers are averaged as well:
    # BatchNorm's statistics belong to the averaged weights.
    kept, new = (list(chain(part.parameters(), part.buffers())) for part in (average, network))
    real = [place for place, tensor in enumerate(kept) if tensor.is_floating_point()]
    get_ema_multi_avg_fn(decay)([kept[place] for place in real], [new[place] for place in real], None)
    for whole in set(range(len(kept))) - set(real):
        kept[whole].copy_(new[whole])
