"""A step on a device never waits for it, shown without one: on torch's meta device, which holds no values to read.

What reads a value back fails there by itself. Numbers sent over by `torch.tensor` do not, and wait on a GPU.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from distill.data.prepared.pictures import Pictures
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.modules import Distiller, FineTuner
from distill.modules.training import TrainingModule
from distill.objectives import BernoulliKl, Dkd, SoftmaxKl
from distill.objectives.top import TopAnswers
from distill.preprocess.preprocess import Preprocess
from distill.store.codec import codec_of
from tests.helpers.nets import CLASSES, ConvTeacher, conv_student

META = torch.device("meta")
SIZE = Preprocess.imagenet(8, 8, crop=(0.1, 0.1, 0.8, 0.8))


class NoNumbersSent(TorchFunctionMode):
    """Refuses tensors made on the device from numbers of the host, and copies that wait."""

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.tensor, torch.as_tensor, Tensor.new_tensor):
            made = func(*args, **kwargs)
            assert made.device.type == "cpu", f"{func.__name__}{args} waits for the device"
            return made
        answer = func(*args, **kwargs)
        if func is Tensor.to and isinstance(answer, Tensor) and answer.device != args[0].device:
            assert kwargs.get("non_blocking"), f"to{args[1:]} waits for the device"
        return answer


def read_back(*args: Any, **kwargs: Any) -> None:
    """In the place of Lightning's `log`."""
    raise AssertionError(f"Lightning reads back what is logged in a step: {args[1:]}")


def transfer() -> TrainingModule:
    return Distiller(conv_student(), ConvTeacher(), BernoulliKl(), preprocess=SIZE)


def transfer_with_labels() -> TrainingModule:
    objective = SoftmaxKl(temperature=2.0, label_weight=1.0, standardize=True)
    return Distiller(conv_student(), ConvTeacher(), objective, preprocess=SIZE)


def transfer_with_the_labelled_class() -> TrainingModule:
    return Distiller(conv_student(), ConvTeacher(), Dkd(temperature=2.0), preprocess=SIZE)


def labels() -> TrainingModule:
    return FineTuner(conv_student(), SIZE)


@pytest.mark.parametrize("make", [transfer, transfer_with_labels, transfer_with_the_labelled_class, labels])
@pytest.mark.parametrize("views", [Views(), Views(mixup=0.5), Views(cutmix=0.5)], ids=["plain", "mixup", "cutmix"])
def test_a_step_sends_no_numbers_and_reads_none_back(
    train: Pictures, make: Any, views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: nullcontext())  # which this device has not
    module = make().to(META)
    if isinstance(module, Distiller):
        module._teacher[0].to(META)
    batch = next(iter(ViewLoader(train, views, batch_size=4, seed=0)))
    monkeypatch.setattr(type(module), "log", read_back)
    with NoNumbersSent():
        loss = module.training_step(batch.to(META, non_blocking=True), 0)
        loss.backward()
    assert loss.device == META and all(weight.grad is not None for weight in module.network.parameters())


@pytest.mark.parametrize("top", [None, 2])
def test_a_step_from_stored_answers_neither(train: Pictures, top: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "autocast", lambda *args, **kwargs: nullcontext())
    objective = BernoulliKl() if top is None else SoftmaxKl(temperature=2.0)
    module = Distiller(conv_student(), None, objective, preprocess=SIZE).to(META)
    codec = codec_of(len(CLASSES), "float16", top)
    answers = codec.decode(codec.encode({"logits": torch.randn(len(train), len(CLASSES))}))

    def stored(index: np.ndarray, view: int) -> dict[str, Tensor | TopAnswers]:
        if isinstance(answers, Tensor):
            return {"logits": answers[index]}
        return {"logits": TopAnswers(*(values[index] for values in vars(answers).values()))}

    batch = next(iter(ViewLoader(train, Views(), batch_size=4, seed=0, answers=stored)))
    monkeypatch.setattr(type(module), "log", read_back)
    with NoNumbersSent():
        loss = module.training_step(batch.to(META, non_blocking=True), 0)
        loss.backward()
    assert loss.device == META and all(weight.grad is not None for weight in module.network.parameters())


def test_numbers_sent_and_read_would_be_seen() -> None:
    with NoNumbersSent(), pytest.raises(AssertionError, match="waits"):
        torch.tensor([1.0], device=META)
    with NoNumbersSent(), pytest.raises(AssertionError, match="waits"):
        torch.ones(1).to(META)
    with pytest.raises(RuntimeError):
        bool(torch.ones((), device=META))
