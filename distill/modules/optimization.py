"""The optimiser of a stage, its schedule and what it decays."""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from timm.optim import RMSpropTF
from torch import nn

from distill.errors import DistillError

OptimizerName = Literal["adamw", "rmsprop"]
Schedule = Literal["cosine", "constant"]
LEARNING_RATE, WARMUP = 1e-3, 0.05
"""Where nobody says, and no recipe knows how long is trained."""


@dataclass(frozen=True)
class Optimization:
    """How a network is trained, whatever it is trained on.

    Attributes:
        optimizer: adamw, or rmsprop as in the paper (TensorFlow's form: decay 0.9, momentum 0.9, epsilon 1).
        learning_rate: its peak; a linear warm-up leads to it. null: in a recipe, by the length of the stage and by what
            it begins with (`distill.recipe.left_out`); else 0.001.
        warmup: share of all steps spent warming up. null: in a recipe, by the length of the stage
            (`distill.recipe.left_out`); else 0.05.
        schedule: what follows the warm-up: cosine, half of one from the peak to zero over all steps; or constant, the
            peak to the end, so that a stage whose epochs are raised goes on where it was (with a warmup of 0).
        weight_decay: of full and pointwise convolutions and the classifier. Depthwise filters, normalisation and
            biases are never decayed (section 3.2). 0 for transfer (section 4.5: no regularisation).
        ema: decay per step of the average of the weights that is kept as the result, begun with the first step's; null
            keeps the weights themselves.
        channels_last: memory layout of the network; the faster one for depthwise convolutions, on CPUs as well.
        compile: compile the networks, teacher included, with torch.compile: a minute or more before the first step, for
            faster ones after it. The student is then equal to rounding, not to the last bit.
    """

    optimizer: OptimizerName = "adamw"
    learning_rate: float | None = None
    warmup: float | None = None
    schedule: Schedule = "cosine"
    weight_decay: float = 0.0
    ema: float | None = None
    channels_last: bool = True
    compile: bool = False

    def __post_init__(self) -> None:
        if self.optimizer not in get_args(OptimizerName):
            expected = ", ".join(get_args(OptimizerName))
            raise DistillError(f"optimization.optimizer is {self.optimizer!r}, expected one of {expected}.")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise DistillError(f"optimization.learning_rate is {self.learning_rate}, expected a positive number.")
        if self.warmup is not None and not 0 <= self.warmup < 1:
            raise DistillError(f"optimization.warmup is {self.warmup}, expected a share of steps from 0 to below 1.")
        if self.schedule not in get_args(Schedule):
            expected = ", ".join(get_args(Schedule))
            raise DistillError(f"optimization.schedule is {self.schedule!r}, expected one of {expected}.")
        if self.weight_decay < 0:
            raise DistillError(f"optimization.weight_decay is {self.weight_decay}, expected 0 or more.")
        if self.ema is not None and not 0 < self.ema < 1:
            raise DistillError(f"optimization.ema is {self.ema}, expected a decay between 0 and 1, or null.")

    def build(self, network: nn.Module, steps: int, fused: bool = False) -> dict[str, Any]:
        """The optimiser and its per-step schedule, as Lightning's `configure_optimizers` returns them.

        Args:
            fused: one kernel over all parameters, where the optimiser has it: a loop over the many small ones of a
                MobileNet takes ten times as long.
        """
        decayed, undecayed = parameter_groups(network)
        groups = [{"params": decayed + undecayed, "weight_decay": 0.0}]
        if self.weight_decay > 0:  # each group is a kernel of its own, which a small student's step notices on a GPU
            groups = [
                {"params": decayed, "weight_decay": self.weight_decay},
                {"params": undecayed, "weight_decay": 0.0},
            ]
        optimizer: torch.optim.Optimizer
        rate = LEARNING_RATE if self.learning_rate is None else self.learning_rate
        if self.optimizer == "adamw":
            optimizer = torch.optim.AdamW(groups, lr=rate, fused=fused)
        else:
            optimizer = RMSpropTF(groups, lr=rate, alpha=0.9, momentum=0.9, eps=1.0)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.factor(step, steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def factor(self, step: int, steps: int) -> float:
        """The share of the peak learning rate at a step, 0 <= step < steps."""
        warm = max(1, round((WARMUP if self.warmup is None else self.warmup) * steps))
        if step < warm:
            return (step + 1) / warm
        if self.schedule == "constant":
            return 1.0
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def parameter_groups(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parameters to decay (weights of full and pointwise convolutions and of the classifier) and all others.

    Frozen parameters are in neither: decay would change what no gradient reaches.
    """
    decayed: list[nn.Parameter] = []
    undecayed: list[nn.Parameter] = []
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            depthwise = isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1
            weight = isinstance(module, nn.Conv2d | nn.Linear) and name == "weight" and not depthwise
            (decayed if weight else undecayed).append(parameter)
    return decayed, undecayed
