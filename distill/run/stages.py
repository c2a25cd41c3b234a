"""The training stages of a run: `probe` and `teach` make the teacher; the others train the student, one after another.

A stage's key covers all it reads, the start weights included, so a finished one is reused and a changed one repeated.
"""

import hashlib
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import torch
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from rich.console import Console
from torch import nn

from distill.answers.kind import Kind, named
from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import ViewDataModule
from distill.errors import DistillError
from distill.export.onnx import export_onnx
from distill.files.atomic import atomic_path
from distill.files.checksums import SUMS, sums_of, write_sums
from distill.files.run_directory import RunDirectory, key_of
from distill.files.weights import weights_checksum
from distill.host import is_first_process
from distill.modules.training import TrainingModule
from distill.predictors.torch_predictor import TorchPredictor
from distill.preprocess.preprocess import Preprocess
from distill.recipe.left_out import chosen_of, facts_of, settled, steps_of
from distill.recipe.recipe import TEACHER_STAGES, Recipe, StageName
from distill.recipe.stages import Stage, Teach
from distill.run.curve import fault_of, words_of
from distill.run.longer import note, shorter, take_over, why_not
from distill.run.probe import fit_probe
from distill.run.record import Trained, finished, is_left, keep, leave
from distill.run.train import ENDS, begun, tidy, train
from distill.tasks import open_task
from distill.tasks.task import Task
from distill.tasks.verdict import Verdict
from students.student import create_student
from teachers.teacher import Seeds, Teacher

console = Console(stderr=True, markup=False, emoji=False)
TEACHER_WEIGHTS, TEACHER_ONNX = "teacher.safetensors", "teacher.onnx"

# Arguments of Lightning's Trainer that change what is learnt; the others say where it runs and what is logged.
_TRAINER_FACTS = (
    "accumulate_grad_batches",
    "check_val_every_n_epoch",
    "gradient_clip_algorithm",
    "limit_val_batches",
    "max_steps",
    "max_time",
    "sync_batchnorm",
    "val_check_interval",
)


class TrainingSetup(NamedTuple):
    """What a stage trains, on which pictures, and the teacher whose answers it learns; None where it learns from
    labels."""

    module: TrainingModule
    pictures: Pictures
    teacher: Teacher | None


@dataclass
class Log:
    """What results.json and the report say of each stage.

    Attributes:
        before: the verdict of the stage before, where several train the student.
        made_teacher: the weights of one that a stage made.
    """

    stages: list[dict[str, Any]] = field(default_factory=list)
    curves: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    before: Verdict | None = None
    made_teacher: Path | None = None


@dataclass
class Run:
    """One recipe, its task, and the directory its stages leave their work in."""

    recipe: Recipe
    task: Task
    directory: RunDirectory
    log: Log = field(default_factory=Log)

    @classmethod
    def open(cls, recipe: Recipe, directory: RunDirectory) -> Self:
        """A run in a directory that is this recipe's."""
        return cls(recipe, open_task(recipe, directory.data), directory)

    def teacher(self) -> Teacher | None:
        """The recipe's teacher: taught first where the stages say so; None where no stage asks it.

        Raises:
            DistillError: it cannot be loaded, or has other outputs than the data.
        """
        if set(TEACHER_STAGES) & set(self.recipe.stages):
            return self._make_teacher()
        return self.recipe.teacher.teacher(self.task.teaching.kind) if self.recipe.asks_teacher else None

    def student(self, teacher: Teacher | None, seed: int) -> nn.Module:
        """The student after all its stages, in eval mode on the CPU; logged under the recipe's own seed only."""
        recipe, teaching = self.recipe, self.task.teaching
        torch.manual_seed(seed)
        network = create_student(recipe.student, teaching.answers(teacher).head())
        preprocess = recipe.student.preprocess
        for name in recipe.stages:
            if name in TEACHER_STAGES:
                continue
            pictures = teaching.training_pictures(name, teacher)
            settings = self._settings(name, len(pictures))
            if name == "transfer":
                assert teacher is not None  # Recipe.asks_teacher
                training = TrainingSetup(teaching.distiller(network, teacher, settings, seed), pictures, teacher)
            else:
                training = TrainingSetup(teaching.learner(network, preprocess, settings, seed), pictures, None)
            trained = self._train(name, training, seed)
            network.load_state_dict(trained.weights)
            if seed == recipe.seed:
                self._note(name, trained, len(pictures), network, preprocess)
        return network.cpu().eval()

    @rank_zero_only
    def write_teacher(self) -> None:
        """Put a teacher that the recipe made where the run directory has it.

        Raises:
            DistillError: the place cannot be written to.
        """
        made, place = self.log.made_teacher, self.directory.teacher
        if made is None:
            return
        (place / SUMS).unlink(missing_ok=True)  # a kill while files are placed leaves none beside another's checksum
        for name, source in {TEACHER_WEIGHTS: made, TEACHER_ONNX: made.with_name(TEACHER_ONNX)}.items():
            if source.exists():
                with atomic_path(place / name) as temporary:
                    shutil.copyfile(source, temporary)
            else:
                (place / name).unlink(missing_ok=True)  # another teacher's
        write_sums(place, sums_of(place, (TEACHER_WEIGHTS, TEACHER_ONNX)))

    def _make_teacher(self) -> Teacher:
        torch.manual_seed(self.recipe.seed)
        teaching = self.task.teaching
        network, preprocess = teaching.trainable()
        name: StageName
        if "probe" in self.recipe.stages:
            name, pictures = "probe", self.task.pictures.sets.labelled
            trained = self._probe(network, preprocess)
        else:
            name, pictures = "teach", teaching.training_pictures("teach", None)
            settings = self._settings(name, len(pictures))
            module = teaching.learner(network, preprocess, settings, self.recipe.seed)
            trained = self._train(name, TrainingSetup(module, pictures, None), self.recipe.seed)
        network.load_state_dict(trained.weights)
        self._note(name, trained, len(pictures), network, preprocess)
        self._export_teacher(trained.file.parent, network, preprocess)
        self.log.made_teacher = trained.file
        return self.recipe.teacher.with_weights(teaching.kind, trained.file)

    def _settings(self, name: StageName, pictures: int) -> Stage:
        """A stage as it is run, with what the recipe leaves out."""
        recipe = self.recipe
        if name in TEACHER_STAGES:
            trained = getattr(recipe.teacher, "weights", None) != "scratch"
        else:
            first = next(stage for stage in recipe.stages if stage not in TEACHER_STAGES)
            trained = name != first or recipe.student.weights is not None
        return settled(recipe.stage(name), pictures, trained)

    def _export_teacher(self, stage: Path, network: nn.Module, preprocess: Preprocess) -> None:
        """As ONNX, so that it can be scored, or teach another run as a black box; beside the result of its stage."""
        if not is_first_process() or is_left(stage, TEACHER_ONNX):
            return
        kind = seen_of(network, preprocess, self.task.teaching.trained)
        try:
            size, fit = self.task.pictures.sets.size, self.recipe.prepare.fit
            export_onnx(stage / TEACHER_ONNX, network, preprocess, kind, size, fit)
        except DistillError:
            raise
        except Exception as error:  # the exporter has no base class of its errors
            reason = " ".join(str(error).split())[:400]
            console.print(
                f"the teacher cannot be written as ONNX ({type(error).__name__}: {reason}); only its weights are.",
                soft_wrap=True,
            )
            return
        leave(stage, TEACHER_ONNX)

    def _probe(self, network: nn.Module, preprocess: Preprocess) -> Trained:
        sets, settings, seed = self.task.pictures.sets, self.recipe.probe, self.recipe.seed
        described = weights_checksum(network), repr(network)
        facts = (asdict(settings), described, preprocess.facts(), sets.prepared.fingerprint, seed)
        directory = self.directory.stage("probe", key_of("probe", *facts))
        if done := finished(directory):
            console.print(f"probe: done before, {directory}", soft_wrap=True)
            return done
        console.print(f"probe: {1 + settings.passes} passes over {len(sets.labelled)} pictures", soft_wrap=True)
        started = time.monotonic()
        fit_probe(network, preprocess, sets.labelled, sets.validation, settings, seed)
        return keep(directory, network, time.monotonic() - started, [])

    def _lineage(self, name: StageName, training: TrainingSetup, seed: int) -> str:
        """What a stage shares with one of more passes: all that it reads, and what the recipe says of how it learns."""
        written = self.recipe.stage(name)
        by_length = ("epochs", "batch_size", "optimization")
        return key_of(written.batch_size, asdict(written.optimization), self._key(name, training, seed, by_length))

    def _key(self, name: StageName, training: TrainingSetup, seed: int, without: tuple[str, ...] = ()) -> str:
        module, pictures = training.module, training.pictures
        settings = self._settings(name, len(pictures))
        stage = {key: value for key, value in asdict(settings).items() if key not in ("checkpoint_steps", *without)}
        stage["views"] = settings.views.facts()
        if "optimization" in stage and settings.optimization.schedule == "cosine":
            del stage["optimization"]["schedule"]  # the only one there was when the first stages were keyed
        # Weights do not say what lies between them, such as activations and padding; the network's description does.
        network = weights_checksum(module.network), repr(module.network)
        # The same labels are learnt by another loss as attributes than as classes.
        learns_from: Any = self.recipe.task
        if training.teacher is not None:
            learns_from = training.teacher.fingerprint_of(settings.views), asdict(cast(Any, self.recipe.objective))
        parts = zip(pictures.sets, pictures.rows, strict=True)
        data = [(part.fingerprint, hashlib.sha256(rows.tobytes()).hexdigest()) for part, rows in parts]
        trainer = {key: self.recipe.trainer.get(key) for key in _TRAINER_FACTS}
        if callbacks := self.recipe.trainer.get("callbacks"):
            trainer["callbacks"] = callbacks  # nobody can say what they do to the training
        # The averaged weights start as the network's own, so these weights stand for both.
        chosen_by = module.metric.name if module.metric and settings.keep == "best" else None
        facts = (
            network,
            module.preprocess.facts(),
            data,
            sorted(pictures.hidden),
            learns_from,
            seed,
            trainer,
            chosen_by,
        )
        further = self.task.teaching.learns_from()  # of most tasks nothing, whose stages keep their keys
        return key_of(name, stage, *facts, *([further] if further else []))

    def _train(self, name: StageName, training: TrainingSetup, seed: int) -> Trained:
        recipe, pictures = self.recipe, training.pictures
        stage = self._settings(name, len(pictures))
        assert stage.batch_size is not None  # settled
        directory = self.directory.stage(name, self._key(name, training, seed))
        lineage = self._lineage(name, training, seed)
        if done := finished(directory):
            console.print(f"{name}: done before, {directory}", soft_wrap=True)
            if is_first_process():
                tidy(directory, stage)  # a kill may have come before
            self._keep_lineage(directory, stage, lineage, done)
            return done
        console.print(f"{name}: {stage.epochs} passes over {len(pictures)} pictures, {directory}", soft_wrap=True)
        if chosen := chosen_of(recipe.stage(name), stage):
            steps = steps_of(len(pictures), stage.batch_size, stage.epochs)
            console.print(f"{name}: left out, so chosen for {steps} steps: {', '.join(chosen)}", soft_wrap=True)
        self._begin(name, stage, directory, lineage)
        views, view_seed, answers = stage.views, seed, None
        if training.teacher is not None and recipe.objective.asks_views:
            # Siblings of --seeds differ in their weights and order; stored views are those that were answered.
            views, view_seed, answers = training.teacher.shown_views(pictures, views, Seeds(seed, recipe.seed))
        data = ViewDataModule(
            pictures,
            self.task.pictures.sets.validation,
            views,
            batch_size=stage.batch_size,
            seed=seed,
            workers=recipe.workers,
            view_seed=view_seed,
            answers=answers,
            together=stage.together if isinstance(stage, Teach) and stage.metric_loss == "triplet" else 1,
            further=self.task.teaching.truths(training.teacher),
        )
        trained = train(directory, training.module, data, stage, recipe.trainer)
        self._keep_lineage(directory, stage, lineage, trained)
        return trained

    @rank_zero_only
    def _keep_lineage(self, directory: Path, stage: Stage, lineage: str, trained: Trained) -> None:
        """Leave beside a stage's result what longer trainings ask for."""
        if trained.history:
            note(directory, lineage, stage, int(trained.history[-1]["step"]))

    @rank_zero_only
    def _begin(self, name: StageName, stage: Stage, directory: Path, lineage: str) -> None:
        """Go on from a training of fewer passes where that is the same as far as it went; else say why not."""
        before = shorter(directory, lineage, stage.epochs)
        if before is None or begun(directory):
            return
        where = f"the {before.passes} passes in {before.directory}"
        reason = why_not(before, stage)
        if reason is None and take_over(before, directory, ENDS):
            console.print(f"{name}: goes on from {where}", soft_wrap=True)
        elif reason is not None:
            console.print(f"{name}: begins anew, not after {where}: {reason}", soft_wrap=True)

    def _note(
        self, name: StageName, trained: Trained, pictures: int, network: nn.Module, preprocess: Preprocess
    ) -> None:
        """Log a stage and what it left scores on validation.

        Where several stages train the student, each is scored on the test pictures as well, and held against the one
        before it: what did it add?
        """
        judging, log = self.task.judging, self.log
        predictor = TorchPredictor(network, preprocess, self.task.teaching.trained, normalize=True, name=name)
        log.curves[name] = trained.history
        losses, doubt = [record["loss"] for record in trained.history], {}
        if fault := fault_of(losses):
            doubt = {"doubt": words_of(fault, name, losses)}
            console.print(doubt["doubt"], soft_wrap=True)
        scores = judging.on_validation(predictor)
        how = {} if name == "probe" else {"training": facts_of(self._settings(name, pictures), pictures)}
        log.stages.append({"name": name, "pictures": pictures, "seconds": trained.seconds, **scores, **how, **doubt})
        if name not in TEACHER_STAGES and len(set(self.recipe.stages) - set(TEACHER_STAGES)) > 1:
            verdict = judging.judge(predictor)
            scored = verdict.to_dict()
            log.stages[-1]["test"] = {key: scored[key] for key in ("metrics", "intervals")}
            if log.before is not None:
                log.stages[-1]["test"]["added"] = verdict.compare(log.before)
            log.before = verdict


def seen_of(network: nn.Module, preprocess: Preprocess, kind: Kind) -> Kind:
    """A kind with what a network's answers to one picture show of it, such as dimensions; in eval mode on the CPU."""
    blank = torch.zeros(1, 3, preprocess.height, preprocess.width)
    with torch.inference_mode():
        return kind.of_outputs(named(network.cpu().eval()(blank), kind.raw[0]))
