"""What a finished stage left: its result, and a record with the checksum of every file beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.atomic import checksum
from distill.files.checkpoint import read_weights
from distill.files.sealed import read_sealed, write_sealed
from distill.files.weights import write_weights

RECORD = "stage.json"
_RESULT = "result.safetensors"


class _Record(TypedDict):
    """The content of `stage.json`; `files` are the sha256 of all that the stage left beside it, by name."""

    seconds: float
    history: list[dict[str, float]]
    files: dict[str, str]


@dataclass(frozen=True)
class Trained:
    """What a stage left.

    Attributes:
        file: safetensors, of `weights`.
        weights: of the network, the average where one is kept.
        seconds: of training and validation, over all attempts.
        history: one record a pass: `step`, `loss`, and the metric, such as `val_mAP`, where it was measured.
    """

    file: Path
    weights: dict[str, Tensor]
    seconds: float
    history: list[dict[str, float]]


def keep(directory: Path, network: nn.Module, seconds: float, history: list[dict[str, float]]) -> Trained:
    """Write a stage's result, the record last: with it the stage is finished."""
    write_weights(directory / _RESULT, network)
    files = {_RESULT: checksum(directory / _RESULT)}
    write_sealed(directory / RECORD, {"seconds": seconds, "history": history, "files": files})
    return Trained(directory / _RESULT, dict(network.state_dict()), seconds, history)


def finished(directory: Path) -> Trained | None:
    """The stage's result, where an earlier attempt completed it.

    Raises:
        DistillError: something that it left is not what was written.
    """
    if not (directory / RECORD).exists():
        return None
    record = _read_record(directory)
    for name, expected in record["files"].items():
        file = directory / name
        if name != _RESULT and not file.exists():
            continue  # is written again, from the result
        if not file.is_file() or checksum(file) != expected:
            what = f"{directory}, and the stage is done" if name == _RESULT else f"{file}, and it is written"
            raise DistillError(f"{file}: damaged: it is not what {RECORD} has the sha256 of. Delete {what} again.")
    return Trained(directory / _RESULT, read_weights(directory / _RESULT), record["seconds"], record["history"])


def is_left(directory: Path, name: str) -> bool:
    """Whether a finished stage left this file too, and it is still there."""
    return name in _read_record(directory)["files"] and (directory / name).exists()


def leave(directory: Path, name: str) -> None:
    """Enter a file into the record of a finished stage: until then it does not count.

    Raises:
        DistillError: the record cannot be written.
    """
    record = _read_record(directory)
    files = record["files"] | {name: checksum(directory / name)}
    write_sealed(directory / RECORD, {**record, "files": files})


def _read_record(directory: Path) -> _Record:
    remedy = f"Delete {directory}, and the stage is done again."
    record: _Record = read_sealed(directory / RECORD, _Record, remedy)
    if _RESULT not in record["files"]:
        raise DistillError(f"{directory / RECORD}: files.{_RESULT} is missing. {remedy}")
    if not all({"step", "loss"} <= one.keys() for one in record["history"]):
        raise DistillError(f"{directory / RECORD}: a pass in history has no step or no loss. {remedy}")
    return record
