"""distill init FOLDER|CSV --teacher FILE [--root DIR] [--inspect N] [--out RECIPE.yaml] [--teacher.KEY VALUE ...]"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from distill import formatting
from distill.errors import DistillError, echo
from distill.files.atomic import atomic_path
from distill.inspection.contract import Contract, contract_of
from distill.inspection.draft import draft, look
from distill.inspection.facts import NETWORKS, named_teacher, read_facts
from distill.inspection.inspection import PICTURES, Inspection
from distill.inspection.progress import progress
from distill.inspection.section import teacher_section
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Recipe

_LEFT = "--inspect 0 writes a recipe that leaves it to you"


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the teacher may follow."""
    parser = argparse.ArgumentParser(
        prog="distill init",
        usage="distill init FOLDER|CSV --teacher FILE [--root DIR] [--inspect N] [--out RECIPE.yaml] "
        "[--teacher.KEY VALUE ...]",
        description="Look at pictures and at a teacher's file, find by measuring what the file does not say of its "
        "input, as distill inspect does, and write a commented recipe for both.",
        epilog="What you know of the teacher is said by its keys, and not measured: --teacher.classes NAMES.txt, "
        f"--teacher.gives softmax. Weights do not say of what network they are: {NETWORKS}.",
        allow_abbrev=False,
    )
    parser.add_argument("pictures", type=Path, help="a folder of folders, one for each class, or a table (CSV)")
    parser.add_argument(
        "--teacher",
        type=Path,
        required=True,
        help="the file of the network to learn from: ONNX, LiteRT (.tflite), OpenVINO (.xml), or a network's weights",
    )
    parser.add_argument("--root", type=Path, help="where a table's names of pictures begin; default its own folder")
    parser.add_argument(
        "--inspect",
        type=int,
        default=PICTURES,
        metavar="N",
        help=f"pictures to show it; default {PICTURES}, 0 leaves what it does not say to you",
    )
    parser.add_argument("--out", type=Path, help="where the recipe is written; default FOLDER.yaml or CSV's name, here")
    return parser


def main(arguments: list[str]) -> int:
    """Write a recipe, and say how it is run."""
    options, keys = build_parser().parse_known_args(arguments)
    out = options.out or Path(f"{_stem(options.pictures)}.yaml")
    if out.suffix not in (".yaml", ".yml"):
        raise DistillError(f"--out is {out}, expected a name that ends in .yaml.")
    if out.exists():
        raise DistillError(f"{out}: is there already. Name another place with --out, or remove it.")
    for key in keys:
        if key.startswith("-") and not key.startswith("--teacher."):
            raise DistillError(f"unknown argument {echo(key)}; expected keys of the teacher, --teacher.KEY VALUE.")
    facts = read_facts(options.teacher)
    network = named_teacher(keys)
    if facts.runtime is None and network is None:
        raise DistillError(f"{facts.file}: weights alone, which do not say of what network. Name it: {NETWORKS}.")
    pictures = look(options.pictures, options.root)
    with tempfile.TemporaryDirectory(prefix="distill-") as temporary:
        place = Path(temporary)
        begun = Contract({"name": network, **facts.keys})
        contract = contract_of(Inspection(_read(draft(pictures, begun, out.name), place, keys), facts, place, PICTURES))
        if contract.measurable and options.inspect > 0:
            recipe = _read(draft(pictures, contract, out.name), place, keys)
            contract = _measured(contract, Inspection(recipe, facts, place, options.inspect))
    with atomic_path(out) as written:
        written.write_text(draft(pictures, contract, str(out)), encoding="utf-8")
    RecipeReader(str(out)).read([])  # what was written is a recipe
    console = Console(markup=False, emoji=False, highlight=False)
    console.print(f"written: {out}", soft_wrap=True)
    if contract.unsaid:
        console.print(
            f"{options.teacher} does not say its {', '.join(contract.unsaid)}: fill them in under `teacher`, then",
            soft_wrap=True,
        )
    console.print(f"distill run {out}", soft_wrap=True)
    return 0


def _read(text: str, place: Path, keys: Sequence[str]) -> Recipe:
    drafted = place / "draft.yaml"
    drafted.write_text(text, encoding="utf-8")
    recipe, _ = RecipeReader(str(drafted), "distill init").read(keys)
    return recipe


def _measured(contract: Contract, inspection: Inspection) -> Contract:
    """The contract with what the file's answers to some of the pictures show.

    Raises:
        DistillError: they show nothing, or the best is no better than chance: a run would stop at such a teacher.
    """
    file, asked = inspection.subject.facts.file, inspection.count
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    console.print(f"{file}: shown {asked} pictures in every way that networks are trained with", soft_wrap=True)
    try:
        outcome = inspection.run(progress())
    except DistillError as error:
        raise DistillError(f"{file}: its input could not be found by measuring: {error} {_LEFT}.") from error
    verdict, best = outcome.verdict, outcome.best.hypothesis
    if verdict.at_chance:
        raise DistillError(
            f"{file}: of the best of {len(outcome.ranked)} ways to ask it, {verdict.beside_chance}; a run would stop "
            "at such a teacher, and no recipe is written. Are its outputs in the order of the data's classes "
            f"(--teacher.classes)? {_LEFT}."
        )
    lines = teacher_section({**contract.keys, **inspection.keys(best)}, outcome, best.fit)
    section = lines[: lines.index("prepare:")] if "prepare:" in lines else lines
    seen = f"{contract.seen}; the best of {len(outcome.ranked)} ways to ask it on {asked} pictures: "
    seen += f"{verdict.metric} {formatting.score(outcome.best.score)}"
    size = best.size or contract.size
    return replace(contract, seen=seen, size=size, section=tuple(section), fit=best.fit, unsaid={})


def _stem(pictures: Path) -> str:
    place = pictures.resolve()
    return place.stem if place.is_file() else place.name
