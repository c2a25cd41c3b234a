"""Teaching by identity: the ArcFace loss in plain Python, what learns, and what is refused."""

import math

import numpy as np
import pytest
import torch

from distill.data.loader import ViewLoader
from distill.data.pictures import Pictures
from distill.data.views import Views
from distill.errors import DistillError
from distill.modules import MetricLearner, Optimization
from distill.modules.batches import Pixels
from distill.modules.metrics import TarAtFar
from tests.modules.nets import SMALL, conv_student

PEOPLE = np.array([7, 3, 30, 3, 7])


def learner(scale: float = 16.0, margin: float = 20.0) -> MetricLearner:
    return MetricLearner(
        conv_student(), SMALL, Optimization(), PEOPLE, 3, margin=margin, scale=scale, seed=0, metric=TarAtFar(0.1)
    )


def batch_of(train: Pictures, identities: list[int]) -> Pixels:
    batch = next(iter(ViewLoader(train, Views(), batch_size=len(identities), seed=0)))
    batch.identities = torch.tensor(identities)
    return Pixels(batch)


def test_the_loss_is_the_cross_entropy_of_cosines_less_a_margin(train: Pictures) -> None:
    module = learner()
    directions = module.arcface.W.detach()  # (D, I), by rising number of the person
    embeddings = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    people = [30, 3, 7, 7]
    expected = 0.0
    for vector, person in zip(embeddings.tolist(), people, strict=True):
        logits = []
        for column, number in zip(directions.T.tolist(), (3, 7, 30), strict=True):
            product = sum(a * b for a, b in zip(vector, column, strict=True))
            cosine = product / math.hypot(*vector) / math.hypot(*column)
            angle = math.acos(cosine) + (math.radians(20) if number == person else 0)
            logits.append(16 * math.cos(angle))
        own = logits[(3, 7, 30).index(person)]
        expected += (math.log(sum(math.exp(logit) for logit in logits)) - own) / 4
    loss = module.losses(embeddings, batch_of(train, people), None)["loss"]
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)


def test_the_peoples_directions_learn_and_leave_with_the_stage() -> None:
    module = learner()
    built = module.optimization.build(torch.nn.ModuleList([module.network, module.arcface]), 10)
    learning = {id(one) for group in built["optimizer"].param_groups for one in group["params"]}
    assert id(module.arcface.W) in learning and all(id(one) in learning for one in module.network.parameters())
    assert module.result().state_dict().keys() == conv_student().state_dict().keys()


@pytest.mark.parametrize("identities", [[7, -1, 3], None])
def test_pictures_of_unknown_people_are_refused(train: Pictures, identities: list[int] | None) -> None:
    views = batch_of(train, identities) if identities else Pixels([torch.zeros(3, 3, 8, 8)])
    with pytest.raises(DistillError, match="needs to know the person on every picture"):
        learner().losses(torch.randn(3, 3), views, None)
