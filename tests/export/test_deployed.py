"""What a file computes: a copy of the network in eval mode, between levels and answers."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from distill.answers.attributes import Probabilities
from distill.answers.classes import Softmax
from distill.answers.embeddings import Embedding
from distill.answers.kind import Kind
from distill.export.deployed import Deployed
from distill.preprocess.preprocess import Preprocess

PREPROCESS = Preprocess(6, 5, "bilinear", (0.1, 0.4, 0.6), (0.2, 0.3, 0.25))


def network() -> nn.Module:
    """In training mode, as a stage leaves it, with statistics of its own."""
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(3, 4, (6, 5)), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten())
    nn.init.uniform_(made[1].running_mean, -2, 2)
    return made.train()


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        (Probabilities(tuple("abcd")), lambda logits: 1 / (1 + (-logits).exp())),
        (Softmax(tuple("abcd")), lambda logits: logits.exp() / logits.exp().sum(dim=1, keepdim=True)),
        (Embedding(4), lambda logits: logits / logits.square().sum(dim=1, keepdim=True).sqrt()),
    ],
)
def test_levels_are_scaled_channel_by_channel_and_answers_activated(
    kind: Kind, formula: Callable[[Tensor], Tensor]
) -> None:
    made = network()
    pictures = torch.randint(0, 256, (3, 6, 5, 3), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    mean, std = (torch.tensor(values) for values in (PREPROCESS.mean, PREPROCESS.std))
    pixels = ((pictures / 255 - mean) / std).permute(0, 3, 1, 2)
    deployed = Deployed(made, PREPROCESS, kind)
    with torch.no_grad():
        found, expected = deployed(pictures), formula(made.eval()(pixels))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert deployed.network is not made and not any(part.training for part in deployed.modules())


def test_a_network_of_bgr_is_turned_around_inside() -> None:
    """Whoever runs a file shows it RGB, whatever the network eats."""
    made, kind = network(), Embedding(4)
    turned = copy.deepcopy(made)
    turned[0].weight.data = made[0].weight.data.flip(1)
    pictures = torch.randint(0, 256, (3, 6, 5, 3), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    with torch.no_grad():
        found = Deployed(turned, replace(PREPROCESS, channels="bgr"), kind)(pictures)
        torch.testing.assert_close(found, Deployed(made, PREPROCESS, kind)(pictures))
