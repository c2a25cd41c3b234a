"""What a recipe may say of the cells that the Earth is cut into."""

from dataclasses import dataclass
from pathlib import Path

from distill.errors import DistillError, echo


@dataclass(frozen=True)
class CellSettings:
    """Of places: the cells, S2's, that a network tells apart, cut by where the photographs to train on were taken.

    Attributes:
        most: a cell with more photographs is cut into four.
        least: a cell with fewer is dropped.
        tokens: cells that were cut before, in place of these: their tokens, or a file with one at the beginning of each
            line. Those without a photograph to train on are left out.
        smoothing: of labels: how far around its own cell a photograph counts, in widths of that cell; 0 for that cell
            alone. A width in kilometres would blur small cells and leave large ones as they are.
    """

    most: int = 100
    least: int = 10
    tokens: tuple[str, ...] | Path | None = None
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise DistillError(
                f"cells.most is {self.most} and cells.least {self.least}, expected 1 <= least <= most photographs."
            )
        if isinstance(self.tokens, Path) and str(self.tokens).startswith("["):  # a list of numbers, for YAML
            raise DistillError(
                f"cells.tokens is {echo(str(self.tokens))}: tokens of digits alone are read as numbers. Quote them, "
                "'[\"1004\"]', or name a file with one at the beginning of each line."
            )
        if not 0 <= self.smoothing < float("inf"):
            raise DistillError(f"cells.smoothing is {self.smoothing}, expected 0 or more widths of a cell.")
