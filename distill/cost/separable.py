"""What a depthwise separable block saves over the full convolution in its place (arXiv 1704.04861, section 3.1)."""

import math
from dataclasses import dataclass

from distill.cost.layers import Cost, LayerCost


@dataclass(frozen=True)
class SeparableBlock:
    """A depthwise convolution and the pointwise one that reads it."""

    depthwise: LayerCost
    pointwise: LayerCost

    @property
    def mult_adds(self) -> int:
        return self.depthwise.mult_adds + self.pointwise.mult_adds

    @property
    def full_mult_adds(self) -> int:
        """Of one convolution with the depthwise kernel, from the block's channels in to its channels out."""
        return self.depthwise.mult_adds * self.pointwise.output[0]

    @property
    def share(self) -> float:
        """Mult-adds of the block over those of the full convolution."""
        return self.mult_adds / self.full_mult_adds

    @property
    def predicted_share(self) -> float:
        """The paper's 1/N + 1/D_K^2, of N channels out and a kernel of D_K x D_K."""
        return 1 / self.pointwise.output[0] + 1 / math.prod(self.depthwise.weight[2:])


def separable_blocks(cost: Cost) -> tuple[SeparableBlock, ...]:
    """The depthwise convolutions that a 1x1 convolution of their output follows, whatever small layers lie between."""
    blocks = []
    waiting: LayerCost | None = None
    for layer in cost.layers:
        if layer.depthwise:
            waiting = layer if layer.input[0] == layer.output[0] else None
        elif (
            waiting and layer.kind == "conv 1x1" and layer.input == waiting.output and layer.weight[1] == layer.input[0]
        ):
            blocks.append(SeparableBlock(waiting, layer))
            waiting = None
    return tuple(blocks)
