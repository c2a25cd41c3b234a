"""What a recipe leaves out of a stage's batch, rate and warm-up: a pure function of its pictures, its passes and of
whether the network begins at random.

Fixed defaults fit one length of training alone: 64 pictures a batch make 113 steps of three passes over 2,420 pictures,
which leaves a MobileNet at chance.
"""

from dataclasses import replace
from typing import Any, TypeVar

from distill.recipe.stages import Stage

S = TypeVar("S", bound=Stage)

LARGEST_BATCH, SMALLEST_BATCH = 64, 16
"""Below the smallest, BatchNorm's statistics are too noisy, and a step costs nearly as much."""
STEPS = 1000
"""Steps for which batches are made smaller than the largest."""
RATE_AT_RANDOM, RATE_OF_TRAINED = 4e-3, 1e-3
"""Of 32 pictures a batch; others by the square root of their ratio, as Adam's noise wants it. What begins with trained
weights has something to lose."""
WARM_STEPS, LEAST_WARM, MOST_WARM = 100, 0.05, 0.2
"""Steps of warm-up, and between which shares of all they stay."""


def settled(stage: S, pictures: int, trained: bool) -> S:
    """The stage with what it leaves out; what it says stays as it is.

    Args:
        pictures: it trains on.
        trained: whether its network begins with trained weights.
    """
    batch = stage.batch_size or batch_size_of(pictures, stage.epochs)
    optimization = stage.optimization
    if optimization.learning_rate is None:
        rate = RATE_OF_TRAINED if trained else RATE_AT_RANDOM
        optimization = replace(optimization, learning_rate=float(f"{rate * (batch / 32) ** 0.5:.2g}"))
    if optimization.warmup is None:
        optimization = replace(optimization, warmup=warmup_of(steps_of(pictures, batch, stage.epochs)))
    return replace(stage, batch_size=batch, optimization=optimization)


def batch_size_of(pictures: int, epochs: int) -> int:
    """The largest power of two that leaves enough steps; as large as the pictures are many, where they are few."""
    size = LARGEST_BATCH
    while size > SMALLEST_BATCH and steps_of(pictures, size, epochs) < STEPS:
        size //= 2
    return max(1, min(size, pictures))


def warmup_of(steps: int) -> float:
    """The share of all steps."""
    return round(min(MOST_WARM, max(LEAST_WARM, WARM_STEPS / max(1, steps))), 3)


def steps_of(pictures: int, batch_size: int, epochs: int) -> int:
    """Steps of a stage whose last, incomplete batches are left out."""
    return pictures // batch_size * epochs


def chosen_of(stage: Stage, settled: Stage) -> list[str]:
    """What was left out of a stage and chosen for it, in words, key by key."""
    pairs = [("batch_size", stage.batch_size, settled.batch_size)] + [
        (f"optimization.{key}", getattr(stage.optimization, key), getattr(settled.optimization, key))
        for key in ("learning_rate", "warmup")
    ]
    return [f"{key} {value:g}" for key, given, value in pairs if given is None]


def facts_of(settled: Stage, pictures: int) -> dict[str, Any]:
    """How a stage was trained, as results.json has it."""
    assert settled.batch_size is not None
    steps = steps_of(pictures, settled.batch_size, settled.epochs)
    return {
        "epochs": settled.epochs,
        "batch_size": settled.batch_size,
        "steps": steps,
        "shown": steps * settled.batch_size,
        "learning_rate": settled.optimization.learning_rate,
        "warmup": settled.optimization.warmup,
        "ema": settled.optimization.ema,
    }
