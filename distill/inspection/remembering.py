"""A graph that is asked about a picture once, in whatever ways its outputs are read afterwards."""

from hashlib import blake2b
from pathlib import Path

import numpy as np

from distill.predictors.onnx_session import OnnxSession

MOST_BYTES = 2**30
"""Of answers that are kept; the raw outputs of YOLOX-nano to 200 pictures are a quarter of it."""


class RememberingSession(OnnxSession):
    """An ONNX file that remembers what it answered; what was asked first is forgotten first."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._known: dict[tuple[bytes, str], np.ndarray] = {}

    def every(self, batch: np.ndarray, names: list[str] | None = None) -> list[np.ndarray]:
        wanted = list(self.outputs) if names is None else names
        keys = [blake2b(picture.tobytes(), digest_size=16).digest() for picture in batch]
        unknown = {key: at for at, key in enumerate(keys) if any((key, name) not in self._known for name in wanted)}
        if unknown:
            answers = super().every(batch[list(unknown.values())], wanted)
            for name, values in zip(wanted, answers, strict=True):
                self._known |= {(key, name): value.copy() for key, value in zip(unknown, values, strict=True)}
        found = [np.stack([self._known[key, name] for key in keys]) for name in wanted]
        self._forget()
        return found

    def _forget(self) -> None:
        size = sum(answer.nbytes for answer in self._known.values())
        while size > MOST_BYTES:
            size -= self._known.pop(next(iter(self._known))).nbytes
