"""Photographs as a recipe's are read: decoded, each content once, fitted or aligned, and named where they are bad.

Shapes: N photographs, D dimensions.
"""

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from distill.data.prepared.kept import duplicate_of
from distill.data.prepared.pictures import Pictures
from distill.data.sources.folder import pictures_below
from distill.data.sources.source import Sample
from distill.errors import DistillError
from distill.gallery.model import Embedder
from distill.recipe.recipe import Recipe
from distill.tasks.sets import prepared_set


@dataclass(frozen=True)
class Photographs:
    """Every picture below a folder, or one alone."""

    name: Literal["photographs"] = "photographs"
    root: Path = Path()

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        """In the order of their names.

        Raises:
            DistillError: there is none.
        """
        if self.root.is_file():
            return [Sample(self.root.name, self.root)]
        return pictures_below(self.root, "root")


@dataclass(frozen=True, eq=False)
class Embedded:
    """Photographs that could be used.

    Attributes:
        names: as they lie in the folder, of each content one.
        vectors: float32 (N, D) of unit length.
        same: of a photograph that is there twice, which of `names` is as it is.
        left_out: the others, each with its reason.
    """

    names: list[str]
    vectors: np.ndarray
    same: dict[str, str]
    left_out: list[tuple[str, str]]

    @property
    def owners(self) -> list[str]:
        """Whom each shows, by its first folder; empty where it lies in none."""
        return [owner_of(name) for name in self.names]


def embed_photographs(embedder: Embedder, root: Path, recipe: Recipe, key: str) -> Embedded:
    """Read photographs and embed them.

    Args:
        root: a folder of them, at any depth, or one alone.
        recipe: how they are read, but for size and fit, which are the model's.
        key: what the folder is called on the command line.

    Raises:
        DistillError: there is none, or none can be used.
    """
    if not root.is_file():
        pictures_below(root, key)  # says by its own name what is wrong with it
    height, width = embedder.picture
    fit = embedder.fit if recipe.prepare.align is None else "crop"
    # How many may be bad is for those to say who know what each is for.
    prepare = replace(
        recipe.prepare, height=height, width=width, fit=fit, max_bad_share=math.nextafter(1, 0), root=None
    )
    with tempfile.TemporaryDirectory(prefix="distill-") as place:
        try:
            prepared = prepared_set(
                "photographs", Photographs(root=root), replace(recipe, prepare=prepare), Path(place)
            )
        except DistillError as error:
            # The list of bad ones that it names goes with the folder.
            lines = [line.strip() for line in str(error).splitlines() if place not in line]
            raise DistillError(f"{key}: {root}: {' '.join(lines)}") from error
        pictures = Pictures.of(prepared, "train")
        names = [prepared.names[row] for row in pictures.rows[0]]
        vectors = embedder.embed(pictures, str(root))
        ledger = prepared.ledger
    same = {name: kept for name, reason in ledger if (kept := duplicate_of(reason)) is not None}
    return Embedded(names, vectors, same, [entry for entry in ledger if entry[0] not in same])


def owner_of(name: str) -> str:
    """Whom a photograph shows, by its first folder; empty where it lies in none."""
    return name.partition("/")[0] if "/" in name else ""
