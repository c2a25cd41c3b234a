"""A torch network teaches by the tensor that was asked for, however it hands its tensors over."""

from collections import OrderedDict, namedtuple
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.preprocess.preprocess import Preprocess
from teachers.torch_teacher import TorchTeacher

SIZE = Preprocess.imagenet(6, 5)
PICTURES = 255 * torch.rand(4, 3, 6, 5, generator=torch.Generator().manual_seed(0))
Pair = namedtuple("Pair", "logits features")


class ModelOutput(OrderedDict[str, Any]):
    """As Hugging Face's: a dictionary by name, whose attributes are its entries."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


class Network(nn.Module):
    """Logits (N, 3) and features (N, 2, 4), handed over by a function."""

    def __init__(self, hand_over: Any) -> None:
        super().__init__()
        self.hand_over = hand_over

    def forward(self, pixels: Tensor) -> Any:
        means = pixels.mean(dim=(2, 3))
        return self.hand_over(means, means.repeat(1, 3)[:, :8].reshape(-1, 2, 4))


HANDED = {
    "alone": (lambda logits, features: logits, None),
    "tuple of one": (lambda logits, features: (logits,), None),
    "tuple": (lambda logits, features: (features, logits), 1),
    "list of other things too": (lambda logits, features: [None, logits, 3], 1),
    "named tuple": (Pair, None),
    "dictionary": (lambda logits, features: {"logits": logits, "features": features}, None),
    "dictionary of other names": (lambda logits, features: {"scores": logits, "pooled": features}, "scores"),
    "Hugging Face": (lambda logits, features: ModelOutput(loss=None, logits=logits, hidden_states=(features,)), None),
    "object": (lambda logits, features: SimpleNamespace(head=logits, trunk=features), "head"),
}


@pytest.mark.parametrize(("hand_over", "output"), HANDED.values(), ids=HANDED)
def test_the_tensor_asked_for_is_found(hand_over: Any, output: Any) -> None:
    teacher = TorchTeacher(Network(hand_over), SIZE, 3, None, "net", output=output)
    (found,) = teacher(PICTURES).items()
    assert found[0] == "logits"
    assert torch.equal(found[1], SIZE.normalize(PICTURES).contiguous(memory_format=torch.channels_last).mean((2, 3)))


def test_several_are_given_by_their_names() -> None:
    shapes = {"logits": (3,), "features": (2, 4)}
    found = TorchTeacher(Network(Pair), SIZE, shapes, None, "net")(PICTURES)
    assert {name: tuple(tensor.shape) for name, tensor in found.items()} == {"logits": (4, 3), "features": (4, 2, 4)}


@pytest.mark.parametrize(
    ("hand_over", "output", "found"),
    [
        (lambda a, b: (a, b), None, r"gives no tensor 'logits', but 0 \(4, 3\), 1 \(4, 2, 4\)\. Say which"),
        (
            lambda a, b: {"scores": a, "pooled": b},
            None,
            r"gives no tensor 'logits', but 'scores' \(4, 3\), 'pooled' \(4, 2, 4\)\. Say",
        ),
        (lambda a, b: {"scores": a}, "score", r"gives no tensor 'score', but 'scores' \(4, 3\)"),
        (lambda a, b: ModelOutput(loss=None, logits=a), "loss", r"gives no tensor 'loss', but 'logits'"),
        (lambda a, b: None, None, "gives no tensor 'logits', but NoneType"),
        (lambda a, b: (a, b), 1, r"gives \(4, 2, 4\), and outputs says \(3,\)"),
        (lambda a, b: a[:, :2], None, r"gives \(4, 2\), and outputs says \(3,\)"),
    ],
)
def test_what_is_not_there_is_named_beside_what_is(hand_over: Any, output: Any, found: str) -> None:
    with pytest.raises(DistillError, match=f"teacher net: {found}"):
        TorchTeacher(Network(hand_over), SIZE, 3, None, "net", output=output)(PICTURES)


def test_one_output_is_not_chosen_for_several() -> None:
    with pytest.raises(DistillError, match="output chooses one tensor, and logits, features are wanted"):
        TorchTeacher(Network(Pair), SIZE, {"logits": (3,), "features": (2, 4)}, None, "net", output="logits")


def test_another_output_is_another_teacher() -> None:
    network = Network(lambda logits, features: (logits, 2 * logits))
    prints = {TorchTeacher(network, SIZE, 3, None, "net", output=place).fingerprint() for place in (0, 1)}
    assert len(prints) == 2
