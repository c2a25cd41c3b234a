"""A folder for the browser: one page that shows what a student sees in pictures dropped on it.

It holds the page with the script of the kind of answers, the ONNX file, what its metadata says as model.json (a
browser's runtime does not read metadata), and onnxruntime-web. Any static server will do, such as `python -m
http.server`; opened as a file the page cannot load its parts, and says so. It asks nobody else for anything, which its
content security policy enforces.

Where faces are found in photographs, the detector's file lies beside it, and the page finds and aligns them as the
recipe's pictures were.

A picture is decoded by the browser without colour management and resized by this library's own kernels, ported to
JavaScript, so that the answers are those of onnxruntime to the last digits shown.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from distill.errors import DistillError
from distill.export import onnx
from distill.export.format import Format, Job
from distill.export.web.faces import write_detector
from distill.export.web.onnxruntime_web import VERSION, write_runtime
from distill.faces.settings import Detect
from distill.files.atomic import atomic_path
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import OnnxPredictor, read_metadata
from distill.predictors.onnx_session import OnnxSession

PAGE = Path(__file__).parent / "page"
PAGE_FILES = ("index.html", "page.js", "lines.js", "model.js", "preprocess.js", "detector.js", "faces.js")
ANSWERS_FILE = "answers.js"
MODEL_FILE, CONTRACT_FILE = "student.onnx", "model.json"


def write_web(
    directory: Path, file: Path, title: str, package: Path | None = None, align: Detect | None = None
) -> None:
    """Write the folder, whole or not at all.

    Args:
        file: an exported ONNX file.
        title: of the page.
        package: the npm package of onnxruntime-web as a file; None takes it from the cache or the registry.
        align: how faces are found in photographs; None shows the student pictures as they are.

    Raises:
        DistillError: the file was not exported here, the detector's cannot be used, onnxruntime-web cannot be had, or
            the place cannot be written to.
    """
    metadata = read_metadata(OnnxSession(file))
    if metadata is None:
        raise DistillError(f"{file}: does not say what it takes and gives; expected an ONNX file exported here.")
    shown = metadata.answers.page
    if shown is None:
        raise DistillError(
            f"{file}: gives {metadata.answers.words}, which the web page cannot show. Leave the format out."
        )
    with atomic_path(directory) as temporary:
        temporary.mkdir()
        write_runtime(temporary, package)
        for name in PAGE_FILES:
            shutil.copyfile(PAGE / name, temporary / name)
        shutil.copyfile(shown, temporary / ANSWERS_FILE)
        shutil.copyfile(file, temporary / MODEL_FILE)
        contract = _contract(metadata, title)
        if align is not None:
            contract["detector"] = write_detector(temporary, align, (metadata.picture_height, metadata.picture_width))
        (temporary / CONTRACT_FILE).write_text(json.dumps(contract, ensure_ascii=False), encoding="utf-8")


def write(job: Job, directory: Path) -> None:
    """Write the folder of a student."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / MODEL_FILE
        onnx.write(job, file)
        write_web(directory, file, job.manifest.config.full_name, job.onnxruntime_web, job.detect)


def _load(directory: Path, threads: int | None) -> OnnxPredictor:
    return OnnxPredictor(directory / MODEL_FILE, threads)


FORMAT = Format(
    name="web",
    file="web",
    write=write,
    load=_load,
    shows=True,
    limits="float32, one picture at a time, in any browser; its file is scored in onnxruntime, not in a browser",
)


def _contract(metadata: OnnxMetadata, title: str) -> dict[str, Any]:
    """model.json: the metadata, and what the page calls itself and its runtime."""
    facts = {"title": title, "file": MODEL_FILE, "runtime": f"onnxruntime-web {VERSION}"}
    return facts | metadata.to_dict()
