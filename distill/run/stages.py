"""The training stages of a run: `probe` and `teach` make the teacher; the others train the student, one after another.

A stage's key covers all it reads, the start weights included, so a finished one is reused and a changed one repeated.
"""

import hashlib
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from rich.console import Console
from torch import nn

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.errors import DistillError
from distill.export.onnx import export_onnx
from distill.files.atomic import atomic_path
from distill.files.run_directory import RunDirectory, key_of
from distill.files.weights import checksum
from distill.modules import Distiller
from distill.modules.training import TrainingModule
from distill.preprocess.preprocess import Preprocess
from distill.recipe.recipe import TEACHER_STAGES, Recipe, StageName
from distill.recipe.stages import Teach
from distill.run.probe import fit_probe
from distill.run.train import Trained, finished, keep, train
from distill.store.teacher import StoredTeacher
from distill.tasks.task import AnyTeacher, Task
from distill.tasks.verdict import Verdict
from students.student import create_student
from teachers.teacher import Teacher

console = Console(stderr=True, markup=False, emoji=False)
TEACHER_WEIGHTS, TEACHER_ONNX = "teacher.safetensors", "teacher.onnx"

# Arguments of Lightning's Trainer that change what is learnt; the others say where it runs and what is logged.
_TRAINER_FACTS = (
    "accumulate_grad_batches", "check_val_every_n_epoch", "gradient_clip_algorithm", "limit_val_batches", "max_steps",
    "max_time", "sync_batchnorm", "val_check_interval",
)  # fmt: skip


@dataclass
class Log:
    """What results.json and the report say of each stage; `task` scores what it left.

    Where several stages train the student, each is scored on the test pictures as well, and held against the one
    before it: what did it add?
    """

    task: Task
    stages: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    before: Verdict | None = None
    made_teacher: Path | None = None  # the weights of one that a stage made

    def add(
        self, name: StageName, trained: Trained, pictures: Pictures, network: nn.Module, preprocess: Preprocess
    ) -> None:
        predictor = self.task.predictor(network, preprocess, name)
        self.curves[name] = trained.history
        scores = self.task.on_validation(predictor)
        self.stages.append({"name": name, "pictures": len(pictures), "seconds": trained.seconds, **scores})
        if name not in TEACHER_STAGES and len(set(self.task.recipe.stages) - set(TEACHER_STAGES)) > 1:
            verdict = self.task.judge(predictor)
            scored = verdict.to_dict()
            self.stages[-1]["test"] = {key: scored[key] for key in ("metrics", "intervals")}
            if self.before is not None:
                self.stages[-1]["test"]["added"] = self.task.compare(verdict, self.before)
            self.before = verdict


def open_teacher(recipe: Recipe, task: Task, places: RunDirectory, log: Log) -> AnyTeacher | None:
    """The recipe's teacher: taught first where the stages say so; None where no stage asks it.

    Raises:
        DistillError: it cannot be loaded, or has other outputs than the data.
    """
    if "probe" in recipe.stages or "teach" in recipe.stages:
        return _make_teacher(recipe, task, places, log)
    return task.load_teacher() if recipe.asks_teacher else None


def _make_teacher(recipe: Recipe, task: Task, places: RunDirectory, log: Log) -> Teacher:
    torch.manual_seed(recipe.seed)
    network, preprocess = task.new_teacher()
    name: StageName
    if "probe" in recipe.stages:
        name, pictures = "probe", task.sets.labelled
        trained = _probe(recipe, network, preprocess, task, places)
    else:
        name, module = "teach", task.learner(network, preprocess, recipe.teach, recipe.seed)
        pictures = task.training_pictures("teach", None)
        trained = _train(recipe, "teach", module, pictures, task, places, recipe.seed, None)
    network.load_state_dict(trained.weights)
    log.add(name, trained, pictures, network, preprocess)
    _export_teacher(task, trained.file.parent, network, preprocess)
    log.made_teacher = trained.file
    return task.taught_teacher(trained.file)


def _export_teacher(task: Task, stage: Path, network: nn.Module, preprocess: Preprocess) -> None:
    """As ONNX, so that it can be scored, or teach another run as a black box; beside the result of its stage."""
    if rank_zero_only.rank or (stage / TEACHER_ONNX).exists():  # type: ignore[attr-defined]
        return
    try:
        export_onnx(
            stage / TEACHER_ONNX, network, preprocess, classes=task.classes, thresholds=None,
            picture=task.sets.size, activation=task.activation,
        )  # fmt: skip
    except DistillError:
        raise
    except Exception as error:  # the exporter has no base class of its errors
        reason = " ".join(str(error).split())[:400]
        console.print(
            f"the teacher cannot be written as ONNX ({type(error).__name__}: {reason}); only its weights are.",
            soft_wrap=True,
        )


@rank_zero_only
def write_teacher(places: RunDirectory, log: Log) -> None:
    """Put a teacher that the recipe made where the run directory has it.

    Raises:
        DistillError: the place cannot be written to.
    """
    if log.made_teacher is None:
        return
    copies = {TEACHER_WEIGHTS: log.made_teacher, TEACHER_ONNX: log.made_teacher.with_name(TEACHER_ONNX)}
    for name, made in copies.items():
        if made.exists():
            with atomic_path(places.teacher / name) as temporary:
                shutil.copyfile(made, temporary)
        else:
            (places.teacher / name).unlink(missing_ok=True)  # another teacher's


def _probe(recipe: Recipe, network: nn.Module, preprocess: Preprocess, task: Task, places: RunDirectory) -> Trained:
    sets = task.sets
    described = checksum(network), repr(network)
    facts = (asdict(recipe.probe), described, asdict(preprocess), sets.prepared.fingerprint, recipe.seed)
    directory = places.stage("probe", key_of("probe", *facts))
    if done := finished(directory):
        console.print(f"probe: done before, {directory}", soft_wrap=True)
        return done
    console.print(f"probe: {1 + recipe.probe.passes} passes over {len(sets.labelled)} pictures", soft_wrap=True)
    started = time.monotonic()
    fit_probe(network, preprocess, sets.labelled, sets.validation, recipe.probe, recipe.seed)
    return keep(directory, network, time.monotonic() - started, [])


def train_student(
    recipe: Recipe, task: Task, places: RunDirectory, log: Log, teacher: AnyTeacher | None, seed: int
) -> nn.Module:
    """The student after all its stages, in eval mode on the CPU; logged under the recipe's own seed only."""
    torch.manual_seed(seed)
    network = create_student(recipe.student, task.outputs(teacher))
    preprocess = recipe.student.preprocess
    for name in recipe.stages:
        if name in TEACHER_STAGES:
            continue
        learns_from = teacher if name == "transfer" else None
        module = _module(recipe, name, network, preprocess, task, learns_from, seed)
        pictures = task.training_pictures(name, teacher)
        trained = _train(recipe, name, module, pictures, task, places, seed, learns_from)
        network.load_state_dict(trained.weights)
        if seed == recipe.seed:
            log.add(name, trained, pictures, network, preprocess)
    return network.cpu().eval()


def _module(
    recipe: Recipe,
    name: StageName,
    network: nn.Module,
    preprocess: Preprocess,
    task: Task,
    teacher: AnyTeacher | None,
    seed: int,
) -> TrainingModule:
    stage = recipe.stage(name)
    if teacher is None:
        return task.learner(network, preprocess, stage, seed)
    return Distiller(
        network,
        None if isinstance(teacher, StoredTeacher) else teacher,
        recipe.objective,
        preprocess=preprocess,
        optimization=stage.optimization,
        seed=seed,
        metric=task.metric(teacher),
        teacher_precision=recipe.transfer.teacher_precision,
    )


def _key(
    recipe: Recipe, name: StageName, module: TrainingModule, pictures: Pictures, teacher: AnyTeacher | None, seed: int
) -> str:
    settings = recipe.stage(name)
    stage = {key: value for key, value in asdict(settings).items() if key != "checkpoint_steps"}
    # Weights do not say what lies between them, such as activations and padding; the network's own description does.
    network = checksum(module.network), repr(module.network)
    # The same labels are learnt by another loss as attributes than as classes.
    learns_from: Any = recipe.task
    if isinstance(teacher, StoredTeacher):
        learns_from = teacher.fingerprint_of(settings.views), asdict(recipe.objective)
    elif teacher is not None:
        learns_from = teacher.fingerprint(), asdict(recipe.objective)
    parts = zip(pictures.sets, pictures.rows, strict=True)
    data = [(one.fingerprint, hashlib.sha256(rows.tobytes()).hexdigest()) for one, rows in parts]
    trainer = {key: recipe.trainer.get(key) for key in _TRAINER_FACTS}
    # The averaged weights start as the network's own, so these weights stand for both.
    chosen_by = module.metric.name if module.metric and settings.keep == "best" else None
    facts = (network, asdict(module.preprocess), data, sorted(pictures.hidden), learns_from, seed, trainer, chosen_by)
    return key_of(name, stage, *facts)


def _train(
    recipe: Recipe, name: StageName, module: TrainingModule, pictures: Pictures, task: Task, places: RunDirectory,
    seed: int, teacher: AnyTeacher | None,
) -> Trained:  # fmt: skip
    stage = recipe.stage(name)
    directory = places.stage(name, _key(recipe, name, module, pictures, teacher, seed))
    if done := finished(directory):
        console.print(f"{name}: done before, {directory}", soft_wrap=True)
        return done
    console.print(f"{name}: {stage.epochs} passes over {len(pictures)} pictures, {directory}", soft_wrap=True)
    views, view_seed, answers = stage.views, seed, None
    if isinstance(teacher, StoredTeacher):
        # Siblings of --seeds differ in their weights and order; their views are those that were answered.
        view_seed, views = recipe.seed, teacher.counted(views)
        answers = teacher.answers_to(pictures, views, view_seed)
    together = stage.together if isinstance(stage, Teach) and stage.metric_loss == "triplet" else 1
    data = ViewDataModule(
        pictures, task.sets.validation, views, batch_size=stage.batch_size, seed=seed, workers=recipe.workers,
        view_seed=view_seed, answers=answers, together=together,
        further=task.truths(teacher),
    )  # fmt: skip
    return train(directory, module, data, stage, recipe.trainer)
