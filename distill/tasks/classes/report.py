"""What the page shows of exclusive classes: confusion, calibration, mistakes, and the web's labels that are doubted.

Shapes: K pictures shown, C classes, H W pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill.data.wordnet import without_id
from distill.report.data_uris import picture_uri, svg_uri
from distill.report.section import Section
from distill.tasks.classes.entries import CalibrationBins, ClassEntries
from distill.tasks.classes.plots import calibration_plot, confusion_plot

CONFUSION, GALLERY = (Path(__file__).with_name(name) for name in ("confusion.html", "gallery.html"))
TITLES = {
    "confused": "Most confused classes",
    "mistakes": "The surest mistakes",
    "suspects": "Labels of the web that the teacher doubts most",
}
NOTES = {
    "confused": "Of the pairs of classes with most mistakes between them, test pictures that the student took for the "
    "other class, the surest first.",
    "mistakes": "Test pictures of which the student was surest while it was wrong. A wrong label shows up here first.",
    "suspects": "What pictures of the web were labelled as, and what the teacher sees; least probable labels first. "
    "It sees another class in {suspected} of {pictures} pictures; {file} names them all.",
}


@dataclass(frozen=True)
class Captioned:
    """Pictures with the class each is labelled as and the class a model sees in it.

    Attributes:
        pictures: uint8 (K, H, W, 3), RGB.
        labels, answers: names (K,).
        label_probability, answer_probability: (K,), what the model gives to either.
    """

    pictures: np.ndarray
    labels: Sequence[str]
    answers: Sequence[str]
    label_probability: np.ndarray
    answer_probability: np.ndarray


@dataclass(frozen=True)
class ClassPictures:
    """Pictures of each section of the page; an empty or absent one is left out."""

    confused: Captioned
    mistakes: Captioned
    suspects: Captioned | None = None


def class_report(entries: ClassEntries, classes: Sequence[str], pictures: ClassPictures) -> list[Section]:
    """The sections on confusion and calibration, and a gallery for each kind of mistake that there is one of.

    Args:
        classes: C names.
    """
    confusion, calibration = entries["confusion"]["student"], entries["calibration"]
    variables = {
        "confusion": svg_uri(confusion_plot(confusion, [without_id(name) for name in classes])),
        "calibration": svg_uri(calibration_plot(_in_order(calibration))),
        "models": list(calibration),
        "confused": entries["confused"],
    }
    galleries = []
    for name, title in TITLES.items():
        shown: Captioned | None = getattr(pictures, name)
        if shown is not None and len(shown.pictures):
            note = NOTES[name].format(**entries.get("suspects", {}))
            galleries.append(Section(title, GALLERY, {"note": note, "pictures": _captioned(shown)}))
    return [Section("Which classes are confused", CONFUSION, variables), *galleries]


def _in_order(models: Mapping[str, CalibrationBins]) -> dict[str, CalibrationBins]:
    """The teacher first, as in every plot of the page."""
    return {role: models[role] for role in ("teacher", "student") if role in models}


def _captioned(shown: Captioned) -> list[dict[str, Any]]:
    return [
        {
            "picture": picture_uri(picture),
            "label": without_id(shown.labels[k]),
            "answer": without_id(shown.answers[k]),
            "label_probability": float(shown.label_probability[k]),
            "answer_probability": float(shown.answer_probability[k]),
        }
        for k, picture in enumerate(shown.pictures)
    ]
