"""Teaching by identity: the ArcFace loss in plain Python, what learns, and what is refused."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules import MetricLearner, Optimization
from distill.modules.batches import Pixels
from distill.modules.metric_learner import Triplets, arcface
from distill.tasks.embeddings.metric import TarAtFar
from tests.helpers.nets import SMALL, conv_student

PEOPLE = np.array([7, 3, 30, 3, 7])


def learner(scale: float = 16.0, margin: float = 20.0) -> MetricLearner:
    criterion = arcface(3, 3, margin=margin, scale=scale)
    return MetricLearner(conv_student(), SMALL, Optimization(), PEOPLE, criterion, seed=0, metric=TarAtFar(0.1))


def batch_of(train: Pictures, identities: list[int]) -> tuple[Pixels, dict[str, Any]]:
    """Views, and what is known of them."""
    batch = next(iter(ViewLoader(train, Views(), batch_size=len(identities), seed=0)))
    return Pixels(batch), {"identities": torch.tensor(identities)}


def test_the_loss_is_the_cross_entropy_of_cosines_less_a_margin(train: Pictures) -> None:
    module = learner()
    directions = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))  # (D, I), by rising number of the person
    module.criterion.W.data.copy_(directions)
    embeddings = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    embeddings[3] = -directions[:, 1] + 0.05 * embeddings[3]  # less than the margin from the opposite of its own
    people = [30, 3, 7, 7]
    margin, beyond = math.radians(20), []
    expected = 0.0
    for vector, person in zip(embeddings.tolist(), people, strict=True):
        logits = []
        for column, number in zip(directions.T.tolist(), (3, 7, 30), strict=True):
            product = sum(a * b for a, b in zip(vector, column, strict=True))
            cosine = product / math.hypot(*vector) / math.hypot(*column)
            angle = math.acos(cosine)
            if number == person:
                beyond.append(angle + margin > math.pi)
                # The authors' code: past the half turn, where a cosine would rise again, a line goes on down.
                cosine = cosine - margin * math.sin(margin) if beyond[-1] else math.cos(angle + margin)
            logits.append(16 * cosine)
        own = logits[(3, 7, 30).index(person)]
        expected += (math.log(sum(math.exp(logit) for logit in logits)) - own) / 4
    loss = module.losses({"embedding": embeddings}, *batch_of(train, people))["loss"]
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)
    assert 0 < sum(beyond) < 4


def test_directions_begin_short_so_that_they_turn_fast() -> None:
    torch.manual_seed(0)
    directions = arcface(300, 64, margin=20.0, scale=16.0).W.detach()
    assert float(directions.std()) == pytest.approx(0.01, rel=0.02) and abs(float(directions.mean())) < 3e-4


def test_the_loss_of_bf16_embeddings_is_computed_in_single(train: Pictures) -> None:
    module, people = learner(), batch_of(train, [30, 3, 7, 7])
    embeddings = torch.randn(4, 3, generator=torch.Generator().manual_seed(1)).bfloat16()
    expected = module.losses({"embedding": embeddings.float()}, *people)["loss"]
    with torch.autocast("cpu", torch.bfloat16):
        found = module.losses({"embedding": embeddings}, *people)["loss"]
    assert found.dtype == torch.float32 and torch.equal(found, expected)


def test_the_peoples_directions_learn_and_leave_with_the_stage() -> None:
    module = learner()
    built = module.optimization.build(module.learning(), 10)
    learning = {id(one) for group in built["optimizer"].param_groups for one in group["params"]}
    assert id(module.criterion.W) in learning and all(id(one) in learning for one in module.network.parameters())
    assert module.result().state_dict().keys() == conv_student().state_dict().keys()


def plain_triplets(embeddings: torch.Tensor, people: list[int], margin: float) -> list[float]:
    """What each semi-hard triplet costs."""
    units = [[x / math.hypot(*row) for x in row] for row in embeddings.tolist()]

    def distance(i: int, j: int) -> float:
        return sum((x - y) ** 2 for x, y in zip(units[i], units[j], strict=True))

    costs = []
    for a, p, n in itertools.permutations(range(len(people)), 3):
        if people[a] == people[p] != people[n]:
            wins = distance(a, n) - distance(a, p)
            if 0 < wins <= margin:
                costs.append(margin - wins)
    return costs


def test_the_triplet_loss_is_the_mean_over_semi_hard_triplets(train: Pictures) -> None:
    embeddings = torch.randn(9, 3, generator=torch.Generator().manual_seed(2))
    people = [3, 7, 3, 30, 7, 3, 30, 7, 7]
    for margin in (0.2, 1.0):
        module = MetricLearner(
            conv_student(), SMALL, Optimization(), PEOPLE, Triplets(margin), seed=0, metric=TarAtFar(0.1)
        )
        costs = plain_triplets(embeddings, people, margin)
        loss = module.losses({"embedding": embeddings}, *batch_of(train, people))["loss"]
        assert len(costs) > 3 and float(loss) == pytest.approx(sum(costs) / len(costs), rel=1e-4)
        assert not list(module.criterion.parameters())


@pytest.mark.parametrize("people", [[3, 7, 30], [3, 3, 3]], ids=["nobody twice", "nobody else"])
def test_a_batch_without_triplets_moves_nothing(people: list[int]) -> None:
    embeddings = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = Triplets(0.2)(embeddings, torch.tensor(people))
    loss.backward()
    assert float(loss.detach()) == 0 and embeddings.grad is not None and not embeddings.grad.any()


def test_triplets_draw_nothing_at_random() -> None:
    embeddings = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    people = torch.arange(16) // 4
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].tolist()
    values = {float(Triplets(0.5)(embeddings, people)) for _ in range(3)}
    assert len(values) == 1 and torch.equal(torch.get_rng_state(), state)
    assert np.random.get_state()[1].tolist() == numbers


@pytest.mark.parametrize("identities", [[7, -1, 3], None])
def test_pictures_of_unknown_people_are_refused(train: Pictures, identities: list[int] | None) -> None:
    unknown: dict[str, Any] = {}
    views = batch_of(train, identities) if identities else (Pixels([torch.zeros(3, 3, 8, 8)]), unknown)
    with pytest.raises(DistillError, match="needs to know the person on every picture"):
        learner().losses({"embedding": torch.randn(3, 3)}, *views)
