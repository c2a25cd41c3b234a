"""distill init FOLDER|CSV --teacher FILE [--task TASK] [--root DIR] [--inspect N] [--out FILE] [--teacher.KEY X]"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from distill import formatting
from distill.commands.arguments import CommandParser
from distill.errors import DistillError, OutputsError, echo
from distill.files.atomic import atomic_path
from distill.inspection.contract import Contract, contract_of
from distill.inspection.draft import draft
from distill.inspection.facts import NETWORKS, Facts, named_teacher, read_facts
from distill.inspection.inspection import PICTURES, Inspection
from distill.inspection.look import Look, looks
from distill.inspection.outputs import of_other_classes
from distill.inspection.progress import progress
from distill.inspection.section import teacher_section
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import Recipe
from distill.registries import TASKS

_LEFT = "--inspect 0 writes a recipe that leaves it to you"


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the teacher may follow."""
    parser = CommandParser(
        prog="distill init",
        usage="distill init FOLDER|CSV --teacher FILE [--task TASK] [--root DIR] [--inspect N] "
        "[--out RECIPE.yaml] [--teacher.KEY VALUE ...]",
        description="Look at pictures and at a teacher's file, find by measuring what the file does not say of its "
        "input, as distill inspect does, and write a commented recipe for both.",
        epilog="What you know of the teacher is said by its keys, and not measured: --teacher.classes NAMES.txt, "
        f"--teacher.gives softmax. Weights do not say of what network they are: {NETWORKS}.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "pictures",
        type=Path,
        help="a folder of folders, one for each class or person; CelebA, VOC or COCO; or a table (CSV)",
    )
    parser.add_argument(
        "--teacher",
        type=Path,
        required=True,
        help="the file of the network to learn from: ONNX, LiteRT (.tflite), OpenVINO (.xml), or a network's weights",
    )
    parser.add_argument(
        "--task",
        help="what is learnt of them: classes, attributes, embeddings or boxes; default the first of those that they "
        "could teach, of which the file has the outputs",
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
    found = looks(options.pictures, options.root)
    if options.task is not None:
        found = [look for look in found if look.aim.task == options.task] or _refuse(options.task, found)
    with tempfile.TemporaryDirectory(prefix="distill-") as temporary:
        begun = _Begun(facts, network, tuple(keys), Path(temporary), options.inspect)
        look, contract = _fitting(found, begun)
    drafted = draft(look, contract, str(out), options.inspect)
    with atomic_path(out) as written:
        written.write_text(drafted, encoding="utf-8")
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


@dataclass(frozen=True)
class _Begun:
    """What a recipe is begun with.

    Attributes:
        network: that weights are of.
        keys: of the teacher, as they were typed.
        count: pictures to ask it about.
    """

    facts: Facts
    network: str | None
    keys: tuple[str, ...]
    place: Path
    count: int

    def recipe(self, look: Look, contract: Contract) -> Recipe:
        """The recipe as it would be drafted, with what was typed."""
        drafted = self.place / "draft.yaml"
        drafted.write_text(draft(look, contract, drafted.name, self.count), encoding="utf-8")
        recipe, _ = RecipeReader(str(drafted), "distill init").read(self.keys)
        return recipe

    def inspection(self, look: Look, contract: Contract) -> Inspection:
        # What the look's task cannot prepare, another's may have: each has a place of its own.
        return Inspection(self.recipe(look, contract), self.facts, self.place / look.aim.task, self.count or PICTURES)


def _fitting(found: Sequence[Look], begun: _Begun) -> tuple[Look, Contract]:
    """The first that the file can teach, with what it wants of its input.

    Raises:
        DistillError: it can teach none of these, or asking it shows nothing.
    """
    refused: list[DistillError] = []
    if any(key.partition("=")[0] in ("--teacher.classes", "--teacher.class_map") for key in begun.keys):
        found = [look for look in found if not look.aim.pairs] or found  # vectors have none
    for look in found:
        try:
            contract, inspection = _begin(look, begun)
            if inspection is not None and refused:
                _refuse_classes(inspection, refused[0])
        except OutputsError as error:
            refused.append(error)
            continue
        if refused:
            other = found[0].aim
            said = (
                f"its outputs are not the data's {found[0].number} {other.counted}, so it is asked for {look.aim.said}"
            )
            Console(stderr=True, markup=False, emoji=False, highlight=False).print(
                f"{begun.facts.file}: {said} (--task {look.aim.task}). Are they classes? Name them: --teacher.classes.",
                soft_wrap=True,
            )
        return look, contract if inspection is None else _measured(look, contract, inspection)
    raise refused[0]


def _begin(look: Look, begun: _Begun) -> tuple[Contract, Inspection | None]:
    """What the file says, and how it is asked for the rest; None where there is nothing to ask.

    Raises:
        OutputsError: it cannot teach this.
    """
    name = begun.network or TASKS.get(look.aim.task).teacher_of(begun.facts.runtime)
    try:
        inspection = begun.inspection(look, Contract({**begun.facts.keys, "name": name}))
        contract = contract_of(inspection)
        if not contract.measurable:  # it says itself what its answers are
            inspection.subject.teacher({}, inspection.kind)
    except DistillError as error:
        raise OutputsError(str(error)) from error
    if not contract.measurable or not begun.count:
        return contract, None
    inspection = begun.inspection(look, contract)
    try:
        inspection.candidates.check()
    except DistillError as error:
        raise OutputsError(
            f"{begun.facts.file}: its input could not be found by measuring: {error} {_LEFT}."
        ) from error
    return contract, inspection


def _refuse_classes(inspection: Inspection, refusal: DistillError) -> None:
    """Outputs of other classes than the data's are vectors too, and alike where two pictures show one class.

    Raises:
        OutputsError: these are of classes.
    """
    subject, outputs = inspection.subject, inspection.candidates.names
    named = any(of_other_classes(subject.numbers(output), subject.facts.metadata) for output in outputs)
    if not inspection.names_classes and (named or inspection.shares_out):
        raise OutputsError(str(refusal))


def _refuse(task: str, found: Sequence[Look]) -> NoReturn:
    possible = ", ".join(dict.fromkeys(look.aim.task for look in found))
    raise DistillError(f"--task is {echo(task)}, and these pictures could teach {possible}. Choose one of these.")


def _measured(look: Look, contract: Contract, inspection: Inspection) -> Contract:
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
            f"at such a teacher, and no recipe is written. {look.aim.doubt} {_LEFT}."
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
