"""What Python objects stand in a file that was refused for them: read from its pickles, of which nothing is run."""

import io
import pickletools
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from distill.errors import echo

_HARMLESS = {
    "argparse.Namespace": ("argparse", "argparse.Namespace"),
    "numpy._core.multiarray.scalar": (
        "numpy",
        "numpy._core.multiarray.scalar, numpy.dtype, *(type(numpy.dtype(kind)) for kind in '?bhilqfd')",
    ),
    "pathlib.PosixPath": ("pathlib", "pathlib.PosixPath"),
    "pathlib.WindowsPath": ("pathlib", "(pathlib.PureWindowsPath, 'pathlib.WindowsPath')"),
}
"""What training scripts leave beside weights, and what torch is allowed to make so that it reads it: nothing that could
do more than hold values. From each name its module and the objects, as code."""


def code_in(path: Path, named: str | None, entries: Sequence[str]) -> str:
    """What a refused file holds, and how its weights are saved without that.

    Args:
        named: the Python object that it was refused for; None where it is not known.
        entries: that weights may lie under, those first that are preferred.
    """
    refused = "not only tensors, and was refused without running it."
    if named is None:
        return f"Python code, {refused} Save the network's state_dict() as safetensors where you trust the file."
    keys, strings = _surroundings(path, named)
    entry = next((name for name in entries if name in strings and name not in keys), None)
    under = f" under {' and '.join(map(echo, keys))}" if keys else ""
    if entry is None or named not in _HARMLESS:
        return (
            f"the Python object {named}{under}, {refused} Save the network's state_dict() as safetensors where you "
            "trust the file, and give that."
        )
    module, allowed = _HARMLESS[named]
    return (
        f"the Python object {named}{under}, {refused} Its weights are saved without that, and without running it, by "
        f"`import torch, {module}; torch.serialization.add_safe_globals([{allowed}]); "
        f"torch.save(torch.load({path.name!r}, weights_only=True)[{entry!r}], 'weights.pth')`; give weights.pth."
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
