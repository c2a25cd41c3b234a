"""distill init FOLDER|CSV --teacher FILE [--out RECIPE.yaml]"""

import argparse
from pathlib import Path

from rich.console import Console

from distill.errors import DistillError
from distill.files.atomic import atomic_path
from distill.recipe.contract import contract_of
from distill.recipe.draft import draft
from distill.recipe.parser import RecipeReader


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = argparse.ArgumentParser(
        prog="distill init",
        description="Look at pictures and at a teacher's file, and write a commented recipe for both.",
        epilog="What the file does not say stands in the recipe as comments, and `distill run` names it.",
        allow_abbrev=False,
    )
    parser.add_argument("pictures", type=Path, help="a folder of folders, one for each class, or a table (CSV)")
    parser.add_argument("--teacher", type=Path, required=True, help="the file of the network to learn from: ONNX")
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


def _stem(pictures: Path) -> str:
    place = pictures.resolve()
    return place.stem if place.is_file() else place.name
