"""distill gallery enroll DIR PEOPLE --model FILE, distill gallery search DIR PHOTOGRAPHS --model FILE, and distill
gallery remove DIR NAME ..."""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from rich.console import Console

from distill.errors import DistillError, echo
from distill.files.atomic import atomic_path
from distill.gallery.enrolment import people_of
from distill.gallery.gallery import Contents, EnrolledGallery, change
from distill.gallery.manifest import MANIFEST, Index, Keep, Manifest
from distill.gallery.model import Embedder
from distill.gallery.photographs import embed_photographs
from distill.gallery.searching import DEFAULT_FPIR, heading, rows_of, threshold_of
from distill.gallery.space import check_space
from distill.gallery.strangers import strangers_of
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Recipe
from distill.registry import expected

TEACHER = "teacher"
_RECIPE = "face_embeddings"
"""Of whose keys those of `prepare.align` say here how faces are aligned."""

out, console = Console(markup=False, emoji=False), Console(stderr=True, markup=False, emoji=False)


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of `--align` may follow, as a recipe's `prepare.align`."""
    parser = argparse.ArgumentParser(
        prog="distill gallery",
        description="Enroll people from photographs, and look others up among them.",
        epilog="Faces are aligned by --align, as by prepare.align of a recipe; without it photographs are only brought "
        "to the model's size.",
        allow_abbrev=False,
    )
    actions = parser.add_subparsers(dest="action", required=True)
    enroll = actions.add_parser("enroll", help="add people; one who is there already is replaced", allow_abbrev=False)
    search = actions.add_parser("search", help="write who photographs show", allow_abbrev=False)
    remove = actions.add_parser("remove", help="take people out", allow_abbrev=False)
    for action in (enroll, search, remove):
        action.add_argument("directory", type=Path, metavar="DIR", help="the gallery's directory")
    enroll.add_argument("people", type=Path, metavar="PEOPLE", help="a folder of photographs for each person")
    search.add_argument("photographs", type=Path, metavar="PHOTOGRAPHS", help="a folder, or one picture")
    remove.add_argument("names", nargs="+", metavar="NAME", help="as enrolled")
    for action in (enroll, search):
        action.add_argument(
            "--model",
            required=True,
            help=f"a student's directory or file, or an exported file; or the word {TEACHER}, for that of --run",
        )
        action.add_argument(
            "--strangers",
            type=Path,
            metavar="PLACE",
            help="people who are not enrolled, on whom thresholds are measured: a folder of photographs, or a run's "
            "directory, for its validation people",
        )
        action.add_argument("--run", type=Path, metavar="DIR", help="the run that made the model, if it lies elsewhere")
    enroll.add_argument(
        "--keep",
        choices=get_args(Keep),
        help="of several photographs of a person: the mean of their vectors (the default), or each",
    )
    enroll.add_argument(
        "--index",
        choices=get_args(Index),
        help="flat: exact, the default. hnsw: approximate; the share of neighbours that it finds is measured and told",
    )
    rate = search.add_mutually_exclusive_group()
    rate.add_argument(
        "--fpir",
        type=float,
        help=f"the share of strangers' photographs that may be given a name; default {DEFAULT_FPIR}",
    )
    rate.add_argument("--far", type=float, help="in its place: the share of pairs of two people taken for one person")
    search.add_argument("--best", type=int, default=1, metavar="K", help="how many people a row names; default 1")
    search.add_argument("--csv", type=Path, default=Path("people.csv"), help="default people.csv")
    return parser


def main(arguments: list[str]) -> int:
    """Enroll, search or remove."""
    options, keys = build_parser().parse_known_args(arguments)
    if options.action == "remove":
        _refuse(keys)
        return _remove(options)
    recipe = _reading(keys)
    embedder = _embedder(options)
    return (_enroll if options.action == "enroll" else _search)(options, embedder, recipe)


def _enroll(options: argparse.Namespace, embedder: Embedder, recipe: Recipe) -> int:
    directory: Path = options.directory
    before = Manifest.read(directory) if (directory / MANIFEST).exists() else None
    if before is not None:
        _check_same(directory, before, embedder, options.keep)
    keep: Keep = options.keep or (before.keep if before else "mean")
    people, embedded = people_of(embedder, options.people, recipe, keep)
    for name, reason in embedded.left_out:
        console.print(f"left out: {name}: {reason}", soft_wrap=True)
    strangers = None if options.strangers is None else strangers_of(embedder, options.strangers, recipe)

    def make(now: Contents | None) -> Contents:
        if now is None:
            fars = embedder.predictor.kind.same_from
            now = Contents(options.model, embedder.fingerprint, {}, keep, fars=fars)
        elif now.fingerprint != embedder.fingerprint or now.keep != keep:  # another process began it meanwhile
            _check_same(directory, Manifest.read(directory), embedder, keep)
        now = replace(now, people=now.people | people, index=options.index or now.index)
        if strangers is None:
            return now
        fars = strangers.fars() or now.fars
        return replace(now, strangers=strangers.vectors, source=strangers.source, fars=fars)

    facts = change(directory, make)
    out.print(f"{len(people)} people enrolled from {len(embedded.names)} photographs", soft_wrap=True)
    _tell(directory, facts)
    return 0


def _search(options: argparse.Namespace, embedder: Embedder, recipe: Recipe) -> int:
    gallery = EnrolledGallery.open(options.directory)
    why = check_space(embedder, gallery.manifest.fingerprint, str(options.directory), options.run)
    if why is not None:
        console.print(f"{options.directory}: enrolled by another model: {why}", soft_wrap=True)
    if not 1 <= options.best <= len(gallery.manifest.people):
        raise DistillError(
            f"--best is {options.best}, and {options.directory} has {len(gallery.manifest.people)} people; expected 1 "
            "to that."
        )
    strangers = None if options.strangers is None else strangers_of(embedder, options.strangers, recipe)
    threshold = threshold_of(gallery, why is None, strangers, options.fpir, options.far)
    embedded = embed_photographs(embedder, options.photographs, recipe, "PHOTOGRAPHS")
    rows = list(rows_of(gallery, embedded, threshold, options.best))
    with atomic_path(options.csv) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading(options.best), *rows])
    for name, reason in embedded.left_out:
        console.print(f"left out: {name}: {reason}", soft_wrap=True)
    known = sum(row[1] == row[2] for row in rows)
    out.print(f"unknown below a cosine of {threshold.cosine:.4f}: {threshold.said}", soft_wrap=True)
    out.print(
        f"{len(rows)} photographs, {known} of enrolled people, {len(rows) - known} unknown, "
        f"{len(embedded.left_out)} left out: {options.csv}",
        soft_wrap=True,
    )
    return 0


def _remove(options: argparse.Namespace) -> int:
    gone = set(options.names)
    Manifest.read(options.directory)  # of a place that is none nothing is made

    def make(now: Contents | None) -> Contents:
        assert now is not None  # it was there
        for name in options.names:
            if name not in now.people:
                raise DistillError(
                    f"{options.directory}: nobody there is called {echo(name)}. {expected(name, [*now.people])}"
                )
        if gone == now.people.keys():
            raise DistillError(f"{options.directory}: nobody would be left. Delete the directory in place of that.")
        return replace(now, people={name: person for name, person in now.people.items() if name not in gone})

    facts = change(options.directory, make)
    out.print(f"{len(gone)} people removed")
    _tell(options.directory, facts)
    return 0


def _tell(directory: Path, facts: Manifest) -> None:
    """What the gallery is now."""
    out.print(
        f"{directory}: {len(facts.people)} people, {sum(facts.vectors)} vectors of {facts.dimensions} numbers, by "
        f"{facts.model}",
        soft_wrap=True,
    )
    if facts.recall is not None:
        out.print(f"approximate search finds {facts.recall:.4f} of the 10 most alike, measured on what is enrolled")
    if facts.strangers is not None:
        measured = ", ".join(f"{cosine:.4f} at FPIR {rate}" for rate, cosine in facts.fpirs.items())
        of = facts.strangers
        out.print(f"unknown below {measured}: {of['pictures']} photographs, {of['source']}", soft_wrap=True)
    else:
        out.print("no FPIR was measured: give --strangers, people who are not enrolled", soft_wrap=True)


def _check_same(directory: Path, gallery: Manifest, embedder: Embedder, keep: str | None) -> None:
    """Refuse to enroll by another model, or otherwise, than the people who are there."""
    if gallery.fingerprint != embedder.fingerprint:
        raise DistillError(
            f"{directory}: its people were enrolled by {gallery.model}, a file of another checksum than "
            f"{embedder.path}; vectors of two models in one gallery have no threshold in common. Enroll by the same "
            "file, or everybody in a new directory."
        )
    if keep is not None and keep != gallery.keep:
        raise DistillError(
            f"--keep is {keep}, and {directory} keeps {gallery.keep}. Leave it out, or enroll everybody in a new "
            "directory."
        )


def _embedder(options: argparse.Namespace) -> Embedder:
    if options.model != TEACHER:
        return Embedder.open(Path(options.model))
    if options.run is None:
        raise DistillError(f"--model {TEACHER}: of which run? Name its directory with --run.")
    return Embedder.teacher_of(options.run)


def _reading(keys: Sequence[str]) -> Recipe:
    """How photographs are read: a recipe with what `--align` says."""
    _refuse([key for key in keys if key.startswith("--") and not _is_of_alignment(key)])
    given = [f"--prepare.{key.removeprefix('--')}" if key.startswith("--") else key for key in keys]
    return RecipeReader(_RECIPE, "distill gallery").read(given)[0]


def _is_of_alignment(key: str) -> bool:
    return key.partition("=")[0].partition(".")[0] == "--align"


def _refuse(keys: Sequence[str]) -> None:
    if keys:
        raise DistillError(f"{keys[0]}: no argument of distill gallery. See distill gallery --help.")
