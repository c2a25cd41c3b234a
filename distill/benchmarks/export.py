"""How fast an exported file is, against what the machine can do and against preprocessing outside of the file."""

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill.answers import Softmax
from distill.cost import count
from distill.cost.latency import sgemm, turns
from distill.export import onnx
from distill.export.format import Job
from distill.predictors.onnx_predictor import OnnxPredictor
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1, mobilenet_v1

CLASSES = 1000
OURS, BARE, PEAK = "onnx", "bare onnx, preprocessed by numpy", "sgemm"


def latency_of_export(resolution: int, rounds: int) -> dict[str, Any]:
    """Milliseconds of one picture through a MobileNet 1.0 on one thread, and their ratios, turn by turn.

    `share of sgemm`: multiplications and additions a second of the float32 file, against those of a large product of
    matrices. `onnx / bare`: the file against the same network exported without preprocessing, and that in numpy.
    """
    torch.manual_seed(0)
    network = mobilenet_v1(1.0, resolution, CLASSES).eval()
    config = MobilenetV1(width=1.0, resolution=resolution)
    kind = Softmax(tuple(str(c) for c in range(CLASSES)))
    manifest = StudentManifest(config, kind, config.preprocess, (resolution, resolution), seed=0, teacher="none")
    picture = np.random.default_rng(0).integers(0, 256, (1, resolution, resolution, 3), dtype=np.uint8)
    job = Job(network, manifest, picture)
    multiply, operations = sgemm()
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / onnx.FORMAT.file
        onnx.write(job, file)
        ours = OnnxPredictor(file, threads=1)
        bare = _bare_session(job)
        mean, std = (255 * np.array(values, np.float32) for values in (job.preprocess.mean, job.preprocess.std))

        def outside() -> object:
            pixels = ((picture.astype(np.float32) - mean) / std).transpose(0, 3, 1, 2)
            return bare.run(None, {"pixels": np.ascontiguousarray(pixels)})

        ways = {OURS: lambda: ours.run(picture), BARE: outside, PEAK: multiply}
        times = turns(ways, rounds)
    share = 2 * count(network, resolution, resolution).mult_adds / operations
    return {
        "milliseconds": {name: 1000 * statistics.median(seconds) for name, seconds in times.items()},
        "ratios": {
            "share of sgemm": share * _ratio(times[PEAK], times[OURS]),
            "onnx / bare": _ratio(times[OURS], times[BARE]),
        },
        "gflops_of_sgemm": operations / statistics.median(times[PEAK]) / 1e9,
    }


def _ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of each turn."""
    return statistics.median(first / second for first, second in zip(above, below, strict=True))


def _bare_session(job: Job) -> Any:
    """The network alone, from normalised float (N, 3, h, w), as `torch.onnx.export` writes it."""
    import onnxruntime as ort

    pixels = torch.zeros(1, 3, job.preprocess.height, job.preprocess.width)
    program = torch.onnx.export(
        job.network, (pixels,), dynamo=True, input_names=["pixels"], external_data=False, verbose=False
    )
    assert program is not None
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
