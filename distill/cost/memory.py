"""Memory of activations, from the order in which tensors are written and read.

Counted as a runtime does that frees what nothing will read again, writes the result of an elementwise operation
(activation, folded normalisation, residual sum) over its input, and moves nothing for a change of shape.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Memory:
    """Bytes at batch 1, the input included and the weights not.

    Args:
        peak: most that is alive at once: what inference needs.
        total: of all tensors together: about what training keeps for each picture.
    """

    peak: int
    total: int


@dataclass(frozen=True)
class Step:
    """One operation: which tensors it reads, which it writes, and whether it could write over what it reads."""

    reads: tuple[Hashable, ...]
    writes: Hashable
    size: int
    elementwise: bool = False


def activation_memory(inputs: Mapping[Hashable, int], steps: Sequence[Step]) -> Memory:
    """Follow the tensors through the steps.

    Args:
        inputs: bytes of what is there before the first step. What no step reads is taken for an output and stays.
    """
    last_read = {read: i for i, step in enumerate(steps) for read in step.reads}
    alive = dict(inputs)
    peak = total = sum(alive.values())
    for i, step in enumerate(steps):
        dying = [read for read in dict.fromkeys(step.reads) if last_read[read] == i and read in alive]
        reused = next((read for read in dying if step.elementwise and alive[read] == step.size), None)
        if step.writes not in alive:
            if reused is None:
                total += step.size
            else:
                del alive[reused]
            alive[step.writes] = step.size
        peak = max(peak, sum(alive.values()))
        for read in dying:
            if read != step.writes:
                alive.pop(read, None)
    return Memory(peak, total)
