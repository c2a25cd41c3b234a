"""The loader: its speed on one core, its memory, and whether it replays the same views.

Shapes: N pictures, H W pixels.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import ARRAYS, LEDGER, Prepared, reopen, write_index
from distill.data.prepared.shards import rows_per_shard, shard_name
from distill.data.rendered.faces import RenderedFaces
from distill.data.sources.folder import Folder
from distill.data.views.batch import ViewBatch
from distill.data.views.cutting import crop, cut
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.host import settle
from distill.preprocess.preprocess import Preprocess

ATTRIBUTES = 40  # CelebA's
WARM_UP = 3  # batches that are not measured
WORKERS = (0, 1, 4)  # that replay the same views


def sparse_set(directory: Path, count: int, height: int, width: int) -> Prepared:
    """A prepared set of black pictures that takes no space: its shards are holes in files.

    Args:
        directory: is made.
        count: N.
    """
    directory.mkdir(parents=True)
    rows, checksums = rows_per_shard(height, width), {}
    for number, start in enumerate(range(0, count, rows)):
        shape, name = (min(rows, count - start), height, width, 3), shard_name(number, encoded=False)
        checksums[name] = ""  # read by nobody: a set that is opened again is not read as a whole
        with (directory / name).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
            file.truncate(file.tell() + int(np.prod(shape)))
    arrays = {name: np.zeros(count, kind) for name, kind in ARRAYS.items()}
    arrays["hashes"] = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    arrays["labels"] = np.zeros((count, ATTRIBUTES), np.int8)
    classes = [f"attribute {number}" for number in range(ATTRIBUTES)]
    content = {"key": "", "height": height, "width": width, "align": None, "classes": classes, "encoded": False}
    (directory / LEDGER).write_text("name,reason\n", encoding="utf-8")
    write_index(directory, arrays, [str(number) for number in range(count)], content, checksums)
    return reopen(directory)


def pictures_of_both_kinds(place: Path, count: int) -> tuple[Pictures, Pictures]:
    """The same pictures of 160 x 160, as a set of uint8 pixels and as one that decodes JPEG files.

    Args:
        place: an empty directory.
    """
    drawn = prepare(RenderedFaces(train=count, validation=64, test=64, people=64), place / "drawn", Frame(160, 160))
    (place / "files").mkdir()
    for row in range(len(drawn)):
        Image.fromarray(drawn.pictures.gather(np.array([row]))[0]).save(place / "files" / f"{row:06d}.jpg", quality=90)
    files = Folder(root=place / "files")
    raw = prepare(files, place / "raw", Frame(160, 160))
    jpeg = prepare(files, place / "jpeg", Frame(160, 160), max_raw_bytes=1)
    return Pictures.of(raw, "train"), Pictures.of(jpeg, "train")


def rates(
    pictures: Pictures, size: int, batch_size: int = 64, batches: int = 40, device: torch.device | None = None
) -> dict[str, float]:
    """Views a second by one thread, medians over ``batches``.

    Args:
        device: where views are cut. On a CPU, the default, CPU time is counted; on a GPU, whatever passes until a
            batch is done there, from its pictures on.

    Returns:
        `gathered`, as the loader hands them over: whole pictures and numbers of their views; `cropped`: resampled to
        ``size`` x ``size`` and mirrored as well; `coloured`: coloured as well, which is all a step waits for.
    """
    preprocess, threads = Preprocess.resizing(size, size), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        device = device or torch.device("cpu")
        stream = _endless(ViewLoader(pictures, Views(), batch_size=batch_size, seed=0))
        measured: dict[str, Callable[[], object]] = {
            "gathered": lambda: next(stream),
            "cropped": lambda: crop(next(stream).to(device, non_blocking=True), preprocess),
            "coloured": lambda: cut(next(stream).to(device, non_blocking=True), preprocess),
        }
        clock = _waiting if device.type == "cuda" else _seconds
        # In turns, so that whatever else the machine does falls on all of them.
        rounds = [[clock(function) for function in measured.values()] for _ in range(WARM_UP + batches)][WARM_UP:]
        return {name: batch_size / median(taken) for name, *taken in zip(measured, *rounds, strict=True)}
    finally:
        torch.set_num_threads(threads)


def memory(count: int, height: int = 160, width: int = 160) -> dict[str, float]:
    """What a loader of ``count`` sparse pictures takes, in a fresh process (Linux).

    Returns:
        `mebibytes` of its own memory (not the system's cache of the pictures' files) beyond what the imports took,
        after 20 batches; `open_s`, seconds to open the set; `first_s`, to order a pass and load its first batch;
        `batch_s`, the median of the others.
    """
    with tempfile.TemporaryDirectory() as place:
        sparse_set(Path(place) / "set", count, height, width)
        code = f"from distill.benchmarks.loader import _memory; _memory({str(Path(place) / 'set')!r})"
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def _memory(directory: str) -> None:
    settle()
    before, started = _own_mebibytes(), time.perf_counter()
    pictures = Pictures.of(reopen(Path(directory)), "train")
    opened = time.perf_counter()
    batches = iter(ViewLoader(pictures, Views(), batch_size=64, seed=0))
    next(batches)
    first = time.perf_counter()
    rest = median(_seconds(lambda: next(batches)) for _ in range(20))
    figures = {"mebibytes": _own_mebibytes() - before, "open_s": opened - started, "first_s": first - opened}
    print(json.dumps({**figures, "batch_s": rest}))


def replay(batches: Iterable[ViewBatch]) -> str:
    """sha256 over all that describes the views: equal where the same views came in the same order."""
    digest = hashlib.sha256()
    for batch in batches:
        one: ViewBatch | None = batch
        while one is not None:
            for values in (one.index, one.pictures, one.box, one.flip, one.color, one.labels, one.weight, one.patch):
                digest.update(b"" if values is None else values.numpy().tobytes())
            one = one.partner
    return digest.hexdigest()


def replays(pictures: Pictures, batch_size: int, batches: int) -> dict[str, str]:
    """`replay` of the same batches by 0, 1 and 4 workers, and by a loader that goes on where another was stopped."""

    def loader(workers: int = 0) -> ViewLoader:
        return ViewLoader(pictures, Views(), batch_size=batch_size, seed=0, workers=workers)

    def resumed() -> Iterator[ViewBatch]:
        stopped, again = loader(), loader()
        yield from islice(_endless(stopped), batches // 2)
        again.load_state_dict(stopped.state_dict())
        yield from islice(_endless(again), batches - batches // 2)

    digests = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch's, of more workers than cores, which are meant to compete
        for workers in WORKERS:
            loading = loader(workers)
            digests[f"{workers} workers"] = replay(islice(_endless(loading), batches))
            loading.close()
    return digests | {"resumed": replay(resumed())}


def _endless(loader: ViewLoader) -> Iterator[ViewBatch]:
    while True:
        yield from loader


def _seconds(function: Callable[[], object]) -> float:
    """A call's CPU time, in this thread."""
    started = time.thread_time()
    function()
    return time.thread_time() - started


def _waiting(function: Callable[[], object]) -> float:
    """A call's time until the GPU has done what it asked for."""
    started = time.perf_counter()
    function()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def _own_mebibytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024
