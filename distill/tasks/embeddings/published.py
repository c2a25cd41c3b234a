"""How a published set of pairs, or of templates, becomes a trial.

Shapes: N pictures, M rows of templates, P pairs.
"""

from pathlib import Path

import numpy as np

from distill.data.pair_sets.ijb import Ijb, TemplatePairs, TemplateRows
from distill.data.pair_sets.sets import pair_set
from distill.errors import DistillError, in_section
from distill.evaluation.pairs import SHOWN
from distill.evaluation.templates import Templates
from distill.recipe.recipe import Evaluate, Prepare
from distill.tasks.embeddings.trial import ListedPairs, Listing, Trial, prepare_scored


def open_published(settings: Evaluate, directory: Path, pictures_as: Prepare) -> Trial:
    """The set that `evaluate.pairs` names.

    Args:
        directory: where prepared sets are kept.
        pictures_as: size and fit of its pictures, and how many of them may be bad; they are aligned as `settings` say.

    Raises:
        DistillError: a list is missing or malformed, names pictures that are missing, or too many are bad.
    """
    keys = settings.pairs
    assert keys.name is not None and keys.root is not None
    source = pair_set(keys.name, keys.root.expanduser(), keys.folds)
    with in_section("evaluate.pairs", ("root",)):
        pairs = source.pairs()  # before anything is prepared
    listing = Listing.of(prepare_scored(source, "pairs", settings, directory, pictures_as), str)
    if isinstance(source, Ijb):
        assert isinstance(pairs, TemplatePairs)
        return _of_templates(keys.name, listing, source.templates(), pairs, allow_missing=settings.allow_missing)
    assert isinstance(pairs, list)
    listed = listing.pairs(pairs, allow_missing=settings.allow_missing)
    return Trial(keys.name, listing.pictures, listing.pictures.identities, listed)


def _of_templates(
    name: str, listing: Listing, rows: TemplateRows, pairs: TemplatePairs, *, allow_missing: bool
) -> Trial:
    """A trial of the templates that are in a pair.

    Raises:
        DistillError: pairs name templates that have no row; pictures are missing and that is not allowed, or no pair
            is left.
    """
    unknown = np.setdiff1d(np.concatenate((pairs.first, pairs.second)), rows.templates)
    if len(unknown):
        raise DistillError(
            f"evaluate.pairs: {len(unknown)} templates of pairs are not in the list of templates, the first of them "
            f"{unknown[0]}. Are the two lists of one set?"
        )
    pictures = np.array([listing.rows.get(file, -1) for file in rows.files])
    there = pictures >= 0
    usable = np.unique(rows.templates[there])
    both = np.isin(pairs.first, usable) & np.isin(pairs.second, usable)
    if not there.all() and not (allow_missing and both.any()):
        missing = sorted({rows.files[row] for row in np.flatnonzero(~there)})
        shown = [f"{file} ({listing.left_out[file]})" if file in listing.left_out else file for file in missing[:SHOWN]]
        raise DistillError(
            f"evaluate.pairs: {len(missing)} pictures of templates are missing, without which {int((~both).sum())} of "
            f"{len(both)} pairs cannot be compared: {', '.join(shown)}{', ...' * (len(missing) > SHOWN)}. Complete the "
            "folder, or allow missing pictures (evaluate.allow_missing)."
        )
    first, second, same = pairs.first[both], pairs.second[both], pairs.same[both]
    compared = np.unique(np.concatenate((first, second)))
    kept = there & np.isin(rows.templates, compared)
    templates = Templates(pictures[kept], np.searchsorted(compared, rows.templates[kept]), rows.media[kept])
    listed = ListedPairs(
        np.searchsorted(compared, first), np.searchsorted(compared, second), same, np.ones(len(same), np.int64)
    )
    return Trial(name, listing.pictures, listing.pictures.identities, listed, templates)
