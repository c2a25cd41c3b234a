"""What is marked in a photograph, from a PASCAL VOC annotation (XML)."""

from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from distill.data.sources.source import Box
from distill.errors import DistillError
from distill.files.nearby import nearby

MAX_BYTES = 1 << 20  # real ones take one or two kB
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_EXPECTED = f"expected an annotation with <bndbox> of {', '.join(_SIDES[:-1])}, {_SIDES[-1]}"


class MarkedObject(NamedTuple):
    """An object: the name of its class, left, top, right, bottom as they are written, and whether it is marked as
    difficult."""

    name: str
    sides: tuple[float, float, float, float]
    difficult: bool


class Annotation(NamedTuple):
    """What is marked in a photograph, and its height and width in pixels; None where they are not written down."""

    size: tuple[int, int] | None
    objects: tuple[MarkedObject, ...]


def read_box(file: Path) -> Box:
    """The smallest box that holds every object of the annotation.

    Raises:
        DistillError: the file is missing, or is no annotation with at least one box.
    """
    root = _read(file, "unpack annotation.tar, or leave out boxes")
    try:
        boxes = [tuple(int(box.findtext(side, "")) for side in _SIDES) for box in root.iter("bndbox")]
    except ValueError as error:
        raise _no_annotation(file, error) from None
    if not boxes:
        raise DistillError(f"{file}: marks nothing; {_EXPECTED}.")
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] for box in boxes) for side in (2, 3))
    if left < 0 or top < 0 or right <= left or bottom <= top:
        raise DistillError(f"{file}: its box is {(left, top, right, bottom)}; {_EXPECTED}, the last two larger.")
    return left, top, right, bottom


def read_annotation(file: Path) -> Annotation:
    """Every object of an annotation, without the boxes of its parts; of a photograph without objects, none.

    Raises:
        DistillError: the file is missing, or is no annotation whose every object has a name and a box.
    """
    root = _read(file, "a photograph without objects has an annotation without <object>")
    if root.tag != "annotation":
        raise DistillError(f"{file}: begins with <{root.tag}>; {_EXPECTED}.")
    try:
        objects = tuple(_object(one) for one in root.iter("object"))
        height, width = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    except (ValueError, OverflowError) as error:
        raise _no_annotation(file, error) from None
    # Some programs write zeros where they did not look.
    return Annotation((height, width) if min(height, width) > 0 else None, objects)


def _object(element: ElementTree.Element) -> MarkedObject:
    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError("an object has no name")
    try:
        left, top, right, bottom = (float(element.findtext(f"bndbox/{side}", "")) for side in _SIDES)
    except ValueError:
        raise ValueError(f"{name} has no box of four numbers") from None
    return MarkedObject(name, (left, top, right, bottom), int(element.findtext("difficult") or 0) != 0)


def _read(file: Path, missing: str) -> ElementTree.Element:
    """The outermost element.

    A document type, through which XML names other files or grows without bound, is refused: annotations have none.

    Args:
        missing: what to do where there is no such file.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise DistillError(f"{file}: larger than {MAX_BYTES >> 20} MB; {_EXPECTED}.")
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; {missing}. {nearby(file)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DistillError(f"{file}: cannot be read as text ({error}); {_EXPECTED}.") from None
    if "<!" in text:
        raise DistillError(f"{file}: has a document type or a comment; {_EXPECTED}, nothing else.")
    try:
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise _no_annotation(file, error) from None


def _no_annotation(file: Path, error: Exception) -> DistillError:
    return DistillError(f"{file}: is no annotation ({error}); {_EXPECTED}.")
