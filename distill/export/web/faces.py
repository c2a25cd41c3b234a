"""The face detector of the browser folder: its file beside the student's, and what the page has to know of it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from distill.errors import DistillError
from distill.faces.detector import Detector
from distill.faces.settings import Detect
from distill.predictors.onnx_session import OnnxSession
from distill.preprocess.landmarks import LANDMARKS, TEMPLATES

DETECTOR_FILE = "detector.onnx"


def write_detector(directory: Path, align: Detect, size: tuple[int, int]) -> dict[str, Any]:
    """Copy a detector's file into the folder, as one file.

    Args:
        size: height and width of the pictures that the student was made with; faces are brought to their place in
            those.

    Returns:
        the `detector` of model.json: where faces are brought (`points`, by `LANDMARKS`; null where the template has
        none), how they are chosen, and how photographs are shown to the detector.

    Raises:
        DistillError: the file cannot be used, here or in a browser.
    """
    assert align.file is not None  # or there would be no settings
    session, facts = OnnxSession(align.file.expanduser()), Detector(align.file, align.side).facts()
    if session.dtype != np.float32:
        raise DistillError(f"{align.file}: takes {session.dtype}; the web page gives a face detector float32.")
    if len(session.files) > 1:  # a browser fetches one
        onnx.save(onnx.load(session.path), directory / DETECTOR_FILE)
    else:
        shutil.copyfile(session.path, directory / DETECTOR_FILE)
    wanted = TEMPLATES[align.to].cut(*size)
    # Nothing says who is wanted of a photograph that is dropped on a page: of several faces one is shown.
    choice = {key: getattr(align, key) for key in ("face", "least_score", "least_size", "largest_turn")}
    return {"file": DETECTOR_FILE, "points": [wanted.get(name) for name in LANDMARKS], **choice, **facts}
