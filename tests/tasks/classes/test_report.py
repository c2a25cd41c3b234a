"""What the page says of exclusive classes."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from distill.report.page import write_report
from distill.tasks.classes.report import Captioned, ClassPictures, class_report
from tests.helpers.pages import Page
from tests.helpers.results import HOSTILE, full_results

CLASSES = ("n02085620-Chihuahua", "n02085782-spaniel", HOSTILE)


def found() -> dict[str, Any]:
    bins = {"confidence": [0.4, 0.9], "accuracy": [0.5, 0.8], "pictures": [10, 30]}
    return {
        "confusion": {role: [[3, 1, 0], [2, 2, 0], [0, 0, 4]] for role in ("student", "teacher")},
        "calibration": {"student": bins, "teacher": bins},
        "confused": [
            {
                "classes": ["Chihuahua", "spaniel"],
                "mistaken": [1, 2],
                "share": 0.375,
                "pictures": 8,
                "interval": [0.1368, 0.6942],
            }
        ],
        "suspects": {"pictures": 90, "suspected": 7, "file": "data/suspects.csv"},
    }


def captioned(seed: int) -> Captioned:
    return Captioned(
        np.random.default_rng(seed).integers(0, 256, (1, 6, 5, 3), dtype=np.uint8),
        [CLASSES[0]],
        [CLASSES[2]],
        np.array([0.0321]),
        np.array([0.9012]),
    )


def page_of(place: Path, entries: dict[str, Any], pictures: ClassPictures) -> Page:
    write_report(place / "report.html", full_results(), {}, class_report(entries, CLASSES, pictures))
    return Page(place / "report.html")


def test_confusion_stands_before_the_pictures_of_each_kind_of_mistake(tmp_path: Path) -> None:
    pictures = ClassPictures(captioned(0), captioned(1), captioned(2))
    page = page_of(tmp_path, found(), pictures)
    shown = f"labelled Chihuahua 0.032 seen as {HOSTILE} 0.901"
    parts = [
        "Which classes are confused",
        "Chihuahua spaniel 1 2 0.3750 [0.1368, 0.6942] of 8",
        "Most confused classes Of the pairs",
        shown,
        "The surest mistakes",
        "Labels of the web that the teacher doubts most",
        "It sees another class in 7 of 90 pictures; data/suspects.csv names them all.",
    ]
    places = [page.text.index(words) for words in parts]
    assert places == sorted(places) and page.text.count(shown) == 3
    assert page.open == [] and "script" not in page.tags
    calibration = page.images()[1]
    assert calibration.index(b"<!-- teacher -->") < calibration.index(b"<!-- student -->")  # as in every plot
    decoded = [np.asarray(Image.open(io.BytesIO(image))) for image in page.images() if image.startswith(b"\x89PNG")]
    np.testing.assert_array_equal(np.stack(decoded), np.concatenate([captioned(seed).pictures for seed in range(3)]))


def test_what_there_is_none_of_is_left_out(tmp_path: Path) -> None:
    entries = found() | {"confused": []}
    del entries["suspects"]
    nobody = replace(captioned(0), pictures=np.zeros((0, 6, 5, 3), np.uint8))
    page = page_of(tmp_path, entries, ClassPictures(nobody, nobody))
    assert "Which classes are confused" in page.text
    for words in ("Taken for", "Most confused classes", "surest mistakes", "Labels of the web"):
        assert words not in page.text
