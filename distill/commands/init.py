"""distill init FOLDER|CSV --teacher FILE [--inspect N] [--out RECIPE.yaml]"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from distill import formatting
from distill.errors import DistillError
from distill.files.atomic import atomic_path
from distill.inspection.facts import read_facts
from distill.inspection.inspection import PICTURES, Inspection
from distill.inspection.progress import progress
from distill.inspection.section import teacher_section
from distill.recipe.contract import Contract, contract_of
from distill.recipe.draft import draft
from distill.recipe.parser import RecipeReader


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = argparse.ArgumentParser(
        prog="distill init",
        description="Look at pictures and at a teacher's file, find by measuring what the file does not say of its "
        "input, as distill inspect does, and write a commented recipe for both.",
        epilog="What measuring cannot find stands in the recipe as comments, and `distill run` names it.",
        allow_abbrev=False,
    )
    parser.add_argument("pictures", type=Path, help="a folder of folders, one for each class, or a table (CSV)")
    parser.add_argument("--teacher", type=Path, required=True, help="the file of the network to learn from: ONNX")
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
    options = build_parser().parse_args(arguments)
    out = options.out or Path(f"{_stem(options.pictures)}.yaml")
    if out.suffix not in (".yaml", ".yml"):
        raise DistillError(f"--out is {out}, expected a name that ends in .yaml.")
    if out.exists():
        raise DistillError(f"{out}: is there already. Name another place with --out, or remove it.")
    contract = contract_of(options.teacher)
    text = draft(options.pictures, contract, str(out))
    if contract.unsaid and options.inspect > 0:
        contract = _measured(contract, options.teacher, text, options.inspect)
        text = draft(options.pictures, contract, str(out))
    with atomic_path(out) as temporary:
        temporary.write_text(text, encoding="utf-8")
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


def _measured(contract: Contract, file: Path, text: str, pictures: int) -> Contract:
    """The contract with what its answers to some of the pictures show; as it is where they show nothing."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    with tempfile.TemporaryDirectory(prefix="distill-") as place:
        drafted = Path(place) / "draft.yaml"
        drafted.write_text(text, encoding="utf-8")
        recipe, _ = RecipeReader(str(drafted)).read([])
        console.print(f"{file}: shown {pictures} pictures in every way that networks are trained with", soft_wrap=True)
        try:
            inspection = Inspection(recipe, read_facts(file), Path(place), pictures)
            outcome = inspection.run(progress())
            best = outcome.best.hypothesis
            keys = {**contract.keys, **inspection.keys(best)}
            lines = teacher_section(keys, outcome, best.fit)
        except DistillError as error:
            console.print(f"not found by measuring: {error}", soft_wrap=True)
            return contract
        seen = f"{contract.seen}; the best of {len(outcome.ranked)} ways to ask it on {inspection.count} pictures: "
        seen += f"{outcome.verdict.metric} {formatting.score(outcome.best.score)}"
        if outcome.verdict.at_chance:
            seen += ", no better than chance, so none of these is the contract"
            console.print(f"{file}: {outcome.verdict.beside_chance}; distill inspect shows every way", soft_wrap=True)
    section = lines[: lines.index("prepare:")] if "prepare:" in lines else lines
    return replace(contract, seen=seen, section=tuple(section), fit=best.fit, unsaid={})


def _stem(pictures: Path) -> str:
    place = pictures.resolve()
    return place.stem if place.is_file() else place.name
