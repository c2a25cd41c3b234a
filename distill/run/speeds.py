"""How fast exported files are, beside each other, and whether the machine was fit to tell."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from distill.cost import count
from distill.cost.latency import is_wide, latencies, sgemm
from distill.cost.machine import Watch
from distill.predictors.file_predictor import FilePredictor
from students.manifest import StudentManifest

THREADS = (1, 2)
"""That files are timed on."""


def speeds_of(
    files: Sequence[Mapping[int, FilePredictor]], network: nn.Module, manifest: StudentManifest
) -> list[dict[str, Any]]:
    """What results.json says of each file's speed: `latency_ms` of one picture by the number of threads with its
    spread, all files in turns; the share of the machine's peak; and what speaks against these figures.

    Args:
        files: of each, how to run it on so many threads; nothing where its runtime is not here.
        network: the student they were made of, whose mult-adds are theirs.
    """
    height, width = manifest.preprocess.height, manifest.preprocess.width
    picture = np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    multiply, operations = sgemm()
    ways: dict[tuple[int, int], Any] = {(-1, 1): multiply}
    for number, predictors in enumerate(files):
        for threads, predictor in predictors.items():
            ways[number, threads] = lambda predictor=predictor: predictor.run(picture)
    if len(ways) == 1:
        return [{} for _ in files]
    watch = Watch()
    timed = latencies(ways)
    machine = watch.machine()
    peak = operations / timed[-1, 1].median
    work = 2.0 * count(network, height, width).mult_adds
    speeds: list[dict[str, Any]] = []
    for number, predictors in enumerate(files):
        if not predictors:
            speeds.append({})
            continue
        shown = {threads: timed[number, threads].milliseconds() for threads in THREADS}
        wide = [threads for threads, (median, spread) in shown.items() if is_wide(median, spread)]
        doubts = machine.doubts(max(THREADS))
        if wide:
            on = " and ".join(f"{number} thread{'s' if number > 1 else ''}" for number in wide)
            doubts.append(f"uncertain on {on}: the turns of timing differ widely")
        speeds.append(
            {
                "latency_ms": {str(threads): median for threads, (median, _) in shown.items()},
                "latency_spread_ms": {str(threads): spread for threads, (_, spread) in shown.items()},
                "latency_doubts": doubts,
                "share_of_peak": work / timed[number, 1].median / peak,
            }
        )
    return speeds
