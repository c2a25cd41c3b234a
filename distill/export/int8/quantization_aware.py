"""Quantization-aware self-distillation: the student learns to give its own float answers with the rounding of int8.

For students that rounding alone costs too much: narrow ones, and those with a LeakyReLU, whose negative outputs keep
few of the 256 levels. The float network is the teacher, on views of the transfer pictures and without labels, so the
file stays the student that was scored. Rounding is flat, so its gradient is taken as 1 inside the range and 0 outside
(Bengio et al. 2013, arXiv 1308.3432; with a teacher as in Mishra and Marr 2017, arXiv 1711.05852).

Shapes: N batch, C channels or outputs.
"""

import copy
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor, fx, nn
from torch.func import functional_call

from distill.data.prepared.pictures import Pictures
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import cut
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.preprocess.preprocess import Preprocess

_BATCH = 32  # pictures a step: as many as calibration needs at least
_STEP = 1e-3  # of Adam at the start of a cosine, as a share of what is moved; 3e-3 undid what a student had learnt
_VIEWS = Views(scale=(0.7, 1.0))  # close to the whole pictures that files are shown
_LAYERS = (nn.Conv2d, nn.Linear)
_ALONE = (nn.LeakyReLU, nn.Hardswish)  # activations that runtimes read already rounded; a ReLU they join to its layer
_LEVELS = 255  # steps of uint8
_LARGEST = 127  # of int8
_TINY = 1e-12  # keeps the scale of what is all zeros above zero


def adapt(equalized: fx.GraphModule, preprocess: Preprocess, transfer: Pictures, steps: int) -> fx.GraphModule:
    """A copy whose answers, once rounded as int8 files round, are closer to the network's own.

    Args:
        equalized: folded and made level, of normalised float (N, 3, h, w); stays as it is.
        transfer: pictures to draw views of, at least 32.
        steps: of 32 pictures each.
    """
    student = copy.deepcopy(equalized)
    # As shares: making channels level gave each layer a unit of its own.
    groups = [
        {"params": [moved.requires_grad_()], "lr": _STEP * float(moved.detach().square().mean().sqrt())}
        for module in student.modules()
        if isinstance(module, _LAYERS)
        for moved in module.parameters()
    ]
    optimizer = torch.optim.Adam(groups, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    rounded = Rounded(student)
    batches, console = islice(_passes(transfer), steps), Console(stderr=True)
    for batch in track(batches, "int8: learning to be rounded", steps, console=console, transient=True):
        pixels = preprocess.normalize(cut(batch, preprocess))
        with torch.no_grad():
            wanted = equalized(pixels)
        loss = _distance(rounded.run(pixels), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return student.requires_grad_(False)


def _passes(transfer: Pictures) -> Iterator[ViewBatch]:
    loader = ViewLoader(transfer, _VIEWS, batch_size=_BATCH, seed=0)
    while True:
        yield from loader


def _distance(answers: Any, wanted: Any) -> Tensor:
    """The mean square of what two networks answer differently; of tensors by name the sum of theirs."""
    if isinstance(wanted, Tensor):
        squares: Tensor = (answers - wanted).square().mean()
        return squares
    return torch.stack([(answers[name] - wanted[name]).square().mean() for name in wanted]).sum()


class Rounded(fx.Interpreter):
    """Runs a folded network as an int8 file would: weights and what layers read are rounded, gradients pass through."""

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module = self.fetch_attr(target)
        if not isinstance(module, (*_LAYERS, *_ALONE)):
            return super().call_module(target, args, kwargs)
        (features,) = args
        if isinstance(module, _ALONE):
            return module(_round_features(features))
        return functional_call(module, {"weight": _round_weight(module.weight)}, (_round_features(features),))


def _round_features(features: Tensor) -> Tensor:
    """To uint8 with one scale, over the range of this batch, zero inside."""
    low, high = features.detach().amin().clamp(max=0), features.detach().amax().clamp(min=0)
    scale = ((high - low) / _LEVELS).clamp(min=_TINY)
    zero = (-low / scale).round().to(torch.int32)
    return torch.fake_quantize_per_tensor_affine(features, scale, zero, 0, _LEVELS)


def _round_weight(weight: Tensor) -> Tensor:
    """To int8 with a scale for each output channel (C, ...), zero in the middle."""
    scale = (weight.detach().abs().flatten(1).amax(dim=1) / _LARGEST).clamp(min=_TINY)
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -_LARGEST, _LARGEST)
