"""The published sets by the names that a recipe gives them."""

from pathlib import Path
from typing import Literal, get_args

from distill.data.pair_sets.archive import Archive
from distill.data.pair_sets.cfp import Cfp
from distill.data.pair_sets.ijb import Ijb
from distill.data.pair_sets.pair_file import PairFile
from distill.data.pair_sets.pair_set import PairSet

SetName = Literal["agedb_30", "calfw", "cfp_ff", "cfp_fp", "cplfw", "ijb", "insightface", "listed"]
SET_NAMES: tuple[SetName, ...] = get_args(SetName)


def pair_set(name: SetName, root: Path, folds: int) -> PairSet | Ijb:
    """The set of a name.

    Args:
        root: where it lies.
        folds: of a list that does not say which.
    """
    if name == "ijb":
        return Ijb(name, root)
    if name == "cfp_ff" or name == "cfp_fp":
        return Cfp(name, root)
    if name == "insightface":
        return Archive(name, root, folds)
    return PairFile(name, root, folds)
