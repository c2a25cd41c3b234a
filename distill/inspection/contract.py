"""What a `teacher` section has to say of a file, and what of that the file or the recipe says already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distill.inspection.inspection import Inspection
from distill.inspection.network_subject import NetworkSubject
from distill.predictors.onnx_metadata import PREFIX
from distill.preprocess.preprocess import Fit

_OF_BOXES = {
    "boxes": ("xyxy", "two corners, or xywh, or cxcywh, with the centre"),
    "unit": ("pixels", "or shares, of the picture it sees"),
    "scores": ("classes", "one each, or after an objectness, or class_and_score"),
}


@dataclass(frozen=True)
class Contract:
    """A `teacher` section.

    Attributes:
        keys: what is known, as a recipe writes it.
        seen: what the file takes and gives, in words.
        size: height and width of its input, None where they are open.
        outputs: numbers of one answer, None where that is open.
        unsaid: what is not known and has to be, by key: a value to begin with, and which others there are.
        measurable: whether there is something that measuring can tell.
        section: lines of the whole section in place of the keys, where it was measured.
        fit: of the prepared pictures, that it wants; None where that was not measured.
    """

    keys: Mapping[str, Any]
    seen: str = ""
    size: tuple[int, int] | None = None
    outputs: int | None = None
    unsaid: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    measurable: bool = False
    section: tuple[str, ...] = ()
    fit: Fit | None = None


def contract_of(inspection: Inspection) -> Contract:
    """What the file of an inspection and its recipe say of its input; a file that was exported here says all.

    Raises:
        DistillError: of weights, that they are not of that network, or have other outputs than the data has classes.
    """
    subject, facts = inspection.subject, inspection.subject.facts
    keys = {**facts.keys, "name": subject.config.name, **subject.said()}
    keys = {"name": keys.pop("name"), **keys}
    if isinstance(subject, NetworkSubject):
        seen = inspection.seen
        _, _, rows, columns = seen.crop  # of whole pictures, of which it may see a part
        size = (round(seen.height / rows), round(seen.width / columns))
        return Contract(keys, f"{facts.file.name}: {facts.format}", size, subject.numbers(None), measurable=True)
    taken, given = facts.inputs[0], ", ".join(port.name for port in facts.outputs)
    takes = f"{facts.file.name} takes {taken.dtype} {taken.axes} and gives {given}"
    if any(key.startswith(PREFIX) for key in facts.metadata):
        return Contract(keys, f"{takes}; exported here, it says all the rest", subject.size)
    outputs = subject.numbers(subject.outputs[0]) if len(subject.outputs) == 1 else None
    if not inspection.names_classes:
        outputs = None
    return Contract(keys, takes, subject.size, outputs, _unsaid(inspection), measurable=True)


def _unsaid(inspection: Inspection) -> dict[str, tuple[str, str]]:
    subject = inspection.subject
    unsaid: dict[str, tuple[str, str]] = {}
    if inspection.names_classes and "gives" in subject.known and subject.given("gives") is None:
        unsaid["gives"] = ("logits", "or probabilities (each class by itself), or softmax (they sum to one)")
    for key, (value, others) in _OF_BOXES.items():
        if key in subject.known and subject.given(key) is None:
            unsaid[key] = (value, others)
    if len(subject.kernels) > 1:
        unsaid["interpolation"] = ("bilinear", "or bicubic: how pictures are brought to its size")
    if len(subject.channels) > 1:
        unsaid["channels"] = ("rgb", "or bgr")
    if len(subject.normalizations) > 1:
        unsaid["scale"] = ("0..1", "or 0..255; or both mean and std, of values in 0..1")
    if len(subject.outputs) > 1:
        unsaid["output"] = (str(subject.outputs[0]), f"or {', '.join(map(str, subject.outputs[1:]))}")
    if (size := subject.sizes[0]) is not None:
        unsaid |= {"height": (str(size.height), "pixels"), "width": (str(size.width), "pixels")}
    if "layout" in subject.known and not subject.has_layout:
        unsaid["layout"] = ("nchw", "or nhwc")
    return unsaid
