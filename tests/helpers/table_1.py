"""Table 1 of the MobileNets paper counted in plain Python: no network is built."""

from dataclasses import dataclass

# (kind, stride, channels out). The last depthwise stride is 1: 7x7 goes in and comes out.
TABLE_1 = [
    ("conv", 2, 32),
    *[("separable", 1, 64), ("separable", 2, 128), ("separable", 1, 128), ("separable", 2, 256), ("separable", 1, 256)],
    ("separable", 2, 512),
    *[("separable", 1, 512)] * 5,
    *[("separable", 2, 1024), ("separable", 1, 1024)],
]


@dataclass
class Layer:
    """`row` is that of TABLE_1; `values_in` and `values_out` are the numbers in the maps before and behind it."""

    row: int
    kind: str
    mult_adds: int
    weights: int
    others: int
    values_in: int
    values_out: int


def layers(width: float, resolution: int, outputs: int, variant: str, stem: int | None = None) -> list[Layer]:
    """Every layer with weights, loop by loop; `stem` is the channels of the first, where they are not 32 alpha."""
    found, channels, size = [], 3, resolution
    for i, (kind, stride, out) in enumerate(TABLE_1):
        if variant == "shallow" and 7 <= i <= 11:
            continue
        out = stem if stem and i == 0 else int(out * width + 0.5)
        before, size = size, -(-size // stride)
        steps = [("conv dw 3x3", 9, 1, channels), ("conv 1x1", 1, channels, out)]
        if kind == "conv" or variant == "full":
            steps = [("conv 3x3", 9, channels, out)]
        for name, kernel, per_filter, filters in steps:
            products = 0
            for _ in range(filters):
                products += kernel * per_filter * size * size
            weights = kernel * per_filter * filters
            found.append(
                Layer(i, name, products, weights, 2 * filters, channels * before * before, filters * size * size)
            )
            before = size
        channels = out
    found.append(Layer(-1, "fully connected", channels * outputs, channels * outputs, outputs, channels, outputs))
    return found


def by_hand(width: float, resolution: int, outputs: int, variant: str) -> tuple[int, int]:
    """Mult-adds, and parameters with normalisation and biases."""
    found = layers(width, resolution, outputs, variant)
    return sum(layer.mult_adds for layer in found), sum(layer.weights + layer.others for layer in found)
