"""Checkpoints as people have them: tensors by name, found in the file without running any of it.

What a file is, its first bytes say, whatever it is called. In one that holds several state dicts, such as the weights
of the last step and their average over many, the averaged ones are taken, as timm does, and that is said.
"""

import logging
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from distill.errors import DistillError, echo, few, shortened
from distill.files.checksums import check_sum
from distill.files.kind import PICKLE, TORCH, TORCHSCRIPT, kind_of
from distill.files.nearby import nearby
from distill.files.pickled import code_in

log = logging.getLogger(__name__)

_AVERAGED = ("state_dict_ema", "model_ema", "ema", "ema_model", "model_state_dict_ema", "params_ema")
_WEIGHTS = ("state_dict", "net_state_dict", "model_state_dict", "model", "network", "net", "params", "weights")
_PREFIXES = ("module", "_orig_mod", "model", "network", "net", "backbone", "encoder")
"""What wrappers put before every name: DataParallel, torch.compile, and the modules people keep a network in."""
_DEPTH = 3
_COUNTER = "n_averaged"  # of torch's AveragedModel, beside the names it puts `module.` before


def read_weights(path: Path, of: str | None = None) -> dict[str, Tensor]:
    """Tensors by name from a safetensors file, or from a torch file that holds nothing but tensors.

    A checkpoint that keeps its weights in an entry is unwrapped; of several, averaged ones come first, then those of
    the usual names, which is logged as a warning. What DataParallel and torch.compile put before every name is taken
    off, which is logged too.

    Args:
        of: the entry to read, with a dot before each further level; None for the choice above.

    Raises:
        DistillError: the file is missing, is truncated, holds Python code (it is refused unrun), holds no weights, not
            the wanted ones, or several of which none is known to be meant.
    """
    if not path.is_file():
        raise DistillError(f"{path}: no such weights file. {nearby(path)}")
    check_sum(path, "Copy it again from where it was made, or make it again.")
    content = _content_of(path)
    tensors = _chosen(path, content, of)
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise DistillError(
                f"{path}: entry {echo(name)} is a {type(tensor).__name__}, expected only tensors by name. Save the "
                "network's state_dict() by itself, as safetensors."
            )
    named = dict(tensors)
    others = [name for name in named if name != _COUNTER]
    if _COUNTER in named and others and all(name.startswith("module.") for name in others):
        del named[_COUNTER]
    if prefix := _leading(named, ("module", "_orig_mod")):
        log.warning("%s: all its names begin with %s, which is taken off.", path, prefix)
    return _without(named, prefix)


def held_weights(path: Path) -> dict[str, Mapping[Any, Any]]:
    """All sets of weights that a file holds, by the entry each lies under; of one that is nothing else, under nothing.

    Raises:
        DistillError: the file is missing, is truncated, holds Python code (it is refused unrun), or no weights.
    """
    if not path.is_file():
        raise DistillError(f"{path}: no such weights file. {nearby(path)}")
    content = _content_of(path)
    return dict(_state_dicts(content)) or {"": _chosen(path, content, None)}


def fitting_names(tensors: Mapping[str, Tensor], expected: Collection[str], path: Path) -> dict[str, Tensor]:
    """The tensors without the prefixes common to all their names that a network's own names do not have; logged.

    Where the whole network lies under a prefix beside other tensors, such as those of a loss, it is taken alone.

    Args:
        expected: names of the network's tensors. Where no prefix makes more of them fit, none is taken off but those
            that wrappers are known to put there.
        path: where the tensors come from, for the message.

    Raises:
        DistillError: the whole network is there several times, under prefixes of their own.
    """
    known, given, prefix = set(expected), list(tensors), ""
    best, fits = "", sum(name in known for name in given)
    while (first := _common(given, len(prefix))) is not None:
        prefix += first
        if (count := sum(name[len(prefix) :] in known for name in given)) > fits:
            best, fits = prefix, count
    if (start := _network_within([name[len(best) :] for name in given], known, path)) is not None:
        inside = {name: tensor for name, tensor in tensors.items() if name.startswith(best + start)}
        others = ", ".join(name for name in given if name not in inside)
        log.warning("%s: taken is what begins with %s, all of the network; not %s.", path, best + start, echo(others))
        return _without(inside, best + start)
    if not fits:
        best = _leading(tensors, _PREFIXES)
    if best:
        log.warning("%s: all its names begin with %s, which is taken off.", path, best)
    return _without(tensors, best)


def _content_of(path: Path) -> object:
    """What a safetensors or torch file holds; which of the two it is, its first bytes say.

    Raises:
        DistillError: it is neither, is truncated, or holds Python code.
    """
    with path.open("rb") as file:
        head = file.read(64)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        try:
            return load_file(path, device="cpu")
        except SafetensorError as error:
            raise DistillError(
                f"{path}: not a whole safetensors file ({shortened(error)}). Fetch or write it again."
            ) from error
    return _read_torch(path, head)


def _chosen(path: Path, content: object, of: str | None) -> Mapping[Any, Any]:
    """The state dict that is meant, among all that a file holds."""
    found = dict(_state_dicts(content))
    if of is not None:
        if of not in found and (under := _beginning(content, found, of)):
            return under
        if of not in found:
            raise DistillError(
                f"{path}: holds no weights under {echo(of)} (weights_of). It holds some under "
                f"{few(found) or 'no entry'}."
            )
        return found[of]
    tops: dict[str, str] = {}
    for key in found:
        tops.setdefault(key.partition(".")[0], key)
    known = next((tops[name] for name in (*_AVERAGED, *_WEIGHTS) if name in tops), None)
    if known is None and isinstance(content, Mapping) and any(isinstance(value, Tensor) for value in content.values()):
        return content
    averaged = known is not None and known.partition(".")[0] in _AVERAGED
    doubtful = [key for key in found if not averaged and key != known and re.search(r"(^|[._])(ema|swa)([._]|$)", key)]
    if known is None and len(found) == 1:
        (known,) = found
    if known is None or doubtful:
        if not found:
            raise DistillError(f"{path}: holds {_held(content)}, expected tensors by name (a state dict).")
        raise DistillError(
            f"{path}: holds several sets of weights, under {few(found)}, and which is meant is not known. Say it "
            "by teacher.weights_of, or save the one by itself."
        )
    if len(found) > 1:
        log.warning(
            "%s: holds weights under %s; taken are %s%s. Of a teacher, teacher.weights_of names others.",
            path,
            ", ".join(found),
            known,
            ", the averaged ones" if averaged else "",
        )
    return found[known]


def _beginning(content: object, found: Mapping[str, Mapping[Any, Any]], of: str) -> dict[str, Tensor]:
    """The tensors whose names begin with an entry that is no mapping of its own, without that: one network of several
    that share a state dict."""
    whole = {"": content} if isinstance(content, Mapping) else {}
    for place, tensors in (*found.items(), *whole.items()):
        for start in (f"{of}.", f"{of.removeprefix(f'{place}.')}."):
            under = {str(name)[len(start) :]: tensor for name, tensor in tensors.items() if str(name).startswith(start)}
            if under:
                return under
    return {}


def _held(content: object) -> str:
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    keys = ", ".join(map(str, list(content)[:8]))
    return f"a {type(content).__name__} of {echo(keys)}" if content else f"an empty {type(content).__name__}"


def _state_dicts(content: object, key: str = "") -> Iterator[tuple[str, Mapping[Any, Any]]]:
    """Each mapping that holds tensors by name, with the keys that lead to it."""
    if not isinstance(content, Mapping) or key.count(".") >= _DEPTH:
        return
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Mapping) or not value:
            continue
        place = f"{key}.{name}" if key else name
        tensors = [isinstance(inner, Tensor) for inner in value.values()]
        # What a callback keeps of its best score is no network.
        if all(tensors) or (any(tensors) and name in (*_AVERAGED, *_WEIGHTS)):
            yield place, value
        else:
            yield from _state_dicts(value, place)


def _network_within(names: list[str], expected: Collection[str], path: Path) -> str | None:
    """The prefix under which all of a network lies, where others lie beside it."""
    needed = {name for name in expected if not name.endswith("num_batches_tracked")}
    if not needed or needed <= set(names):
        return None
    longest = max(needed, key=len)
    starts = {name.removesuffix(longest) for name in names if name.endswith(f".{longest}")}
    whole = sorted(
        start for start in starts if needed <= {name[len(start) :] for name in names if name.startswith(start)}
    )
    if len(whole) > 1:
        raise DistillError(
            f"{path}: holds this network {len(whole)} times, under {few(start[:-1] for start in whole)}, and "
            "which is meant is not known. Of a teacher, say it by teacher.weights_of."
        )
    return whole[0] if whole else None


def _common(names: list[str], start: int) -> str | None:
    """The next part of the names, up to its dot, where all have the same; None where they differ."""
    first = {name[start:].partition(".")[0] for name in names}
    if len(first) != 1 or not all("." in name[start:] for name in names):
        return None
    return f"{first.pop()}."


def _leading(tensors: Mapping[str, Tensor], known: tuple[str, ...]) -> str:
    prefix = ""
    while (first := _common(list(tensors), len(prefix))) is not None and first[:-1] in known:
        prefix += first
    return prefix


def _without(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: tensor for name, tensor in tensors.items()}


def _read_torch(path: Path, head: bytes) -> object:
    kind = kind_of(path)
    if kind == TORCHSCRIPT:
        raise DistillError(f"{path}: holds {code_in(path, None, (*_AVERAGED, *_WEIGHTS))}")
    try:
        # Of a path, torch would go by the suffix; and it warns of what it then refuses.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(file, weights_only=True, map_location="cpu")
    except Exception as error:  # a broken file makes the restricted unpickler raise almost anything
        reason = str(error)
        code = re.search(r"GLOBAL (\S+)", reason)
        if code or ("Unsupported operand" in reason and kind == PICKLE):
            raise DistillError(
                f"{path}: holds {code_in(path, code[1] if code else None, (*_AVERAGED, *_WEIGHTS))}"
            ) from None
        known = kind not in (None, PICKLE, TORCH)
        what = kind if known else f"{type(error).__name__}, it begins with {head[:12]!r}"
        raise DistillError(
            f"{path}: not a whole torch weights file ({what}). Expected safetensors or a state dict "
            "saved by torch.save; fetch or write it again."
        ) from error
