"""A student of the inside of a detector: what it is shown, what is projected, and what cannot be compared."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from distill.answers import Boxes
from distill.data.views.targets import RaggedTensor
from distill.errors import DistillError
from distill.modules.batches import Pixels
from distill.modules.box_distiller import BoxDistiller, paired
from distill.objectives.boxes import BoxImitation
from distill.objectives.boxes.features import uncorrelated
from distill.preprocess.preprocess import Preprocess
from students.ssd import SsdMobilenetV1
from students.student import create_student
from teachers.inside import Inside

CLASSES = ("blue", "red")
SIZE = Preprocess.imagenet(64, 64)


def network(width: float, resolution: int = 64) -> Any:
    torch.manual_seed(round(100 * width))
    return create_student(SsdMobilenetV1(width=width, resolution=resolution), Boxes(CLASSES).head())


def inside(width: float, resolution: int = 64) -> Inside:
    teacher = network(width, resolution).eval().requires_grad_(False)
    return Inside("teacher", Preprocess.imagenet(resolution, resolution), teacher, teacher.seen)


def learner(objective: BoxImitation, teacher: Any, student: nn.Module | None = None) -> BoxDistiller:
    return BoxDistiller(student or network(0.1), teacher, objective, preprocess=SIZE, seed=3)


def no_boxes() -> dict[str, RaggedTensor]:
    offsets = torch.zeros(5, dtype=torch.int64)
    return {
        "teacher_boxes": RaggedTensor(torch.zeros(0, 4), offsets),
        "teacher_scores": RaggedTensor(torch.zeros(0, len(CLASSES)), offsets),
    }


def pictures() -> Tensor:
    return torch.randint(0, 256, (4, 64, 64, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_maps_of_equal_stride_are_compared_through_projections() -> None:
    objective, teacher = BoxImitation(feature_weight=2.0), inside(0.25)
    module = learner(objective, teacher)
    assert module.pairs == {stride: stride for stride in (16, 32, 64, 128, 256, 512)}
    views = Pixels(pictures())
    outputs = module(views.at(SIZE))
    losses = module.losses(outputs, views, no_boxes())
    answers, terms = teacher(views.at(SIZE)), []
    for name in (f"map_{stride}" for stride in module.pairs):
        projection: Any = module.projections[name]  # each has fewer channels than the teacher's
        own = torch.einsum("fc,nchw->nfhw", projection.weight[:, :, 0, 0], outputs[name])
        terms.append(uncorrelated(own, answers[name]))
    torch.testing.assert_close(losses["features"], torch.stack(terms).mean(dim=0))
    torch.testing.assert_close(losses["loss"], losses["classes"] + losses["places"] + 2 * losses["features"])


def test_projections_learn_along_and_stay_behind() -> None:
    teacher, student = inside(0.25), network(0.1)
    before = torch.get_rng_state()
    module = learner(BoxImitation(feature_weight=1.0), teacher, student)
    assert torch.equal(torch.get_rng_state(), before)  # what is drawn later is as without them
    views = Pixels(pictures())
    module.losses(module(views.at(SIZE)), views, no_boxes())["features"].mean().backward()
    learning = dict(module.learning().named_parameters())
    projected = [parameter for name, parameter in learning.items() if name.startswith("1.")]
    assert len(projected) == 6 and all(parameter.grad is not None for parameter in projected)
    assert student.body.network.conv_stem.weight.grad.abs().sum() > 0
    assert set(module.result().state_dict()) == set(student.state_dict())
    again = learner(BoxImitation(feature_weight=1.0), inside(0.25))
    for name, values in again.projections.state_dict().items():
        assert torch.equal(values, module.projections.state_dict()[name])


def test_anchors_are_compared_as_they_are() -> None:
    same = inside(0.1)
    module = learner(BoxImitation(anchor_weight=1.0), same, network(0.1))
    module.network.eval()
    views = Pixels(pictures())
    with torch.no_grad():
        losses = module.losses(module(views.at(SIZE)), views, no_boxes())
    assert not module.projections and "features" not in losses
    assert float(losses["anchors"].max()) < 1e-6  # one network twice
    other = learner(BoxImitation(anchor_weight=1.0), inside(0.25))
    apart = other.losses(other(views.at(SIZE)), views, no_boxes())["anchors"]
    assert float(apart.detach().min()) > 1e-5


def test_pairs_are_those_that_the_objective_names() -> None:
    module = learner(BoxImitation(feature_weight=1.0, maps=((16, 32), (64, 16))), inside(0.25))
    assert module.pairs == {16: 32, 64: 16} and set(module.projections) == {"map_16", "map_64"}
    assert paired(None, [16, 32], [8, 32]) == {32: 32}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(DistillError, match=r"objective\.maps pairs maps that are not there.*strides 16, 32"):
        learner(BoxImitation(feature_weight=1.0, maps=((8, 16),)), inside(0.25))
    with pytest.raises(DistillError, match=r"no two maps have one stride\. The student has strides 16, the teacher 8"):
        paired(None, [16], [8])
    with pytest.raises(DistillError, match=r"anchor_weight is 1\.0: teacher and student need.* 204 and 96"):
        learner(BoxImitation(anchor_weight=1.0), inside(0.25, 96))
    backbone = nn.Conv2d(3, 4, 3, 16, 1).requires_grad_(False)
    maps_alone = Inside("maps", SIZE, backbone, lambda pixels: {"map_16": backbone(pixels)})
    with pytest.raises(DistillError, match=r"anchor_weight is 1\.0: the teacher has no anchors like the student's"):
        learner(BoxImitation(anchor_weight=1.0), maps_alone)
    with pytest.raises(DistillError, match=r"feature_weight is 1\.0: Conv2d gives no maps"):
        learner(BoxImitation(feature_weight=1.0), maps_alone, nn.Conv2d(3, 4, 3))
    with pytest.raises(DistillError, match=r"objective\.maps pairs maps, and objective\.feature_weight is 0"):
        BoxImitation(maps=((16, 16),))
    with pytest.raises(DistillError, match=r"objective\.maps is \[\[16, 16\], \[16, 32\]\], expected pairs"):
        BoxImitation(feature_weight=1.0, maps=((16, 16), (16, 32)))
