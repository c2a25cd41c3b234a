"""How faces of a source come to their place: by what a recipe says of it, or by finding them first."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from distill.data.faces.kept import LANDMARK_COLUMNS, KeptFaces
from distill.data.faces.search import look_for_faces
from distill.data.prepared.alignment import Alignment
from distill.data.sources.source import Sample, Source
from distill.errors import DistillError
from distill.faces.choice import choose
from distill.faces.detector import Detector
from distill.faces.found import Found, further
from distill.faces.settings import Detect
from distill.files.atomic import atomic_path
from distill.files.run_directory import key_of
from distill.preprocess.landmarks import LANDMARKS, AlignedTo

SHOWN = 5  # photographs an error names
LANDMARKS_FILE = "landmarks.csv"

console = Console(stderr=True, markup=False, emoji=False)


def alignment_of(
    align: AlignedTo | Path | Detect, source: Source, place: Path, size: tuple[int, int], section: str
) -> Alignment:
    """What brings the faces of a source to their place.

    Args:
        place: of the set that is prepared of it. What is found is kept beside it, and the landmarks used are written as
            a CSV file that `align` reads.
        size: height and width of the prepared pictures.
        section: of the recipe, for what is said; errors are named by whoever calls.

    Raises:
        DistillError: a file is missing or malformed; of most photographs no face can be used.
    """
    if not isinstance(align, Detect):
        return Alignment(align)
    assert align.file is not None  # or there would be no settings
    beside = place.with_name(f"{place.name.rpartition('-')[0]}-{key_of(source, align.file, align.side)}.faces")
    kept = look_for_faces(source, size, beside, Detector(align.file, align.side))
    unlabelled = _unlabelled(source.samples(*size)) if align.face == "every" else frozenset()
    found = chosen(kept, align, unlabelled)
    _say(found, section, align)
    _write_landmarks(place.with_name(f"{place.name}.{LANDMARKS_FILE}"), found)
    return Alignment(found)


def chosen(kept: KeptFaces, settings: Detect, every: frozenset[str] = frozenset()) -> Found:
    """Which of the faces that were found are used.

    Args:
        every: the names of photographs of which every face is.
    """
    landmarks, reasons, several, count, used = {}, {}, {}, 0, 0
    for name, faces in kept.read():
        assert faces is not None
        count += 1
        choices = choose(faces, settings, name in every)
        used += not all(choice.reason for choice in choices)
        if len(choices) > 1:
            several[name] = len(choices)
        for place, choice in enumerate(choices, start=1):
            if choice.number is None or choice.reason:
                reasons[further(name, place)] = choice.reason
            else:
                landmarks[further(name, place)] = faces.points(choice.number)
    assert settings.file is not None
    return Found(settings.file, landmarks, reasons, several, count, used, settings.to)


def _unlabelled(samples: Iterable[Sample]) -> frozenset[str]:
    """The photographs of which nothing is said that would be of one of their faces alone."""
    return frozenset(
        sample.name
        for sample in samples
        if sample.identity < 0 and not sample.targets and not any(label >= 0 for label in sample.labels)
    )


def _say(found: Found, section: str, settings: Detect) -> None:
    """Say how many faces are not used and why.

    Raises:
        DistillError: they are most.
    """
    if not found.reasons:
        return
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.kinds.items())
    without = found.photographs - found.used
    text = f"no face of {without} of {found.photographs} photographs can be used ({kinds})"
    named = "".join(f"\n  {name}: {reason}" for name, reason in list(found.reasons.items())[:SHOWN])
    named += "\n  ..." * (len(found.reasons) > SHOWN)
    if without > found.used:
        raise DistillError(
            f"{text}, which are most:{named}\nCheck that these are photographs of faces and stand upright, that "
            f"{settings.file} finds faces in others, and what align.least_score ({settings.least_score:g}), least_size "
            f"({settings.least_size:g}) and largest_turn ({settings.largest_turn:g}) ask for."
        )
    console.print(f"{section}: {text}; all are in the set's ledger:{named}", soft_wrap=True)


def _write_landmarks(path: Path, found: Found) -> None:
    """For people, and for `align` in other runs."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("file", *LANDMARK_COLUMNS))
    for name, points in found.landmarks.items():
        writer.writerow([name, *(value for landmark in LANDMARKS for value in points[landmark])])
    encoded = text.getvalue().encode()
    if not path.is_file() or path.read_bytes() != encoded:  # the place may be one that is only read
        with atomic_path(path) as temporary:
            temporary.write_bytes(encoded)
