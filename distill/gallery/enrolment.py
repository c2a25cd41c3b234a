"""People enrolled from a folder of photographs for each.

Shapes: N photographs, D dimensions.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from distill.data.sources.folder import SUFFIXES
from distill.data.sources.listing import HIDDEN
from distill.errors import DistillError, echo
from distill.evaluation.embeddings import unit_embeddings
from distill.files.text import no_text
from distill.gallery.gallery import Person
from distill.gallery.manifest import Keep
from distill.gallery.model import Embedder
from distill.gallery.photographs import Embedded, embed_photographs, owner_of
from distill.recipe.recipe import Recipe

UNKNOWN = "unknown"
"""What somebody is called who is not enrolled."""
_SHOWN = 3


def people_of(embedder: Embedder, root: Path, recipe: Recipe, keep: Keep) -> tuple[dict[str, Person], Embedded]:
    """Everybody who has a folder.

    Args:
        recipe: how photographs are read.
        keep: of several photographs the mean of their vectors at length 1, or each.

    Returns:
        the people by name, and what was read of them.

    Raises:
        DistillError: a photograph is in no folder, a folder has a name that nobody can have, or somebody has no
            photograph that can be used.
    """
    folders = _folders(root)
    embedded = _of_one_person(embed_photographs(embedder, root, recipe, "PEOPLE"))
    owners = np.array(embedded.owners)
    strays = [name for name in (*embedded.names, *dict(embedded.left_out)) if not owner_of(name)]
    if strays:
        raise DistillError(
            f"PEOPLE: {root} holds photographs of no person, {_listed(strays)}. Expected a folder for each person, "
            "called as they are, and photographs only in those."
        )
    if lacking := sorted(set(folders) - set(owners.tolist())):
        raise DistillError(
            f"PEOPLE: {root}: {len(lacking)} of {len(folders)} people have no photograph that can be used: "
            f"{_listed([_why(name, embedded) for name in lacking])}. Give them one, or remove their folders; "
            "nobody was enrolled."
        )
    people = {}
    for name in folders:
        vectors = embedded.vectors[owners == name]
        people[name] = Person(vectors if keep == "each" else mean_of(vectors, name), len(vectors))
    return people, embedded


def _of_one_person(embedded: Embedded) -> Embedded:
    """The same but for photographs that are in the folders of two people: nobody knows whose they are."""
    shared = [(one, other) for one, other in embedded.same.items() if owner_of(one) != owner_of(other)]
    contested = dict([*shared, *((other, one) for one, other in shared)])
    kept = np.array([name not in contested for name in embedded.names], bool)
    left_out = [(name, f"the same photograph as {other}, of somebody else") for name, other in contested.items()]
    return replace(
        embedded,
        names=[name for name in embedded.names if name not in contested],
        vectors=embedded.vectors[kept],
        same={one: other for one, other in embedded.same.items() if other not in contested},
        left_out=[*embedded.left_out, *left_out],
    )


def mean_of(vectors: np.ndarray, name: str) -> np.ndarray:
    """Float32 (n, D) of unit length to their mean (1, D) at length 1.

    Raises:
        DistillError: they cancel.
    """
    if len(vectors) == 1:
        return vectors
    return unit_embeddings(vectors.mean(axis=0, keepdims=True), owner=f"the mean of {name}'s photographs")


def _folders(root: Path) -> list[str]:
    """The names of people, of those without a photograph too."""
    if not root.is_dir():
        return []  # what reads photographs says so
    folders = [place for place in root.iterdir() if place.is_dir()]
    names = sorted(place.name for place in folders if place.name[0] != "." and place.name.lower() not in HIDDEN)
    for name in names:
        if wrong := no_text(name):
            raise DistillError(f"PEOPLE: {root}: {echo(name)}: {wrong} is no character of a name. Rename the folder.")
        if name.strip().casefold() == UNKNOWN or name != name.strip():
            raise DistillError(
                f"PEOPLE: {root}: {echo(name)} is no name for a person: strangers are called {UNKNOWN}, and a name has "
                "no space at its ends. Rename the folder."
            )
    return names


def _why(name: str, embedded: Embedded) -> str:
    """A person, and what became of their photographs."""
    reasons = [f"{file}: {reason}" for file, reason in embedded.left_out if owner_of(file) == name]
    return f"{name} ({reasons[0] if reasons else f'no file named {min(SUFFIXES)} or alike'})"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
