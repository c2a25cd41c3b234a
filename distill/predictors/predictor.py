"""What evaluation and `distill predict` need of a network, whatever runs it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from rich.console import Console
from rich.progress import track

from distill.answers.kind import Arrays, Kind
from distill.errors import DistillError
from distill.preprocess.preprocess import Fit, Preprocess


class Gathered(Protocol):
    """Pictures of one size under an index."""

    def __len__(self) -> int: ...

    def gather(self, index: np.ndarray) -> np.ndarray:
        """uint8 (len(index), H, W, 3)."""
        ...


class Predictor(ABC):
    """uint8 pictures to answers of one kind.

    Attributes:
        name: how reports call it.
        preprocess: its input contract.
        kind: of its answers, and what is known of them: names of classes and thresholds are None where nothing says so.
        picture: (height, width) of the prepared pictures it was made for, None for any.
        fit: how pictures of another shape become such.
    """

    name: str
    preprocess: Preprocess
    kind: Kind
    picture: tuple[int, int] | None
    fit: Fit = "crop"

    @abstractmethod
    def __call__(self, pictures: np.ndarray) -> dict[str, np.ndarray]:
        """uint8 (N, H, W, 3) to float32 answers (N, ...) by name; the resize to the network's size is part of it."""

    def show(self, pictures: Gathered, of: str, batch_size: int) -> dict[str, np.ndarray]:
        """Show every picture once, in order, unpadded: float32 answers (N, ...) by name.

        Args:
            of: what the progress bar calls the pictures.

        Raises:
            DistillError: the model does not answer with finite numbers.
        """
        batches: list[dict[str, np.ndarray]] = []
        starts = range(0, len(pictures), batch_size)
        bar = Console(stderr=True)
        for start in track(starts, f"{self.name} on {of}", console=bar, transient=True):
            rows = np.arange(start, min(start + batch_size, len(pictures)))
            batches.append(self.answers_to(pictures, rows))
            if not all(np.isfinite(values).all() for values in batches[-1].values()):
                raise DistillError(
                    f"{self.name}: answers NaN or infinity to pictures {start} to {rows[-1]} of {of}. Check its "
                    "weights, mean and std."
                )
        return joined(batches)

    def answers_to(self, pictures: Gathered, index: np.ndarray) -> dict[str, np.ndarray]:
        """The answers to some of the pictures, at int64 (n,)."""
        return self(pictures.gather(index))


def joined(batches: Sequence[Arrays]) -> dict[str, np.ndarray]:
    """The answers to batches one after another."""
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
