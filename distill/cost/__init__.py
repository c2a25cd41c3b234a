"""What a network costs: multiply-adds of its convolutions and fully connected layers, its parameters, its memory.

Counted as the MobileNets paper does (arXiv 1704.04861, tables 2 to 9): one multiply-add for each product of a weight,
batch 1, nothing for normalisation, activation, pooling or biases. Products of two activations, as in attention, are not
counted either, but they are named; what is made of weights alone, such as a table of position biases, can be made once
for all pictures and costs nothing.
"""

from distill.cost.layers import Cost, KindCost, LayerCost
from distill.cost.network import count
from distill.cost.onnx_graph import count_onnx
from distill.cost.separable import SeparableBlock, separable_blocks

__all__ = ["Cost", "KindCost", "LayerCost", "SeparableBlock", "count", "count_onnx", "separable_blocks"]
