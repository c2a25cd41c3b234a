"""How long the files of all students take, in turns on one thread, once no run is at work beside them.

Each run timed its own files while others were training beside it: those times cannot tell students apart.
"""

from collections.abc import Callable, Sequence

import numpy as np

from distill.cost.latency import latencies
from distill.cost.machine import Watch
from distill.export.formats import FORMATS
from distill.files.checksums import check_sum
from distill.files.run_directory import RESULTS
from distill.predictors.file_predictor import FilePredictor
from distill.sweep.directory import SweepDirectory
from distill.sweep.plan import Point
from distill.sweep.summary import Timing


def time_files(points: Sequence[Point], directory: SweepDirectory) -> Timing:
    """How long one picture takes every file that its run could time, and what speaks against these figures."""
    ways = {}
    for point in points:
        results = directory.results(point)
        for file in results["exports"] if results else ():
            load = FORMATS[file["format"]].load
            if file.get("latency_ms") and load is not None:
                path = directory.point(point) / file["file"]
                check_sum(path, f"Delete {directory.point(point) / RESULTS}, and the point is run again.")
                ways[point.name, file["format"]] = _way(load(path, 1))
    watch = Watch()
    timed = {key: latency.milliseconds() for key, latency in latencies(ways).items()}
    return Timing(timed, watch.machine().doubts(1) if ways else ())


def _way(predictor: FilePredictor) -> Callable[[], object]:
    shape = (1, predictor.preprocess.height, predictor.preprocess.width, 3)
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return lambda: predictor.run(picture)
