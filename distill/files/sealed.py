"""JSON that a program writes for itself, with its own checksum in it: no byte of it changes unnoticed.

The last key, `sha256`, is of the rest, as JSON with its keys sorted and no space; and the file is laid out as
`write_json` does it. File and checksum are one file, so a kill leaves both or neither.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.files.atomic import json_text, read_json, write_json
from distill.files.schema import check_schema

SEAL = "sha256"


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` and its checksum, whole or not at all.

    Raises:
        DistillError: the place cannot be written to.
    """
    write_json(path, sealed(content))


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with its checksum, in place of one that it has."""
    rest = _without_seal(content)
    return {**rest, SEAL: _seal_of(rest)}


def read_sealed(path: Path, schema: Any, remedy: str, version: int | None = None) -> Any:
    """The content of a file that `write_sealed` wrote, without the checksum.

    Args:
        schema: as of `check_schema`.
        remedy: what to do about a damaged file, as a sentence; what is to be deleted among it.
        version: what its key of that name is to be; None where it has none. A damaged one says nothing.

    Raises:
        DistillError: the file is missing, no JSON, has no checksum, is not what it has the checksum of, or is of
            another version or schema.
    """
    content = read_damaged(path, remedy)
    if isinstance(content, dict) and SEAL in content:
        check_seal(path, content, remedy)
    if isinstance(content, dict) and version is not None and content.get("version") != version:
        found = content.get("version")
        raise DistillError(f"{path}: is of version {found!r}, expected {version}: another distill wrote it. {remedy}")
    if not isinstance(content, dict) or SEAL not in content:
        raise DistillError(
            f"{path}: has no {SEAL} of itself: a distill before there were any wrote it, or it is damaged. {remedy}"
        )
    rest = _without_seal(content)
    check_schema(path, rest, schema, remedy)
    return rest


def read_damaged(path: Path, remedy: str) -> Any:
    """The content of a JSON file which, if it is none, is damaged.

    Raises:
        DistillError: it is missing, cannot be read or is no JSON.
    """
    try:
        return read_json(path)
    except DistillError as error:
        if not path.is_file():
            raise
        raise DistillError(f"{str(error).rstrip('.')}: damaged. {remedy}") from error


def check_seal(path: Path, content: Mapping[str, Any], remedy: str) -> None:
    """Hold what a file holds to the checksum in it.

    Raises:
        DistillError: it is not what was written.
    """
    if content[SEAL] != _seal_of(_without_seal(content)) or path.read_bytes() != json_text(content).encode("utf-8"):
        raise DistillError(f"{path}: damaged: it is not what it has the {SEAL} of. {remedy}")


def _without_seal(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key != SEAL}


def _seal_of(rest: Mapping[str, Any]) -> str:
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
