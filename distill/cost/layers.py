"""The cost of one layer, and of a network as the sum of its layers."""

from dataclasses import dataclass

from distill.cost.memory import Memory

FULLY_CONNECTED = "fully connected"


@dataclass(frozen=True)
class LayerCost:
    """One layer, at batch 1.

    Args:
        kind: named as in table 2: `conv 1x1`, `conv dw 3x3`, `conv 3x3`, `fully connected`.
        parameters: of the weight alone, without the bias, as table 2 counts.
        weight: its shape: (out, in / groups, kernel height, kernel width) or (out, in).
        stride: 1 for a fully connected layer.
        input: (channels, height, width), or (features,), or (positions, features) where it is applied to many.
        output: likewise.
    """

    name: str
    kind: str
    mult_adds: int
    parameters: int
    weight: tuple[int, ...]
    stride: int
    input: tuple[int, ...]
    output: tuple[int, ...]

    @property
    def depthwise(self) -> bool:
        """Whether each channel is convolved by itself."""
        return self.kind.startswith("conv dw")

    @property
    def type(self) -> str:
        """Type and stride as in table 1: `conv/s2`, `dw/s1`, `fc/s1`."""
        short = "fc" if self.kind == FULLY_CONNECTED else "dw" if self.depthwise else "conv"
        return f"{short}/s{self.stride}"

    @property
    def filter_shape(self) -> str:
        """As in table 1: kernel, channels in, channels out; for a depthwise layer kernel and channels."""
        out, *rest = self.weight
        channels_in, *kernel = rest
        return _by([*kernel, out] if self.depthwise else [*kernel, channels_in, out])

    @property
    def input_size(self) -> str:
        """As in table 1: height, width, channels; `1x1x1024` for a vector."""
        return size_text(self.input)


@dataclass(frozen=True)
class KindCost:
    """All layers of a kind together."""

    mult_adds: int
    parameters: int


@dataclass(frozen=True)
class Cost:
    """What a network costs at batch 1.

    Args:
        parameters: all that training would learn, normalisation and biases included.
        memory: of the activations.
        uncounted: products of two activations, by the name of the module that takes them.
    """

    mult_adds: int
    parameters: int
    layers: tuple[LayerCost, ...]
    memory: Memory
    uncounted: tuple[str, ...] = ()

    @property
    def weights(self) -> int:
        """Parameters without normalisation and biases, of which table 2 gives shares."""
        return sum(layer.parameters for layer in self.layers)

    def by_kind(self) -> dict[str, KindCost]:
        """The layers added up by kind, the costliest kind first (table 2)."""
        sums: dict[str, KindCost] = {}
        for layer in self.layers:
            so_far = sums.get(layer.kind, KindCost(0, 0))
            sums[layer.kind] = KindCost(so_far.mult_adds + layer.mult_adds, so_far.parameters + layer.parameters)
        return dict(sorted(sums.items(), key=lambda item: -item[1].mult_adds))


def conv_kind(weight: tuple[int, ...], depthwise: bool) -> str:
    """The kind of a convolution, by the shape of its weight."""
    return ("conv dw " if depthwise else "conv ") + _by(weight[2:])


def size_text(shape: tuple[int, ...]) -> str:
    """A shape as table 1 prints sizes: height, width, channels; `1x1x1024` for (1024,)."""
    if len(shape) == 1:
        return f"1x1x{shape[0]}"
    channels, *rest = shape
    return _by(shape) if len(shape) == 2 else _by([*rest, channels])


def _by(numbers: list[int] | tuple[int, ...]) -> str:
    return "x".join(map(str, numbers))
