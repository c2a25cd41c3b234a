"""What the page shows of exclusive classes: confusion, calibration, mistakes, and the web's labels that are doubted.

Shapes: K pictures shown, C classes, H W pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill.data.wordnet import without_id
from distill.report.data_uris import picture_uri, svg_uri
from distill.tasks.classes.plots import calibration_plot, confusion_plot

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


def class_parts(results: Mapping[str, Any], pictures: ClassPictures | None) -> dict[str, Any]:
    """The variables of classes.html, None or empty where the run did not produce them.

    Args:
        results: the content of results.json; read are `confusion` and `calibration`, each from a model's role to its
            values, `confused`, `suspects` and `data`.
    """
    confusion, calibration = results.get("confusion") or {}, results.get("calibration") or {}
    suspects = results.get("suspects")
    return {
        "confusion": svg_uri(confusion_plot(confusion["student"], _names(results))) if confusion else None,
        "calibration": svg_uri(calibration_plot(_in_order(calibration))) if calibration else None,
        "confused": results.get("confused") or [],
        "suspects": suspects,
        "galleries": [
            {"title": TITLES[name], "note": NOTES[name].format(**(suspects or {})), "pictures": _captioned(shown)}
            for name in TITLES
            if pictures is not None and (shown := getattr(pictures, name)) is not None and len(shown.pictures)
        ],
    }


def _names(results: Mapping[str, Any]) -> list[str]:
    return [without_id(name) for name in results["data"]["classes"]]


def _in_order(models: Mapping[str, Any]) -> dict[str, Any]:
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
