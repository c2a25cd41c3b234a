"""What the outputs of a black box are: their meaning, by their values, and their classes, by names.

Shapes: N pictures, C outputs.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from distill.answers.logits import Gives
from distill.data.wordnet import wordnet_id
from distill.errors import OutputsError

_ROUNDING = 1e-3  # what fp16 arithmetic may put a sum of probabilities beside 1
_NAMED = ("names", "classes", "labels", "class_names")  # keys of metadata that exporters write names under
_DIMENSIONS = 16  # of a vector that tells what a picture shows, at least
_IMAGENET = {1000: "imagenet", 1001: "imagenet_background"}


def meaning(answers: np.ndarray) -> Gives:
    """What numbers (N, C) are: `softmax` where rows sum to one, `probabilities` where all lie in 0..1, else `logits`.

    It holds whatever pictures the numbers answer to: an activation at the end of a graph cannot be left.
    """
    if answers.min() < -_ROUNDING or answers.max() > 1 + _ROUNDING:
        return "logits"
    sums = answers.sum(axis=1)
    return "softmax" if answers.shape[1] > 1 and np.abs(sums - 1).max() <= _ROUNDING else "probabilities"


def class_keys(outputs: int, classes: tuple[str, ...], metadata: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Which of a file's outputs are the data's classes: keys of the teacher's section, and in words how that is known.

    Raises:
        OutputsError: nothing tells.
    """
    for key, names in names_in(metadata):
        if len(names) == outputs and set(classes) <= set(names):
            return {"classes": names}, f"outputs by the names in the file's metadata, {key}"
    if outputs == len(classes):
        return {}, f"outputs in the order of the data's {outputs} classes, which nothing tells"
    if outputs in _IMAGENET and all(map(wordnet_id, classes)):
        return {"class_map": _IMAGENET[outputs]}, f"outputs by WordNet id, {_IMAGENET[outputs]} having {outputs}"
    raise OutputsError(
        f"the file has {outputs} outputs and the data {len(classes)} classes, and nothing says which is which. Name "
        "the outputs: --teacher.classes FILE, or --teacher.class_map."
    )


def of_other_classes(outputs: int | None, metadata: Mapping[str, str]) -> bool:
    """Whether so many outputs are of classes, whatever the data's: ImageNet's, those that the metadata name, or fewer
    than vectors have."""
    few = outputs is not None and outputs < _DIMENSIONS
    return few or outputs in _IMAGENET or any(len(names) == outputs for _, names in names_in(metadata))


def names_in(metadata: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names of classes in a file's metadata, with the key they stand under."""
    for key in _NAMED:
        if names := _names(metadata.get(key, "")):
            yield key, names


def _names(text: str) -> tuple[str, ...]:
    """A list of names, or a dictionary of them by number, as JSON or as Python writes it; none where it is neither."""
    for read in (json.loads, ast.literal_eval):
        try:
            content = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(content, dict):
            content = [content[key] for key in sorted(content, key=lambda key: int(key) if str(key).isdigit() else -1)]
        if isinstance(content, list | tuple) and all(isinstance(name, str) for name in content):
            return tuple(content)
    return ()
