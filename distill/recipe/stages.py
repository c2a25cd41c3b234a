"""What a recipe may say of each of its stages: how a network is trained, or fitted."""

from dataclasses import dataclass, field
from typing import Literal

from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules.distiller import TeacherPrecision
from distill.modules.optimization import Optimization
from distill.objectives.labels import LabelLossName

Precision = Literal["32-true", "bf16-mixed"]


MIN_BATCH = 2
"""Pictures of one process in a batch: of one, batch normalisation knows no spread."""


@dataclass(frozen=True)
class Stage:
    """How one stage trains.

    Attributes:
        epochs: passes over the training pictures.
        batch_size: pictures a batch, over all processes; two a process at least, which batch statistics need. null:
            what `distill.recipe.left_out` makes of pictures and passes.
        views: how views are drawn.
        optimization: optimiser, schedule, averaging.
        clip: largest norm of the gradient; null does not clip.
        precision: 32-true, or bf16-mixed where the device is faster with it.
        keep: `last` weights, or the `best` on validation. Transfer has no early stopping (section 4.5).
        checkpoint_steps: steps between checkpoints: what a crash can cost.
    """

    epochs: int = 10
    batch_size: int | None = None
    views: Views = field(default_factory=Views)
    optimization: Optimization = field(default_factory=Optimization)
    clip: float | None = 5.0
    precision: Precision = "32-true"
    keep: Literal["last", "best"] = "last"
    checkpoint_steps: int = 200

    def __post_init__(self) -> None:
        for key in ("epochs", "batch_size", "checkpoint_steps"):
            if getattr(self, key) is not None and getattr(self, key) < 1:
                raise DistillError(f"{key} is {getattr(self, key)}, expected at least 1.")
        if self.batch_size is not None and self.batch_size < MIN_BATCH:
            raise DistillError(
                f"batch_size is {self.batch_size}, expected at least {MIN_BATCH}: one picture has no batch statistics."
            )
        if self.clip is not None and self.clip <= 0:
            raise DistillError(f"clip is {self.clip}, expected a positive norm, or null.")


@dataclass(frozen=True)
class LabelStage(Stage):
    """How a network is trained on labels.

    Attributes:
        loss: of classes that exclude each other: cross_entropy, or one that is less misled by wrong labels,
            generalized_cross_entropy or bootstrapped_cross_entropy.
    """

    loss: LabelLossName = "cross_entropy"


@dataclass(frozen=True)
class Pretrain(LabelStage):
    """How the student is trained on labels that may be wrong.

    Attributes:
        teacher_top: of classes that exclude each other: only pictures whose label is among the teacher's so many most
            probable classes, which sorts out wrong labels. null takes all, and needs no teacher.
    """

    teacher_top: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.teacher_top is not None and self.teacher_top < 1:
            raise DistillError(f"teacher_top is {self.teacher_top}, expected at least 1 class, or null.")


@dataclass(frozen=True)
class Teach(LabelStage):
    """How a teacher is trained on labels, or a teacher of embeddings on who is shown.

    Attributes:
        web: on the pictures of `web` too, with the labels they have there.
        drop_rate: dropout before the classifier.
        drop_path_rate: share of residual branches dropped, where the network has them.
        metric_loss: of embeddings: arcface, or triplet (FaceNet's, of semi-hard triplets in a batch).
        margin: of arcface: degrees by which the angle to the own person's direction must win.
        scale: of arcface: what cosines are multiplied by before the softmax over people.
        triplet_margin: of triplet: by how much another person must be farther, in squared distance of unit vectors.
        together: of triplet: pictures of one person that stand beside each other in a batch, where there are as many.
    """

    web: bool = False
    drop_rate: float = 0.0
    drop_path_rate: float = 0.0
    metric_loss: Literal["arcface", "triplet"] = "arcface"
    margin: float = 28.6
    scale: float = 64.0
    triplet_margin: float = 0.2
    together: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("drop_rate", "drop_path_rate"):
            if not 0 <= getattr(self, key) < 1:
                raise DistillError(f"{key} is {getattr(self, key)}, expected a share from 0 to below 1.")
        if not 0 <= self.margin < 90 or self.scale <= 0:
            raise DistillError(
                f"margin is {self.margin} and scale {self.scale}, expected 0 to below 90 degrees and a positive number."
            )
        if not 0 < self.triplet_margin <= 4 or self.together < 2:
            raise DistillError(
                f"triplet_margin is {self.triplet_margin} and together {self.together}, expected a number "
                "above 0, to 4, and at least 2 pictures: a triplet has two of one person."
            )


@dataclass(frozen=True)
class Transfer(Stage):
    """How the student is trained on the teacher's answers.

    Attributes:
        teacher_precision: 32-true, or bf16 for a teacher that is asked on a GPU.
        unlabelled: how many of the unlabelled pictures to train on, those of the smallest content hashes, so that a
            larger number holds a smaller one; null takes all.
    """

    teacher_precision: TeacherPrecision = "32-true"
    unlabelled: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unlabelled is not None and self.unlabelled < 0:
            raise DistillError(f"unlabelled is {self.unlabelled}, expected 0 or more pictures, or null for all.")


@dataclass(frozen=True)
class Probe:
    """How a classifier is fitted in closed form on a frozen network's features.

    Attributes:
        passes: views of each training picture, beside the whole picture.
        batch_size: pictures at a time.
        views: how views are drawn.
        ridge: strengths of the penalty to choose from on validation, as shares of a feature's variance.
    """

    passes: int = 2
    batch_size: int = 64
    views: Views = field(default_factory=Views)
    ridge: tuple[float, ...] = (0.1, 0.3, 1.0, 3.0)

    def __post_init__(self) -> None:
        if self.passes < 1 or self.batch_size < 1:
            raise DistillError(f"passes is {self.passes} and batch_size {self.batch_size}, expected at least 1.")
        if not self.ridge or min(self.ridge) <= 0:
            raise DistillError(f"ridge is {list(self.ridge)}, expected positive numbers.")
