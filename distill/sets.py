"""The pictures of a run, by what they are used for."""

from dataclasses import dataclass
from pathlib import Path

from distill.data.alignment import Alignment
from distill.data.pictures import Pictures
from distill.data.prepare import prepare
from distill.data.prepared import Prepared
from distill.data.source import SPLITS
from distill.directory import key_of
from distill.errors import DistillError
from distill.recipe import Data, Recipe


@dataclass(frozen=True)
class Sets:
    """One labelled set's splits, and the pictures to transfer on: its training pictures and all unlabelled ones."""

    prepared: Prepared
    labelled: Pictures
    transfer: Pictures
    validation: Pictures
    test: Pictures

    @property
    def classes(self) -> tuple[str, ...]:
        return self.prepared.classes

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the prepared pictures in pixels."""
        return self.labelled.size

    def describe(self, name: str) -> dict[str, object]:
        """The `data` entry of results.json."""
        return {
            "name": name,
            "fingerprint": self.prepared.fingerprint,
            "counts": {split: len(self.prepared.indices(split)) for split in SPLITS} | {"transfer": len(self.transfer)},
            "left_out": self.prepared.left_out,
            "classes": list(self.classes),
        }


def open_sets(recipe: Recipe, directory: Path) -> Sets:
    """Prepare whatever is not prepared yet.

    Raises:
        DistillError: a source is unusable.
    """
    names = recipe.data.classes()
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise DistillError(f"data.attributes: {', '.join(repeated)} more than once; name each attribute once.")
    labelled = prepared_set(recipe.data, recipe, directory)
    more = () if recipe.unlabelled is None else (prepared_set(recipe.unlabelled, recipe, directory),)
    return Sets(
        prepared=labelled,
        labelled=Pictures.of(labelled, "train"),
        transfer=Pictures.of(labelled, "train", more),
        validation=Pictures.of(labelled, "validation"),
        test=Pictures.of(labelled, "test"),
    )


def prepared_set(source: Data, recipe: Recipe, directory: Path) -> Prepared:
    """One source, prepared under a name of its own."""
    size = recipe.prepare
    place = (size.root or directory) / f"{source.name}-{key_of(source, size.height, size.width, size.align)}"
    return prepare(
        source,
        place,
        height=size.height,
        width=size.width,
        align=None if size.align is None else Alignment(size.align),
        max_bad_share=size.max_bad_share,
        max_raw_bytes=size.max_raw_bytes,
    )
