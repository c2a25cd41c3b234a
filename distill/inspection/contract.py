"""What a `teacher` section has to say of a file, and what of that the file or the recipe says already."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from distill.inspection.inspection import Inspection
from distill.inspection.network_subject import NetworkSubject
from distill.inspection.subject import Subject
from distill.predictors.onnx_metadata import PREFIX
from distill.preprocess.preprocess import Fit


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
        fit: of the prepared pictures, that it wants.
    """

    keys: Mapping[str, Any]
    seen: str = ""
    size: tuple[int, int] | None = None
    outputs: int | None = None
    unsaid: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    measurable: bool = False
    section: tuple[str, ...] = ()
    fit: Fit = "crop"


def contract_of(inspection: Inspection) -> Contract:
    """What the file of an inspection and its recipe say of its input; a file that was exported here says all.

    Raises:
        DistillError: of weights, that they are not of that network, or have other outputs than the data has classes.
    """
    subject, facts = inspection.subject, inspection.subject.facts
    keys = {"name": subject.config.name, **facts.keys, **subject.said()}
    if isinstance(subject, NetworkSubject):
        size = (inspection.seen.height, inspection.seen.width)
        return Contract(keys, f"{facts.file.name}: {facts.format}", size, subject.numbers(None), measurable=True)
    taken, given = facts.inputs[0], ", ".join(port.name for port in facts.outputs)
    seen = f"{facts.file.name} takes {taken.dtype} {taken.axes} and gives {given}"
    if any(key.startswith(PREFIX) for key in facts.metadata):
        return Contract(keys, f"{seen}; exported here, it says all the rest", subject.size)
    outputs = subject.numbers(subject.outputs[0]) if len(subject.outputs) == 1 else None
    return Contract(keys, seen, subject.size, outputs, _unsaid(subject), measurable=True)


def _unsaid(subject: Subject) -> dict[str, tuple[str, str]]:
    unsaid: dict[str, tuple[str, str]] = {}
    if subject.given("gives") is None:
        unsaid["gives"] = ("logits", "or probabilities (each class by itself), or softmax (they sum to one)")
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
