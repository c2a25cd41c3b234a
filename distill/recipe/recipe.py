"""What a recipe may say: typed dataclasses, one field a key.

Sections whose first key is `name` come in variants (`distill.recipe.variants`); the variant chosen decides which other
keys there are. `distill.recipe.parser` reads YAML and command lines into a `Recipe`.
"""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from distill.data.pair_sets.sets import SET_NAMES, SetName
from distill.data.sources.source import Source
from distill.errors import DistillError, echo
from distill.export.format import Calibration
from distill.faces.settings import Detect
from distill.objectives import Objective
from distill.preprocess.landmarks import AlignedTo
from distill.preprocess.preprocess import Fit
from distill.recipe.cells import CellSettings
from distill.recipe.stages import LabelStage, Pretrain, Probe, Stage, Teach, Transfer
from distill.registries import TASKS
from distill.registry import expected
from students.student import Student
from teachers.teacher import TeacherConfig

StageName = Literal["probe", "teach", "pretrain", "fine_tune", "transfer"]
TEACHER_STAGES: tuple[StageName, ...] = ("probe", "teach")


Align = AlignedTo | Detect | Path | None
"""How faces come to their place."""


def _check_align(key: str, align: Align) -> None:
    """Refuse what faces cannot be found with.

    Raises:
        DistillError: naming the key.
    """
    if isinstance(align, Detect):
        align.check(key)
    elif isinstance(align, Path) and str(align).lstrip().startswith("{"):  # what is no keys and values is a path
        keys = ", ".join(one.name for one in fields(Detect))
        raise DistillError(f"{key} is {echo(str(align))}, expected keys and values, of the keys {keys}.")


@dataclass(frozen=True)
class Prepare:
    """The prepared pictures views are cut from.

    Attributes:
        height, width: pixels of the prepared pictures.
        fit: how a picture of another shape becomes one: crop cuts out its largest centred box of that shape and resizes
            it; stretch resizes all of it, whatever becomes of its shape; pad resizes all of it in its own shape,
            centred, with grey (114) beside it; pad_corner puts it in the upper left corner, as some detectors want it.
        align: bring faces to the place they have in ArcFace's 112 x 112 template, at that size. Says where they are:
            celeba or arcface112 for pictures aligned so already; a CSV file with the columns file,x1,y1,...,x5,y5
            (eyes, nose, mouth corners in pixels; the first pixel's centre is 0, 0); or detect, which finds them in
            photographs with a detector's file (align.file). null leaves faces where they are.
        unlabelled_align: of the pictures of `unlabelled`, where they are aligned otherwise than the data, such as
            photographs beside pictures that somebody aligned; null aligns them as `align` says.
        max_bad_share: largest share of pictures that may be left out as unusable before the run stops.
        max_raw_bytes: a set whose raw pictures would take more is kept encoded, and decoded by the workers that load
            batches; the views are the same.
        root: where prepared sets are kept, shared between runs; null keeps them in the run directory.
    """

    height: int = 64
    width: int = 64
    fit: Fit = "crop"
    align: Align = None
    unlabelled_align: Align = None
    max_bad_share: float = 0.01
    max_raw_bytes: int = 32 * 2**30
    root: Path | None = None

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise DistillError(f"prepare: the size is {self.height} x {self.width}, expected positive pixels.")
        for key in ("align", "unlabelled_align"):
            _check_align(f"prepare.{key}", getattr(self, key))
        if self.fit not in get_args(Fit):
            raise DistillError(f"prepare.fit is {self.fit!r}, expected one of {', '.join(get_args(Fit))}.")
        if self.fit != "crop" and (self.align is not None or self.unlabelled_align is not None):
            raise DistillError(
                f"prepare.fit is {self.fit}, and prepare.align brings faces to their place instead. Leave out one of "
                "the two."
            )
        if not 0 <= self.max_bad_share < 1:
            raise DistillError(f"prepare.max_bad_share is {self.max_bad_share}, expected a share from 0 to below 1.")
        if self.max_raw_bytes < 0:
            raise DistillError(f"prepare.max_raw_bytes is {self.max_raw_bytes}, expected 0 or more.")


@dataclass(frozen=True)
class Pairs:
    """A published set of faces to compare.

    Attributes:
        name: agedb_30, calfw, cplfw, or listed (any other): a text file of pairs, and pictures; cfp_ff, cfp_fp: CFP's
            Protocol and Data; ijb: templates and their pairs; insightface: a .npz file, made of one of InsightFace's
            .bin. null: none of them.
        root: where the set lies.
        folds: of a list of pairs that does not say which: those of each kind are shared over so many, in their order.
    """

    name: SetName | None = None
    root: Path | None = None
    folds: int = 10

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in SET_NAMES:
            raise DistillError(f"evaluate.pairs.name is {self.name!r}, expected one of {', '.join(SET_NAMES)}.")
        if (self.name is None) != (self.root is None):
            lacking = "name" if self.name is None else "root"
            raise DistillError(
                f"evaluate.pairs.{lacking}: not set; expected a name ({', '.join(SET_NAMES)}) and a root, where that "
                "set lies."
            )
        if self.folds < 2:
            raise DistillError(f"evaluate.pairs.folds is {self.folds}, expected at least 2.")


@dataclass(frozen=True)
class Evaluate:
    """How scores are computed.

    Attributes:
        resamples: bootstrap resamples behind each interval.
        batch_size: pictures at a time.
        chance: of a teacher whose score cannot be told from that of blind guesses: refuse stops the run, accept goes on
            with it. A student is reported in either case, and said to be at chance where it is.
        lfw: of embeddings: a directory with LFW's people, each in a folder (or these in `images`), and its pairs.txt or
            pairs.csv. null scores all pairs of the test people.
        pairs: of embeddings: another set of faces to compare, in the layout it is published in.
        align: how those pictures are aligned, as in `prepare.align`.
        lfw_aligned: where `align` finds their faces: the same people, aligned to ArcFace's template by somebody else;
            what finding costs is measured against them.
        allow_missing: leave out pairs of pictures that are not there.
        flips: of embeddings: none; average of picture and mirror image, which keeps galleries working; or
            concatenation of both.
        fars: false accept rates that TAR is measured at, and the rates at which people who are not enrolled may be
            given a name (FPIR) that TPIR is measured at; the first is the one that counts.
        none_rate: of classes that exclude each other: the share of validation pictures, all of which show one of them,
            that may be answered "none of these"; the cut-off of the likeliest class's probability follows from it.
        place: of places: what a guess is: the mean photograph of the likeliest cell, or (mode) that of the cell around
            which most of the distribution lies: the one whose expected shares within 1, 25, 200, 750 and 2,500 km sum
            to most.
    """

    resamples: int = 1000
    batch_size: int = 128
    chance: Literal["refuse", "accept"] = "refuse"
    lfw: Path | None = None
    pairs: Pairs = field(default_factory=Pairs)
    align: Align = "arcface112"
    lfw_aligned: Path | None = None
    allow_missing: bool = False
    flips: Literal["none", "average", "concatenation"] = "average"
    fars: tuple[float, ...] = (1e-2, 1e-3)
    none_rate: float = 0.05
    place: Literal["cell", "mode"] = "cell"

    def __post_init__(self) -> None:
        for key in ("resamples", "batch_size"):
            if getattr(self, key) < 1:
                raise DistillError(f"evaluate.{key} is {getattr(self, key)}, expected at least 1.")
        _check_align("evaluate.align", self.align)
        if self.lfw_aligned is not None and not (self.lfw is not None and isinstance(self.align, Detect)):
            raise DistillError(
                "evaluate.lfw_aligned: holds what finding faces costs to a given alignment; expected evaluate.lfw and "
                "evaluate.align.name detect beside it."
            )
        if self.lfw is not None and self.pairs.name is not None:
            raise DistillError(f"evaluate.lfw and evaluate.pairs ({self.pairs.name}): two sets; give one of them.")
        if not 0 <= self.none_rate < 1:
            raise DistillError(f"evaluate.none_rate is {self.none_rate}, expected a share from 0 to below 1.")
        if not self.fars or not all(0 < far < 1 for far in self.fars):
            raise DistillError(f"evaluate.fars is {list(self.fars)}, expected rates between 0 and 1, at least one.")


@dataclass(frozen=True)
class Export:
    """In which formats the student is exported, and what the files are held to.

    Attributes:
        formats: onnx, onnx-int8, openvino, openvino-int8, executorch, executorch-int8, coreml, web.
        tolerance: largest difference of an exported file's score from the torch student's, in points of the
            first metric.
        int8_tolerance: the same of int8 files.
        int8_steps: of an int8 file that falls outside: steps in which a copy of the student learns to give the same
            answers when it is rounded; the file is written again from that. 0 leaves it failed.
        nms: of boxes: whether non-maximum suppression is inside the files, which then give each thing once, at most 100
            of a picture. Of onnx and openvino, also in int8; other formats are refused.
        calibration: of the ranges that onnx-int8 rounds activations in: those of the least squared error after the
            activation, those that hold all but the outermost ten-thousandth on each side (percentile), or all (minmax).
        onnxruntime_web: of the browser folder: the npm package as a file; null fetches it once.
        detector: of the browser folder and the model card: a face detector's file. Faces are found as prepare.align
            says where that is detect, otherwise by its defaults, and brought to where the student's pictures have them:
            to ArcFace's template where prepare.align is set, and as in CelebA's pictures where it is null. null is the
            file of prepare.align.
    """

    formats: tuple[str, ...] = ("onnx", "onnx-int8")
    tolerance: float = 0.1
    int8_tolerance: float = 1.0
    int8_steps: int = 100
    nms: bool = False
    calibration: Calibration = "least_error"
    onnxruntime_web: Path | None = None
    detector: Path | None = None

    def __post_init__(self) -> None:
        for key in ("tolerance", "int8_tolerance"):
            if getattr(self, key) < 0:
                raise DistillError(f"export.{key} is {getattr(self, key)}, expected 0 or more points.")
        if self.int8_steps < 0:
            raise DistillError(f"export.int8_steps is {self.int8_steps}, expected 0 or more steps.")

    def tolerance_of(self, int8: bool) -> float:
        """Points."""
        return self.int8_tolerance if int8 else self.tolerance


@dataclass(frozen=True)
class Card:
    """What the model card says that no run can measure; it says that it is not known where a key is null.

    Attributes:
        license: of the student's weights, as the hub abbreviates it: apache-2.0, cc-by-nc-4.0, other.
        data_license: of the pictures, in words.
        weights_license: of the weights that teacher and student started from, in words.
    """

    license: str | None = None
    data_license: str | None = None
    weights_license: str | None = None


def check_task(recipe: "Recipe") -> None:
    """Refuse what the recipe's task does not let it say; the task is looked up by its name."""
    TASKS.get(recipe.task).check_recipe(recipe)


@dataclass(frozen=True)
class Recipe:
    """A whole run.

    Attributes:
        name: of the recipe's file.
        task: what the networks answer: attributes (one probability each), classes (one probability shared out among
            them), embeddings, boxes, or places.
        seed: of initialisation, views, order and resampling.
        stages: what is trained, in order: `probe` fits a classifier on the teacher's frozen features, and `teach`
            trains all of it, both on labels (of embeddings, on who is shown); `pretrain` and `fine_tune` train the
            student on labels (`pretrain` on those of `web`, where there is one); `transfer` trains it on the teacher's
            answers.
        unlabelled: more pictures to transfer on.
        web: a large set with labels that are often wrong: `pretrain` trains on it in place of the data's own, and
            `transfer` on its pictures, whatever their labels say. Its classes are the data's by name, or by the WordNet
            ids their names begin with.
        workers: processes that load batches; the batches do not depend on it.
        trainer: arguments of Lightning's Trainer.
    """

    name: str
    task: str
    seed: int
    stages: tuple[StageName, ...]
    data: Source
    unlabelled: Source | None
    web: Source | None
    prepare: Prepare
    teacher: TeacherConfig
    student: Student
    objective: Objective
    probe: Probe
    teach: Teach
    pretrain: Pretrain
    fine_tune: LabelStage
    transfer: Transfer
    cells: CellSettings
    evaluate: Evaluate
    export: Export
    card: Card
    workers: int
    trainer: dict[str, Any]

    def __post_init__(self) -> None:
        if self.task not in (known := TASKS.names()):
            raise DistillError(f"task is {self.task!r}. {expected(self.task, known)}")
        if not self.stages or len(set(self.stages)) != len(self.stages):
            raise DistillError(
                f"stages is {list(self.stages)}, expected at least one of {', '.join(get_args(StageName))}, each once."
            )
        making = [name for name in self.stages if name in TEACHER_STAGES]
        if making and self.teacher.ready_made:
            raise DistillError(
                f"stages: teacher {self.teacher.name} cannot be trained; leave `{making[0]}` out, or take another."
            )
        if making and getattr(self.teacher, "class_map", None) is not None:
            raise DistillError(
                f"teacher.class_map: says which outputs are the data's classes; `{making[0]}` makes a classifier of "
                "these alone. Leave it out."
            )
        check_task(self)
        if len(making) > 1:
            raise DistillError("stages: both `probe` and `teach` make the teacher; keep one of them.")
        if making and self.stages[0] != making[0]:
            raise DistillError(f"stages is {list(self.stages)}: `{making[0]}` makes the teacher; put it first.")
        if len(self.stages) == len(making):
            raise DistillError(
                f"stages is {list(self.stages)}: nothing trains the student; add transfer, pretrain or fine_tune."
            )
        if "teach" in making and self.teach.web and self.web is None:
            raise DistillError("teach.web is true, and the recipe has no web. Set it to false.")
        self._check_trainer()
        if self.workers < 0:
            raise DistillError(f"workers is {self.workers}, expected 0 or more.")
        if not 0 <= self.seed < 2**63:
            raise DistillError(f"seed is {self.seed}, expected 0 or more.")

    def _check_trainer(self) -> None:
        """Refuse arguments of the Trainer that would lose what was trained, or fail once it is."""
        interval, never = self.trainer.get("val_check_interval"), self.trainer.get("limit_val_batches") == 0
        every = self.trainer.get("check_val_every_n_epoch") or 1
        for name in self.stages:
            if name == "probe" or (stage := self.stage(name)).keep != "best":
                continue
            # A float of 1 is the end of a pass, an int of 1 each batch.
            if interval is not None and repr(interval) != "1.0":
                raise DistillError(
                    f"trainer.val_check_interval is {interval}: it scores weights inside a pass, and {name}.keep: best "
                    "is of whole passes. Leave it out, or set keep to last."
                )
            if never or every > stage.epochs:
                key = "limit_val_batches" if never else "check_val_every_n_epoch"
                raise DistillError(
                    f"trainer.{key} is {self.trainer[key]}: no pass is validated, and {name}.keep is best. Leave it "
                    "out, or set keep to last."
                )
        if (limit := self.trainer.get("max_time")) is not None:
            from lightning.pytorch.callbacks import Timer
            from lightning.pytorch.utilities.exceptions import MisconfigurationException

            try:
                Timer(limit)
            except (MisconfigurationException, TypeError, ValueError) as error:
                raise DistillError(
                    f"trainer.max_time is {limit!r} ({error}), expected days, hours, minutes and seconds, such as "
                    "00:12:00:00."
                ) from error
        strategy = self.trainer.get("strategy")
        if isinstance(strategy, str) and any(way in strategy for way in ("spawn", "fork", "notebook")):
            raise DistillError(
                f"trainer.strategy is {strategy}: when its processes end, what they noted of a stage is lost. Use "
                f"{strategy.split('_')[0]}."
            )

    @property
    def detect(self) -> Detect | None:
        """How faces are found in photographs before the student is shown them; None where no detector is named."""
        align, file = self.prepare.align, self.export.detector
        if isinstance(align, Detect):
            return align if file is None else replace(align, file=file)
        return None if file is None else Detect(file=file, to="celeba" if align is None else "arcface112")

    @property
    def asks_teacher(self) -> bool:
        """Whether a stage learns from the teacher's answers, or from labels it has sorted."""
        return "transfer" in self.stages or ("pretrain" in self.stages and self.pretrain.teacher_top is not None)

    def stage(self, name: StageName) -> Stage:
        """The section of one stage that trains by gradient steps."""
        section: Stage = getattr(self, name)
        return section
