"""Where the mult-adds and parameters of a network lie, layer by layer, as a picture."""

from pathlib import Path

from distill import formatting
from distill.cost import Cost
from distill.errors import DistillError
from distill.files.atomic import atomic_path

FORMATS = (".png", ".svg", ".pdf")
# Okabe and Ito's colours, told apart by colour-blind readers; the hatches say the same a second time, for print.
_STYLES = (
    ("#0072B2", ""),
    ("#D55E00", "////"),
    ("#009E73", "...."),
    ("#E69F00", "xxxx"),
    ("#CC79A7", "----"),
    ("#56B4E9", "++++"),
)
_REST = ("#767676", "")


def check_picture(path: Path) -> None:
    """Refuse a name that does not end in a format that can be drawn, before the work is done.

    Raises:
        DistillError: it does not.
    """
    if path.suffix.lower() not in FORMATS:
        raise DistillError(f"{path}: cannot be drawn; expected a name that ends in {', '.join(FORMATS)}.")


def draw_cost(path: Path, name: str, cost: Cost) -> None:
    """Bars of the mult-adds and of the weights of each layer, from the input to the output, coloured by kind.

    Raises:
        DistillError: the place cannot be written to.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 5.5), layout="constrained")
    figure.suptitle(
        f"{name}: {formatting.magnitude(cost.mult_adds)} mult-adds, {formatting.magnitude(cost.parameters)} parameters",
        fontsize=11,
        parse_math=False,
    )
    panels = figure.subplots(2, sharex=True)
    for axes, quantity, label in zip(panels, ("mult_adds", "parameters"), ("mult-adds", "weights"), strict=True):
        axes.set_ylabel(f"{label} of a layer, million")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.6)
        axes.set_axisbelow(True)
        for i, (kind, total) in enumerate(cost.by_kind().items()):
            color, hatch = _STYLES[i] if i < len(_STYLES) else _REST
            bars = [(n, getattr(layer, quantity) / 1e6) for n, layer in enumerate(cost.layers, 1) if layer.kind == kind]
            share = getattr(total, quantity) / max(1, sum(getattr(layer, quantity) for layer in cost.layers))
            numbers, heights = zip(*bars, strict=True)
            axes.bar(
                numbers,
                heights,
                0.8,
                color=color,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.3,
                label=f"{kind}: {formatting.per_cent(share)}",
            )
        axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    panels[1].set_xlabel("layer, from the input to the output")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower().removeprefix("."), dpi=150)
