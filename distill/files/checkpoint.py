"""Checkpoints as people have them: tensors by name, found in the file without running any of it.

What a file is, its first bytes say, whatever it is called. In one that holds several state dicts, such as the weights
of the last step and their average over many, the averaged ones are taken, as timm does, and that is said.
"""

import io
import logging
import pickletools
import re
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from distill.errors import DistillError, echo, shortened
from distill.files.checksums import check_sum
from distill.files.nearby import nearby

log = logging.getLogger(__name__)

_AVERAGED = ("state_dict_ema", "model_ema", "ema", "ema_model", "model_state_dict_ema", "params_ema")
_WEIGHTS = ("state_dict", "net_state_dict", "model_state_dict", "model", "network", "net", "params", "weights")
_PREFIXES = ("module", "_orig_mod", "model", "network", "net", "backbone", "encoder")
"""What wrappers put before every name: DataParallel, torch.compile, and the modules people keep a network in."""
_DEPTH = 3
_COUNTER = "n_averaged"  # of torch's AveragedModel, beside the names it puts `module.` before
_OTHERS = {
    b"<": "a web page (HTML or XML)",
    b"version https://git-lfs": "a pointer of Git LFS, which stands for the file (`git lfs pull` fetches it)",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x1f\x8b": "compressed by gzip; unpack it",
    b"\x08": "an ONNX file, perhaps; that is for `teacher: {name: onnx, file: ...}`",
}


def read_weights(path: Path, of: str | None = None) -> dict[str, Tensor]:
    """Tensors by name from a safetensors file, or from a torch file that holds nothing but tensors.

    A checkpoint that keeps its weights in an entry is unwrapped; of several, averaged ones come first, then those of
    the usual names, which is logged as a warning. What DataParallel and torch.compile put before every name is taken
    off.

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
    return _without(named, _leading(named, ("module", "_orig_mod")))


def fitting_names(tensors: Mapping[str, Tensor], expected: Collection[str], path: Path) -> dict[str, Tensor]:
    """The tensors without the prefixes common to all their names that a network's own names do not have; logged.

    Args:
        expected: names of the network's tensors. Where no prefix makes more of them fit, none is taken off but those
            that wrappers are known to put there.
        path: where the tensors come from, for the message.
    """
    known, given, prefix = set(expected), list(tensors), ""
    best, fits = "", sum(name in known for name in given)
    while (first := _common(given, len(prefix))) is not None:
        prefix += first
        if (count := sum(name[len(prefix) :] in known for name in given)) > fits:
            best, fits = prefix, count
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
        if of not in found:
            raise DistillError(
                f"{path}: holds no weights under {echo(of)} (weights_of). It holds some under "
                f"{', '.join(found) or 'no entry'}."
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
            f"{path}: holds several sets of weights, under {', '.join(found)}, and which is meant is not known. Say it "
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
    try:
        with path.open("rb") as file:  # of a path, torch would go by the suffix
            return torch.load(file, weights_only=True, map_location="cpu")
    except Exception as error:  # a broken file makes the restricted unpickler raise almost anything
        reason = str(error)
        code = re.search(r"GLOBAL (\S+)", reason)
        other = next((what for begin, what in _OTHERS.items() if head.startswith(begin)), None)
        if code or (("TorchScript" in reason or "Unsupported operand" in reason) and other is None):
            raise DistillError(f"{path}: holds {_code(path, code[1] if code else None)}") from None
        what = other or (f"{type(error).__name__}, it begins with {head[:12]!r}" if head else "it is empty")
        raise DistillError(
            f"{path}: not a whole torch weights file ({what}). Expected safetensors or a state dict "
            "saved by torch.save; fetch or write it again."
        ) from error


def _code(path: Path, named: str | None) -> str:
    """What a refused file holds, and how its weights are saved without that."""
    refused = "not only tensors, and was refused without running it."
    if named is None:
        return f"Python code, {refused} Save the network's state_dict() as safetensors where you trust the file."
    keys, strings = _surroundings(path, named)
    entry = next((name for name in (*_AVERAGED, *_WEIGHTS) if name in strings and name not in keys), None)
    under = f" under {' and '.join(map(echo, keys))}" if keys else ""
    if entry is None or named.startswith("torch.nn."):  # a network is pickled, and no state dict lies beside it
        return (
            f"the Python object {named}{under}, {refused} Save the network's state_dict() as safetensors where you "
            "trust the file, and give that."
        )
    return (
        f"the Python object {named}{under}, {refused} Its weights are saved without that, where you trust the file, by "
        f"`import torch; torch.save(torch.load({path.name!r}, weights_only=False)[{entry!r}], 'weights.pth')`; give "
        "weights.pth."
    )


def _surroundings(path: Path, named: str) -> tuple[list[str], set[str]]:
    """The strings that stand before a Python object in a torch file, which are the keys of entries that are one; and
    all strings of the file. Nothing is run."""
    keys: dict[str, None] = {}
    strings: list[str] = []
    with suppress(Exception), _pickles(path) as pickles:  # a broken file says less
        while True:
            for opcode, argument, _ in pickletools.genops(pickles):
                if opcode.name in ("BINUNICODE", "SHORT_BINUNICODE", "UNICODE"):
                    strings.append(str(argument))
                elif opcode.name == "GLOBAL" and str(argument).replace(" ", ".") == named and strings:
                    keys[strings[-1]] = None
    return list(keys), set(strings)


def _pickles(path: Path) -> IO[bytes]:
    """The pickles of a torch file, one after another: in a zip archive, or the file as it was before there were any."""
    if not zipfile.is_zipfile(path):
        return path.open("rb")
    with zipfile.ZipFile(path) as archive:
        return io.BytesIO(archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl"))))
