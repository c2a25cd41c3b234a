"""distill store RECIPE --views V --out DIR [--KEY VALUE ...], and distill store verify DIR"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import lightning as L
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from rich.console import Console

from distill import formatting
from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.files.checksums import SUMS, read_sums
from distill.files.run_directory import RESULTS, RunDirectory
from distill.recipe.left_out import LARGEST_BATCH
from distill.recipe.parser import RecipeReader
from distill.recipe.recipe import TEACHER_STAGES, Recipe
from distill.recipe.written import recipe_names
from distill.registries import TASKS
from distill.run.record import RECORD
from distill.run.stages import Run
from distill.run.trainer import check_trainer, quieten
from distill.store.asking import Asking, Shown
from distill.store.building import check_free, views_begun
from distill.store.manifest import Manifest, StoredDtype, TeacherFacts
from distill.store.store import Store, find_manifest, named_place
from distill.store.verify import ask_again, check_all_files
from distill.store.writer import write_store
from distill.tasks.task import Task
from teachers.teacher import Teacher

VIEWS = 10
_FABRIC_KEYS = ("accelerator", "devices", "num_nodes", "strategy")


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments; keys of the recipe may follow."""
    parser = CommandParser(
        prog="distill store",
        usage="distill store RECIPE --views V --out DIR [--KEY VALUE ...]\n       distill store verify DIR",
        description="Ask the recipe's teacher about V views of each picture and keep its answers; afterwards any run "
        "with the same data, seed and transfer.views learns from them: --teacher stored --teacher.root DIR. The same "
        "command again goes on where it was stopped; with more views or pictures it asks for those alone; with "
        "fewer pictures the answers about the others stay beside it, in OUT.old.",
        epilog="distill run RECIPE --help lists every key; trainer.devices and trainer.strategy share the work out.",
        allow_abbrev=False,
    )
    parser.add_argument("recipe", help=f"one of {', '.join(recipe_names())}, or the path of a .yaml file")
    parser.add_argument("--out", type=Path, required=True, help="the store's directory")
    parser.add_argument(
        "--views",
        type=int,
        help=f"views of each picture; default {VIEWS}, or none where answers to whole pictures serve every view, as "
        "boxes do",
    )
    parser.add_argument(
        "--dtype", choices=("float16", "float32"), default="float16", help="of a logit; default float16"
    )
    parser.add_argument(
        "--top",
        type=int,
        help="of classes that exclude each other: keep the K largest logits of a view and the mass of the rest, in "
        "4 K + 6 bytes; left out, all are kept",
    )
    parser.add_argument(
        "--run",
        type=Path,
        help="where pictures are prepared and a teacher is made first; default OUT.run. The directory of a run with "
        "the same keys has both already",
    )
    return parser


def main(arguments: list[str]) -> int:
    """Ask a recipe's teacher about every view, or verify what was kept."""
    if arguments[:1] == ["verify"]:
        return _verify(arguments[1:])
    options, keys = build_parser().parse_known_args(arguments)
    if options.views is not None and options.views < 1:
        raise DistillError(f"--views is {options.views}, expected at least 1.")
    recipe, resolved = RecipeReader(options.recipe, "distill store").read(keys)
    quieten()
    check_trainer(recipe)
    if options.top is not None and not TASKS.get(recipe.task).kind.largest:
        raise DistillError(
            f"--top: of classes that exclude each other, and the task is {recipe.task}, where every output counts. "
            "Leave it out."
        )
    settings = StoreSettings(_views(options.views, recipe), options.dtype, options.top)
    out = named_place(options.out)
    check_free(out)
    store = _store(recipe, resolved, out, options.run or _run_of(out), settings)
    if store is not None:
        facts, size = store.manifest, sum(file.stat().st_size for file in store.directory.iterdir())
        shown = (
            f"{facts.count} views of {facts.pictures.viewed:,}" if facts.count else f"{facts.pictures.whole:,} whole"
        )
        Console(markup=False, emoji=False).print(
            f"{shown} pictures, answered by {facts.teacher.name}: {formatting.size(size)}, {store.directory}",
            soft_wrap=True,
        )
    return 0


def _views(given: int | None, recipe: Recipe) -> int:
    """How many views are answered: none where a student learns from answers to whole pictures.

    Raises:
        DistillError: a student would learn from more than answers that can be kept.
    """
    if recipe.objective is not None and recipe.objective.needs_views:
        raise DistillError(
            f"{recipe.objective.needs_views}: for that the teacher is asked about each view itself, and its answers "
            "are not kept. Set it to 0, or run without a store."
        )
    if recipe.objective is None or recipe.objective.asks_views:
        return VIEWS if given is None else given
    if given is not None:
        raise DistillError(
            f"--views is {given}, and objective.name is {recipe.objective.name}: answers to whole pictures serve every "
            "view. Leave it out."
        )
    return 0


@dataclass(frozen=True)
class StoreSettings:
    """How many views are answered, and what is kept of an answer."""

    views: int
    dtype: StoredDtype
    top: int | None


def _store(recipe: Recipe, resolved: str, out: Path, run: Path, settings: StoreSettings) -> Store | None:
    teacher, task, shown = _open(recipe, run, settings.top)
    manifest = _manifest(recipe, task, teacher, shown, out, settings)
    manifest.codec(view=0)  # refuses more than there are classes, before anything is asked
    given = {key: recipe.trainer[key] for key in _FABRIC_KEYS if recipe.trainer.get(key) is not None}
    try:
        fabric = L.Fabric(**given)
        fabric.launch()
    except (MisconfigurationException, ValueError, RuntimeError) as error:
        raise DistillError(f"trainer: Lightning refuses these arguments: {error}") from error
    asking = Asking(teacher, task.kind, shown, recipe.transfer.batch_size or LARGEST_BATCH, recipe.workers)
    # With the recipe beside them, the answers can be asked for again.
    return write_store(out, manifest, asking, fabric, texts={f"{recipe.name}.yaml": resolved})


def _open(recipe: Recipe, run: Path, top: int | None, only_read: bool = False) -> tuple[Teacher, Task, Shown]:
    """The recipe's teacher, made first where its stages say so, and the pictures it is shown.

    Args:
        top: of its outputs that are kept of a view; None for all.
        only_read: both are there already, on a file system that may be read-only.
    """
    run_directory = RunDirectory.enter(run, recipe.name)
    with run_directory.alone(only_read):
        of_run = Run.open(recipe, run_directory)
        teacher, task = of_run.teacher(), of_run.task
        if (
            not only_read and not (run_directory.root / RESULTS).exists()
        ):  # a finished run's teacher stays beside the student it taught
            of_run.write_teacher()
    if teacher is None or teacher.online is None:
        raise DistillError(
            f"teacher.name is {recipe.teacher.name}, with the stages {list(recipe.stages)}: expected a teacher "
            "that can be asked, and a stage that asks it: transfer, or pretrain with a teacher_top."
        )
    task.teaching.check_teacher(teacher)
    console = Console(stderr=True, markup=False, emoji=False)
    console.print(f"teacher {teacher.name}: shown {teacher.contract}", soft_wrap=True)
    pictures = task.pictures
    # Beside the largest outputs of views, all outputs of every picture would be most of the store.
    sample = pictures.transfer_sample() if top is not None and recipe.pretrain.teacher_top is None else None
    return teacher, task, Shown(pictures.sets.transfer, pictures.scored, sample)


def _manifest(
    recipe: Recipe, task: Task, teacher: Teacher, shown: Shown, out: Path, settings: StoreSettings
) -> Manifest:
    written = find_manifest(out)
    return Manifest(
        teacher=TeacherFacts(
            name=teacher.name,
            fingerprint=teacher.fingerprint(),
            outputs=teacher.outputs if len(teacher.shapes) == 1 else teacher.shapes,
            classes=teacher.classes or task.pictures.classes,
            preprocess=teacher.preprocess,
            **teacher.size(),
        ),
        pictures=shown.facts(),
        seed=recipe.seed,
        views=replace(recipe.transfer.views, count=None),
        # Fewer views do not take away what was answered.
        count=max(settings.views, written.count if written else 0, views_begun(out)),
        dtype=settings.dtype,
        top=settings.top,
    )


def _run_of(store: Path) -> Path:
    return store.with_name(store.name + ".run")


def _verify(arguments: list[str]) -> int:
    parser = CommandParser(
        prog="distill store verify",
        description="Compare every file of a store with its checksum, its pictures with its fingerprint, and 64 of its "
        "answers with what the teacher says now, where the teacher is at hand.",
    )
    parser.add_argument("directory", type=Path)
    parser.add_argument("--run", type=Path, help="where its pictures are prepared; default DIRECTORY.run")
    options = parser.parse_args(arguments)
    console = Console(markup=False, emoji=False)
    directory = named_place(options.directory)
    store = Store.open(directory)
    check_all_files(store)
    console.print(f"{directory}: {len(store.manifest.files())} files, each as it was written", soft_wrap=True)
    written = sorted(directory.glob("*.yaml"))
    try:
        if not written:
            raise DistillError("there is no recipe beside the answers")
        if written[0].name not in read_sums(directory):
            raise DistillError(f"{written[0]}: has no checksum in {SUMS} beside it: an earlier distill wrote it")
        recipe, _ = RecipeReader(str(written[0])).read([])
        run = options.run or _run_of(directory)
        made = set(recipe.stages) & set(TEACHER_STAGES)
        if made and not any(any(run.glob(f"stages/{name}-*/{RECORD}")) for name in made):
            raise DistillError(f"{run} is not the run that taught it; name that with --run")
        teacher, _, shown = _open(recipe, run, store.manifest.top, only_read=True)
    except DistillError as error:
        console.print(f"the teacher is not at hand, so nothing was asked again: {error}", soft_wrap=True)
        return 0
    asked, worst = ask_again(store, teacher, shown)
    console.print(f"{asked} answers asked again of {teacher.name}: largest difference of a logit {worst:.2g}")
    return 0
