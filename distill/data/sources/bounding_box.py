"""The box around what is marked in a photograph, from a PASCAL VOC annotation (XML)."""

from pathlib import Path
from xml.etree import ElementTree

from distill.data.sources.source import Box
from distill.errors import DistillError
from distill.files.nearby import nearby

MAX_BYTES = 1 << 20  # real ones take one or two kB


def read_box(file: Path) -> Box:
    """The smallest box that holds every object of the annotation.

    A document type, through which XML names other files or grows without bound, is refused: annotations have none.

    Raises:
        DistillError: the file is missing, or is no annotation with at least one box.
    """
    expected = "expected an annotation with <bndbox> of xmin, ymin, xmax, ymax"
    try:
        if file.stat().st_size > MAX_BYTES:
            raise DistillError(f"{file}: larger than {MAX_BYTES >> 20} MB; {expected}.")
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DistillError(f"{file}: no such file; unpack annotation.tar, or leave out boxes. {nearby(file)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DistillError(f"{file}: cannot be read as text ({error}); {expected}.") from None
    if "<!" in text:
        raise DistillError(f"{file}: has a document type or a comment; {expected}, nothing else.")
    try:
        boxes = [
            tuple(int(box.findtext(side, "")) for side in ("xmin", "ymin", "xmax", "ymax"))
            for box in ElementTree.fromstring(text).iter("bndbox")
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise DistillError(f"{file}: is no annotation ({error}); {expected}.") from None
    if not boxes:
        raise DistillError(f"{file}: marks nothing; {expected}.")
    left, top = (min(box[side] for box in boxes) for side in (0, 1))
    right, bottom = (max(box[side] for box in boxes) for side in (2, 3))
    if left < 0 or top < 0 or right <= left or bottom <= top:
        raise DistillError(f"{file}: its box is {(left, top, right, bottom)}; {expected}, the last two larger.")
    return left, top, right, bottom
