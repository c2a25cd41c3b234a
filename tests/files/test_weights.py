"""Weights are read without running code, and fit completely or are refused."""

import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn

from distill.errors import DistillError, OutputsError
from distill.files import weights
from distill.files.checkpoint import read_weights
from distill.files.weights import hub_network, load_weights, write_weights
from students.mobilenet_v1 import mobilenet_v1

HERE = Path("weights.pt")


def small(outputs: int = 5, width: float = 0.1) -> nn.Module:
    return mobilenet_v1(width, 32, outputs, "shallow")


def test_written_and_read_to_the_bit(tmp_path: Path) -> None:
    network = small().to(memory_format=torch.channels_last)
    write_weights(tmp_path / "a.safetensors", network)
    write_weights(tmp_path / "b.safetensors", network)
    found = read_weights(tmp_path / "a.safetensors")
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in network.state_dict().items())
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_another_network_is_refused_and_nothing_changes() -> None:
    network = small()
    before = state(network)
    with pytest.raises(DistillError, match=r"conv_stem\.weight is \(6, 3, 3, 3\), expected \(3, 3, 3, 3\)") as caught:
        load_weights(network, state(small(width=0.2)), HERE, allow_new_head=True)
    assert "weights.pt: weights for another network" in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_new_head_is_left_at_random_and_named() -> None:
    network, other = small(outputs=5), state(small(outputs=7))
    before = state(network)
    left = load_weights(network, other, HERE, allow_new_head=True)
    assert left == ("classifier.weight", "classifier.bias")
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, (before if name in left else other)[name]), name


def test_new_head_is_refused_unless_allowed() -> None:
    with pytest.raises(DistillError, match=r"classifier\.weight is \(7, 102\), expected \(5, 102\)"):
        load_weights(small(outputs=5), state(small(outputs=7)), HERE)


def test_half_a_head_is_not_kept() -> None:
    network, other = small(), state(small())
    del other["classifier.bias"]
    kept = network.state_dict()["classifier.weight"].clone()
    assert load_weights(network, other, HERE, allow_new_head=True) == ("classifier.weight", "classifier.bias")
    assert torch.equal(network.state_dict()["classifier.weight"], kept)


def test_nothing_else_may_be_missing_or_extra() -> None:
    network = small()
    for wrong in ({"bn1.bias": None}, {"bn1.extra": torch.ones(3)}):
        tensors = {name: tensor for name, tensor in (state(network) | wrong).items() if tensor is not None}
        with pytest.raises(DistillError, match=next(iter(wrong))):
            load_weights(network, tensors, HERE, allow_new_head=True)


def test_batch_counters_may_be_missing() -> None:
    tensors = {name: tensor for name, tensor in state(small()).items() if "num_batches_tracked" not in name}
    assert load_weights(small(), tensors, HERE) == ()


def test_nan_is_refused() -> None:
    tensors = state(small())
    tensors["bn1.bias"][0] = float("nan")
    with pytest.raises(DistillError, match=r"bn1\.bias holds NaN"):
        load_weights(small(), tensors, HERE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensor: tensor.to(torch.int8), "is torch.int8"),
        (lambda tensor: tensor > 0, "is torch.bool"),
        (lambda tensor: tensor.to(torch.complex64), "is torch.complex64"),
        (lambda tensor: tensor.to(torch.float8_e4m3fn), "is torch.float8_e4m3fn"),
        (lambda tensor: tensor.to_sparse(), "is torch.float32 in torch.sparse_coo"),
    ],
)
@pytest.mark.parametrize("name", ["conv_stem.weight", "bn1.running_var", "classifier.weight"])
def test_what_is_no_plain_float_is_refused(name: str, change: Callable[[Tensor], Tensor], said: str) -> None:
    network = small()
    before = state(network)
    tensors = state(small())
    tensors[name] = change(tensors[name])
    with pytest.raises(DistillError, match=rf"weights\.pt: .*{name} {said}, expected floating point") as caught:
        load_weights(network, tensors, HERE, allow_new_head=True)
    assert not isinstance(caught.value, OutputsError)
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_other_lengths_are_loaded(dtype: torch.dtype) -> None:
    other, network = state(small()), small()
    tensors = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in other.items()}
    tensors["bn1.num_batches_tracked"] = torch.tensor(7, dtype=torch.int32)
    assert load_weights(network, tensors, HERE) == ()
    found = network.state_dict()
    assert found["bn1.num_batches_tracked"] == 7
    torch.testing.assert_close(found["conv_stem.weight"], other["conv_stem.weight"], rtol=0.01, atol=1e-3)


def test_a_number_that_the_networks_type_cannot_hold_is_refused() -> None:
    tensors = state(small())
    tensors["bn1.bias"] = tensors["bn1.bias"].double() + 1e300
    with pytest.raises(DistillError, match=r"bn1\.bias holds NaN or infinity as torch\.float32"):
        load_weights(small(), tensors, HERE)
    assert load_weights(small().double(), tensors, HERE) == ()


def test_no_network_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(weights.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: pytest.fail("the hub's client would retry for a minute"))
    with pytest.raises(
        DistillError, match=r"mobilenetv3_small_050: .*could not be fetched .*Name or service not known"
    ):
        hub_network("mobilenetv3_small_050", 1000, allow_new_head=False, arguments={})


def test_hub_weights_of_other_outputs() -> None:
    with pytest.raises(DistillError, match="1000 outputs, expected 40"):
        hub_network("mobilenetv3_small_050", 40, allow_new_head=False, arguments={})
    with pytest.raises(DistillError, match="no pretrained weights"):
        hub_network("mobilenetv4_conv_small_035", 40, allow_new_head=True, arguments={})


def test_hub_weights_with_a_new_head_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "try_to_load_from_cache", lambda *_: "cached")
    network = timm.create_model("mobilenetv3_small_050", num_classes=40)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: network)
    found, left = hub_network("mobilenetv3_small_050", 40, allow_new_head=True, arguments={})
    assert found is network
    assert left == ("classifier.bias", "classifier.weight")


@pytest.mark.parametrize("name", ["a\nb", "x" * 4000])
def test_a_name_that_nobody_gives_is_told_in_short(name: str) -> None:
    with pytest.raises(DistillError, match="weights for another network") as caught:
        load_weights(nn.Linear(2, 1), {**nn.Linear(2, 1).state_dict(), name: torch.ones(1)}, HERE)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 600
