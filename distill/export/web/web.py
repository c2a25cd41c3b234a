"""A folder for the browser: one page that shows what a student sees in pictures dropped on it.

It holds the page with the script of the kind of answers, the ONNX file, what its metadata says as model.json (a
browser's runtime does not read metadata), and onnxruntime-web. Any static server will do, such as `python -m
http.server`; opened as a file the page cannot load its parts, and says so. It asks nobody else for anything, which its
content security policy enforces.

A picture is decoded by the browser without colour management and resized by this library's own kernels, ported to
JavaScript, so that the answers are those of onnxruntime to the last digits shown.
"""

import json
import shutil
import tempfile
from pathlib import Path

from distill.errors import DistillError
from distill.export import onnx
from distill.export.format import Format, Job
from distill.export.web.onnxruntime_web import VERSION, write_runtime
from distill.files.atomic import atomic_path
from distill.predictors.onnx_metadata import OnnxMetadata
from distill.predictors.onnx_predictor import OnnxPredictor, read_metadata
from distill.predictors.onnx_session import OnnxSession

PAGE = Path(__file__).parent / "page"
PAGE_FILES = ("index.html", "page.js", "lines.js", "model.js", "preprocess.js")
ANSWERS_FILE = "answers.js"
MODEL_FILE, CONTRACT_FILE = "student.onnx", "model.json"


def write_web(directory: Path, file: Path, title: str, package: Path | None = None) -> None:
    """Write the folder, whole or not at all.

    Args:
        file: an exported ONNX file.
        title: of the page.
        package: the npm package of onnxruntime-web as a file; None takes it from the cache or the registry.

    Raises:
        DistillError: the file was not exported here, onnxruntime-web cannot be had, or the place cannot be written to.
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
        (temporary / CONTRACT_FILE).write_text(_contract(metadata, title), encoding="utf-8")


def write(job: Job, directory: Path) -> None:
    """Write the folder of a student."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / MODEL_FILE
        onnx.write(job, file)
        write_web(directory, file, job.manifest.config.full_name, job.onnxruntime_web)


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


def _contract(metadata: OnnxMetadata, title: str) -> str:
    """model.json: the metadata, and what the page calls itself and its runtime."""
    facts = {"title": title, "file": MODEL_FILE, "runtime": f"onnxruntime-web {VERSION}"}
    return json.dumps(facts | metadata.to_dict(), ensure_ascii=False)
