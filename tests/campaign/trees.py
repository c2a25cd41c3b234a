"""What a directory holds, and where two differ."""

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path

from tests.campaign.steady import MASKED


def tree_of(place: Path) -> dict[str, str]:
    """A checksum of each file below a directory, by its place there; an empty folder's is empty."""
    tree: dict[str, str] = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        if any(fnmatch(name, pattern) for pattern in MASKED):
            continue
        if path.is_file():
            tree[name] = _checkpoint(path) if path.suffix == ".ckpt" else hashlib.sha256(path.read_bytes()).hexdigest()
        elif path.is_dir() and not any(path.iterdir()) and name != "tmp":
            tree[name] = ""
    return tree


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Each file that is missing, one too many, or of other bytes."""
    missing = [f"missing: {name}" for name in expected if name not in found]
    extra = [f"leftover: {name}" for name in found if name not in expected]
    return (
        missing
        + extra
        + [f"other bytes: {name}" for name in expected if found.get(name, "x") not in ("x", expected[name])]
    )


def _checkpoint(path: Path) -> str:
    """Of what a checkpoint holds: in which order a pickle names what it holds twice depends on where it was resumed."""
    import torch

    digest = hashlib.sha256()

    def add(content: object) -> None:
        if isinstance(content, torch.Tensor):
            digest.update(f"{content.dtype} {tuple(content.shape)}".encode())
            digest.update(content.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        elif isinstance(content, Mapping):
            for key, value in content.items():
                digest.update(f"{key!r}:".encode())
                add(value)
        elif isinstance(content, list | tuple):
            digest.update(f"{type(content).__name__} {len(content)}".encode())
            for value in content:
                add(value)
        else:
            digest.update(repr(content).encode())

    try:
        add(torch.load(path, map_location="cpu", weights_only=True))
    except Exception:  # a damaged one is itself
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return digest.hexdigest()
