"""The training stages of a run: `probe` and `teach` make the teacher; the others train the student, one after another.

A stage's key covers all it reads, the start weights included, so a finished one is reused and a changed one repeated.
"""

import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from rich.console import Console
from torch import nn

from distill.data.data_module import ViewDataModule
from distill.data.pictures import Pictures
from distill.directory import RunDirectory, key_of
from distill.export.onnx import export_onnx
from distill.modules import Distiller, FineTuner
from distill.modules.training import TrainingModule
from distill.predictors.torch_predictor import TorchPredictor
from distill.preprocess import Preprocess
from distill.probe import fit_probe
from distill.recipe import TEACHER_STAGES, Recipe, StageName
from distill.scoring import Judge
from distill.sets import Sets
from distill.store.teacher import Stored, StoredTeacher
from distill.train import Trained, finished, keep, train
from distill.weights import checksum, write_weights
from students.student import create_student
from teachers.onnx_teacher import Onnx
from teachers.recognizer_teacher import Recognizer
from teachers.teacher import Teacher

console = Console(stderr=True, markup=False, emoji=False)
TEACHER_WEIGHTS, TEACHER_ONNX = "teacher.safetensors", "teacher.onnx"

# Arguments of Lightning's Trainer that change what is learnt; the others say where it runs and what is logged.
_TRAINER_FACTS = (
    "accumulate_grad_batches", "check_val_every_n_epoch", "gradient_clip_algorithm", "limit_train_batches",
    "limit_val_batches", "max_steps", "max_time", "sync_batchnorm", "val_check_interval",
)  # fmt: skip


@dataclass
class Log:
    """What results.json and the report say of each stage; `judge` scores what it left."""

    judge: Judge
    stages: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, list[dict[str, float]]] = field(default_factory=dict)

    def add(self, name: str, trained: Trained, network: nn.Module, preprocess: Preprocess) -> None:
        predictor = TorchPredictor(network, preprocess, "sigmoid", normalize=True, name=name)
        self.curves[name] = trained.history
        self.stages.append({"name": name, "seconds": trained.seconds, **self.judge.on_validation(predictor)})


AnyTeacher = Teacher | StoredTeacher


def open_teacher(recipe: Recipe, sets: Sets, places: RunDirectory, log: Log) -> AnyTeacher | None:
    """The recipe's teacher: taught first where the stages say so; None where nothing is transferred.

    Raises:
        DistillError: it cannot be loaded, or has other outputs than the data.
    """
    if "probe" in recipe.stages or "teach" in recipe.stages:
        return _make_teacher(recipe, sets, places, log)
    return recipe.teacher.load(len(sets.classes)) if "transfer" in recipe.stages else None


def _make_teacher(recipe: Recipe, sets: Sets, places: RunDirectory, log: Log) -> Teacher:
    assert not isinstance(recipe.teacher, Onnx | Stored | Recognizer)  # refused by Recipe
    stage, classes = recipe.teach, sets.classes
    torch.manual_seed(recipe.seed)
    network = recipe.teacher.network(
        len(classes), new_head=True, drop_rate=stage.drop_rate, drop_path_rate=stage.drop_path_rate
    )
    preprocess = recipe.teacher.preprocess(network)
    if "probe" in recipe.stages:
        name, trained = "probe", _probe(recipe, network, preprocess, sets, places)
    else:
        name, module = "teach", FineTuner(network, preprocess, stage.optimization, classes, recipe.seed)
        key = _key(recipe, "teach", module, sets.labelled, None, recipe.seed)
        trained = _train(recipe, "teach", module, sets.labelled, sets, places, key, recipe.seed)
    network.load_state_dict(trained.weights)
    log.add(name, trained, network, preprocess)
    weights, file = places.teacher / TEACHER_WEIGHTS, places.teacher / TEACHER_ONNX
    write_weights(weights, network)
    # So that it can be scored, or teach another run as a black box.
    export_onnx(file, network, preprocess, classes=classes, thresholds=None, picture=sets.test.size)
    return replace(recipe.teacher, weights=weights, classes=classes).load(len(classes))


def _probe(recipe: Recipe, network: nn.Module, preprocess: Preprocess, sets: Sets, places: RunDirectory) -> Trained:
    facts = (asdict(recipe.probe), checksum(network), asdict(preprocess), sets.prepared.fingerprint, recipe.seed)
    directory = places.stage("probe", key_of("probe", *facts))
    if done := finished(directory):
        console.print(f"probe: done before, {directory}", soft_wrap=True)
        return done
    console.print(f"probe: {1 + recipe.probe.passes} passes over {len(sets.labelled)} pictures", soft_wrap=True)
    started = time.monotonic()
    fit_probe(network, preprocess, sets.labelled, sets.validation, recipe.probe, recipe.seed)
    return keep(directory, network, time.monotonic() - started, [])


def train_student(
    recipe: Recipe, sets: Sets, places: RunDirectory, log: Log, teacher: AnyTeacher | None, seed: int
) -> nn.Module:
    """The student after all its stages, in eval mode on the CPU; logged under the recipe's own seed only."""
    torch.manual_seed(seed)
    network = create_student(recipe.student, len(sets.classes))
    preprocess = recipe.student.preprocess
    for name in recipe.stages:
        if name in TEACHER_STAGES:
            continue
        module = _module(recipe, name, network, preprocess, sets, teacher, seed)
        pictures = sets.transfer if name == "transfer" else sets.labelled
        learns_from = teacher if name == "transfer" else None
        key = _key(recipe, name, module, pictures, learns_from, seed)
        trained = _train(recipe, name, module, pictures, sets, places, key, seed, learns_from)
        network.load_state_dict(trained.weights)
        if seed == recipe.seed:
            log.add(name, trained, network, preprocess)
    return network.cpu().eval()


def _module(
    recipe: Recipe,
    name: StageName,
    network: nn.Module,
    preprocess: Preprocess,
    sets: Sets,
    teacher: AnyTeacher | None,
    seed: int,
) -> TrainingModule:
    optimization = recipe.stage(name).optimization
    if name != "transfer":
        return FineTuner(network, preprocess, optimization, sets.classes, seed)
    assert teacher is not None  # open_teacher gives one for every transfer
    return Distiller(
        network,
        None if isinstance(teacher, StoredTeacher) else teacher,
        recipe.objective,
        preprocess=preprocess,
        optimization=optimization,
        classes=sets.classes,
        seed=seed,
        teacher_precision=recipe.transfer.teacher_precision,
    )


def _key(
    recipe: Recipe, name: StageName, module: TrainingModule, pictures: Pictures, teacher: AnyTeacher | None, seed: int
) -> str:
    stage = {key: value for key, value in asdict(recipe.stage(name)).items() if key != "checkpoint_steps"}
    learns_from = None if teacher is None else (teacher.fingerprint(), asdict(recipe.objective))
    data = [one.fingerprint for one in pictures.sets]
    trainer = {key: recipe.trainer.get(key) for key in _TRAINER_FACTS}
    # The averaged weights start as the network's own, so these weights stand for both.
    return key_of(name, stage, checksum(module.network), asdict(module.preprocess), data, learns_from, seed, trainer)


def _train(
    recipe: Recipe, name: StageName, module: TrainingModule, pictures: Pictures, sets: Sets, places: RunDirectory,
    key: str, seed: int, teacher: AnyTeacher | None = None,
) -> Trained:  # fmt: skip
    directory, stage = places.stage(name, key), recipe.stage(name)
    if done := finished(directory):
        console.print(f"{name}: done before, {directory}", soft_wrap=True)
        return done
    console.print(f"{name}: {stage.epochs} passes over {len(pictures)} pictures, {directory}", soft_wrap=True)
    views, view_seed, answers = stage.views, seed, None
    if isinstance(teacher, StoredTeacher):
        # Siblings of --seeds differ in their weights and order; their views are those that were answered.
        view_seed, views = recipe.seed, replace(views, count=views.count or teacher.store.manifest.count)
        answers = teacher.answers_to(pictures, views, view_seed)
    data = ViewDataModule(
        pictures, sets.validation, views, batch_size=stage.batch_size, seed=seed, workers=recipe.workers,
        view_seed=view_seed, answers=answers,
    )  # fmt: skip
    return train(directory, module, data, stage, recipe.trainer)
