"""The arithmetic of objectives: never narrower than fp32."""

from torch import Tensor, float64


def widened(values: Tensor) -> Tensor:
    """float64 as it is, everything else as float32: a student under bf16 or fp16 is still scored in fp32."""
    return values if values.dtype == float64 else values.float()
