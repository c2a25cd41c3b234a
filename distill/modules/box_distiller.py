"""Learning from the inside of a detector, beside its boxes.

Shapes: N batch, F channels of a map, h w its places.
"""

from typing import Any

import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.distiller import Distiller, TeacherPrecision
from distill.modules.optimization import Optimization
from distill.objectives import Targets
from distill.objectives.boxes import BoxImitation
from distill.objectives.boxes.features import map_name, strides_of
from distill.preprocess.preprocess import Preprocess


class BoxDistiller(Distiller):
    """Trains a student on a teacher's boxes, and on what both networks make theirs of in each view.

    Where two maps have other numbers of channels, the student's is projected by a convolution of 1 x 1; these learn
    along, and are no part of the student.

    Args:
        student: of anchors, with `seen`, which gives its maps beside its answers.
        teacher: a detector's `inside`.
        preprocess, optimization, seed, teacher_precision: as in `Distiller`.

    Raises:
        DistillError: the two have no maps that could be paired, or other anchors, and the objective asks for them.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher: Any,
        objective: BoxImitation,
        *,
        preprocess: Preprocess,
        optimization: Optimization | None = None,
        seed: int = 0,
        teacher_precision: TeacherPrecision = "32-true",
    ) -> None:
        super().__init__(
            student,
            teacher,
            objective,
            preprocess=preprocess,
            optimization=optimization,
            seed=seed,
            teacher_precision=teacher_precision,
        )
        seen = getattr(student, "seen", None)
        if seen is None:
            raise DistillError(f"{objective.needs_views}: {type(student).__name__} gives no maps. Set it to 0.")
        self._run = (torch.compile(seen) if self.optimization.compile else seen,)
        own, others = self._shown(student.eval(), preprocess, seen), self._shown(teacher, teacher.preprocess, None)
        student.train()
        self.pairs: dict[int, int] = {}
        """The teacher's stride of each of the student's."""
        self.projections = nn.ModuleDict()
        if objective.feature_weight:
            self.pairs = paired(objective.maps, strides_of(own), strides_of(others))
            for stride, other in self.pairs.items():
                self._project(map_name(stride), own[map_name(stride)], others[map_name(other)])
        if objective.anchor_weight:
            _check_anchors(objective, own, others)

    def losses(self, outputs: dict[str, Tensor], views: Pixels, targets: Targets) -> dict[str, Tensor]:
        inside = self._ask(views)
        teacher = {name: values for name, values in inside.items() if name in ("locations", "logits")}
        student = dict(outputs)
        for stride, other in self.pairs.items():
            name = map_name(stride)
            teacher[name] = inside[map_name(other)]
            student[name] = self.projections[name](outputs[name]) if name in self.projections else outputs[name]
        return self.objective(student, teacher, targets)

    def learning(self) -> nn.Module:
        return nn.ModuleList([self.network, self.projections])

    def _project(self, name: str, own: Tensor, other: Tensor) -> None:
        if own.shape[1] != other.shape[1]:
            with torch.random.fork_rng(devices=[]):  # what is drawn elsewhere stays as it would be without it
                torch.manual_seed(self.seed)
                self.projections[name] = nn.Conv2d(own.shape[1], other.shape[1], 1, bias=False)

    @staticmethod
    def _shown(network: nn.Module, preprocess: Preprocess, seen: Any) -> dict[str, Tensor]:
        """What a network gives of a blank picture."""
        device = next(network.parameters()).device
        blank = torch.zeros(1, 3, preprocess.height, preprocess.width, device=device)
        with torch.no_grad():
            return dict((seen or network)(blank))


def paired(maps: tuple[tuple[int, int], ...] | None, own: list[int], others: list[int]) -> dict[int, int]:
    """The teacher's stride of each map of the student.

    Args:
        maps: as the objective has them; None for those of equal stride.
        own, others: strides of the student's and the teacher's maps.

    Raises:
        DistillError: there is no such map, or none of equal stride.
    """
    pairs = dict(maps) if maps is not None else {stride: stride for stride in own if stride in others}
    if not pairs or not set(pairs) <= set(own) or not set(pairs.values()) <= set(others):
        there = f"The student has strides {_listed(own)}, the teacher {_listed(others)}"
        wrong = "pairs maps that are not there" if maps else "is left out, and no two maps have one stride"
        raise DistillError(f"objective.maps {wrong}. {there}: give pairs of these, the student's first.")
    return pairs


def _check_anchors(objective: BoxImitation, own: dict[str, Tensor], others: dict[str, Tensor]) -> None:
    anchors = others.get("anchors")
    if anchors is None:
        raise DistillError(
            f"objective.anchor_weight is {objective.anchor_weight}: the teacher has no anchors like the student's. Set "
            "it to 0, or take an SSD of this package's, such as ssd_mobilenet_v1."
        )
    if not (anchors.shape == own["anchors"].shape and torch.allclose(anchors.cpu(), own["anchors"].cpu())):
        raise DistillError(
            f"objective.anchor_weight is {objective.anchor_weight}: teacher and student need the same anchors, and "
            f"have {anchors.shape[1]} and {own['anchors'].shape[1]}. Give both the same resolution, or set it to 0."
        )


def _listed(strides: list[int]) -> str:
    return ", ".join(map(str, strides)) or "none"
