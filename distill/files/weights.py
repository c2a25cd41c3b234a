"""Weights of networks: read without running code, written whole, loaded completely or refused."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub import constants, try_to_load_from_cache
from safetensors.torch import save
from timm.models import PretrainedCfg
from torch import Tensor, nn

from distill.errors import ECHOED, DistillError, OutputsError, echo
from distill.files.atomic import atomic_path
from distill.files.checkpoint import fitting_names, read_weights

__all__ = [
    "head_tensors",
    "hub_cfg",
    "hub_network",
    "load_weights",
    "read_weights",
    "weights_checksum",
    "write_weights",
]

_NAMED_AT_MOST = 5
_HUB_TIMEOUT = 10.0  # seconds
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def weights_checksum(module: nn.Module) -> str:
    """sha256 over the names, types, shapes and values of the network's state."""
    content = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        content.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return content.hexdigest()


def write_weights(path: Path, module: nn.Module) -> None:
    """Write the network's state as safetensors; the same state gives the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(tensors))


def load_weights(
    module: nn.Module, tensors: Mapping[str, Tensor], path: Path, allow_new_head: bool = False
) -> tuple[str, ...]:
    """Copy the tensors into the network; every one must fit, once prefixes common to all names are off that its own
    names do not have.

    Args:
        tensors: as `read_weights` gives them.
        path: where they come from, for the messages.
        allow_new_head: leave the classifier as it was initialised where the file's has another shape or is absent.

    Returns:
        The names of the classifier's tensors left at random; empty where all were loaded.

    Raises:
        DistillError: a tensor is missing, is one too many, has another shape, is not of plain numbers (codes of a
            quantised network, complex, sparse), or is not finite in the network's type. The network is then as it was.
    """
    expected = module.state_dict()
    tensors = fitting_names(tensors, expected, path)
    head = head_tensors(module)
    wrong = _misfits(expected, tensors)
    misfits = _both_sides(wrong, expected)
    if wrong and wrong.keys() <= head and not allow_new_head:
        raise OutputsError(
            f"{path}: its classifier has other outputs: {misfits}. A classifier is made anew, at random, only for "
            "a network that is then trained; give weights of these classes."
        )
    if wrong.keys() - head or (wrong and not allow_new_head):
        raise DistillError(
            f"{path}: weights for another network; {len(wrong)} tensors do not fit: {misfits}. "
            + (_renaming(expected, tensors) or "Name the network these weights were saved from, or give weights of it.")
        )
    left = tuple(name for name in expected if wrong and name in head)
    fitting = {name: tensor for name, tensor in tensors.items() if name not in left}
    coded = {
        name: f"is {_kind(tensor)}, expected floating point"
        for name, tensor in fitting.items()
        if expected[name].is_floating_point() and not (tensor.dtype in _FLOATS and tensor.layout == torch.strided)
    }
    if coded:
        raise DistillError(
            f"{path}: not plain weights; {len(coded)} tensors do not fit: {_some(coded)}. Give the network's weights "
            "in float32 or float16, as they were before they were quantised or packed."
        )
    # Float64 may hold what the network's type cannot.
    infinite = {
        name: f"holds NaN or infinity as {expected[name].dtype}"
        for name, tensor in fitting.items()
        if expected[name].is_floating_point() and not torch.isfinite(tensor.to(expected[name].dtype)).all()
    }
    if infinite:
        raise DistillError(f"{path}: broken weights: {_some(infinite)}. Take an earlier checkpoint of that training.")
    module.load_state_dict(fitting, strict=False)
    return left


def head_tensors(module: nn.Module) -> frozenset[str]:
    """The names of the classifier's tensors, as timm's `get_classifier` points to it; empty where there is none."""
    get_classifier = getattr(module, "get_classifier", None)
    if get_classifier is None:
        return frozenset()
    classifier = get_classifier()
    heads = {id(head) for head in (classifier if isinstance(classifier, tuple) else (classifier,))}
    return frozenset(
        f"{name}.{key}" for name, child in module.named_modules() if id(child) in heads for key in child.state_dict()
    )


def hub_cfg(model: str) -> PretrainedCfg:
    """What timm knows of the pretrained weights of a network: size, mean, std, number of classes."""
    return timm.get_pretrained_cfg(model) or PretrainedCfg()


def hub_network(
    model: str, outputs: int, allow_new_head: bool, arguments: Mapping[str, Any]
) -> tuple[nn.Module, tuple[str, ...]]:
    """A timm network with its pretrained weights from the hub or its cache.

    Args:
        outputs: 0 leaves the classifier out.
        allow_new_head: put a classifier at random where the weights' has another number of outputs.
        arguments: for `timm.create_model`.

    Returns:
        The network, and the names of the tensors left at random.

    Raises:
        DistillError: there are no such weights, they have another number of outputs, or the hub cannot be reached.
    """
    cfg = hub_cfg(model)
    if not cfg.has_weights:
        raise DistillError(f"{model}: timm has no pretrained weights for it. Give a weights file instead.")
    if outputs not in (0, cfg.num_classes) and not allow_new_head:
        raise OutputsError(
            f"{model}: its pretrained weights have {cfg.num_classes} outputs, expected {outputs}. A classifier is made "
            "anew, at random, only for a network that is then trained; give weights of these classes."
        )
    cached = isinstance(cfg.hf_hub_id, str) and isinstance(
        try_to_load_from_cache(cfg.hf_hub_id, "model.safetensors"), str
    )
    try:
        if not cached and not constants.HF_HUB_OFFLINE:
            _reach(constants.ENDPOINT)
        network = timm.create_model(model, pretrained=True, num_classes=outputs, **arguments)
    except OSError as error:
        raise DistillError(
            f"{model}: its pretrained weights could not be fetched ({error}). Connect to the network, or download the "
            "weights elsewhere and give the file."
        ) from error
    return network, tuple(sorted(head_tensors(network))) if cfg.num_classes != outputs else ()


def _reach(address: str) -> None:
    """Fail at once where there is no network: the hub's own client retries for most of a minute."""
    try:
        urllib.request.urlopen(address, timeout=_HUB_TIMEOUT).close()
    except urllib.error.HTTPError:
        return  # an answer, whatever it says, means the hub is there


def _misfits(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, str]:
    """What is wrong with each tensor that does not fit, by its name."""
    wrong = {}
    for name, tensor in expected.items():
        shape = tuple(tensor.shape)
        if name in given and given[name].shape != tensor.shape:
            wrong[name] = f"is {tuple(given[name].shape)}, expected {shape}"
        elif name not in given and not name.endswith("num_batches_tracked"):  # a counter that old files lack
            wrong[name] = f"is missing, expected {shape}"
    return wrong | {
        name: f"{tuple(tensor.shape)} has no place in this network"
        for name, tensor in given.items()
        if name not in expected
    }


def _both_sides(wrong: Mapping[str, str], expected: Mapping[str, Tensor]) -> str:
    """What does not fit, of the network and of the file: where only names differ, each is seen beside the other."""
    sides = [{name: what for name, what in wrong.items() if (name in expected) == own} for own in (True, False)]
    return ". And of the file: ".join(_some(side) for side in sides if side)


def _renaming(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str | None:
    """What makes a module's parts under several prefixes (`backbone.`, `head.`) names of this network; None where
    nothing makes most of them that."""
    parts: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, tensor in given.items():
        first, _, rest = name.partition(".")
        parts.setdefault(first, {})[rest] = tuple(tensor.shape)
    own = {name: tuple(tensor.shape) for name, tensor in expected.items()}
    fitting = {first: sum(own.get(name) == shape for name, shape in part.items()) for first, part in parts.items()}
    body = max(fitting, key=lambda first: fitting[first], default="")
    if 2 * fitting.get(body, 0) <= len(expected):
        return None
    steps = [f"{body}. taken off"]
    for first, part in parts.items():
        missing = {name.partition(".")[0] for name in own if name not in parts[body]}
        like = [
            other
            for other in sorted(missing)
            if part == {name[len(other) + 1 :]: shape for name, shape in own.items() if name.startswith(f"{other}.")}
        ]
        if first != body:
            steps.append(f"{first}. as {like[0]}." if like else f"{first}. left out")
    return f"With {', '.join(steps)}, its names are this network's: save it so."


def _kind(tensor: Tensor) -> str:
    """The type of a tensor, and its layout where that is another than one number after the other."""
    return f"{tensor.dtype}" if tensor.layout == torch.strided else f"{tensor.dtype} in {tensor.layout}"


def _some(wrong: Mapping[str, str]) -> str:
    rest = len(wrong) - _NAMED_AT_MOST
    listed = [f"{_named(name)} {what}" for name, what in list(wrong.items())[:_NAMED_AT_MOST]]
    return "; ".join(listed) + (f"; and {rest} more" if rest > 0 else "")


def _named(name: str) -> str:
    """A tensor's name as it is, where it is one that people give."""
    return name if name.isprintable() and len(name) <= ECHOED else echo(name)
