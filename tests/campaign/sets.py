"""Files that lie beside others and are read with them: of a prepared set, a store, a student, a stage, a run."""

import ast
import json
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.files.atomic import checksum, json_text
from distill.files.sealed import sealed
from tests.campaign.mutate import flipped, json_of, text_of

if TYPE_CHECKING:
    from tests.campaign.targets import Target


def targets(reference: Callable[[str], Path]) -> "list[Target]":
    """Those of files of a run and of a store.

    Args:
        reference: where a scenario left its files.
    """
    from tests.campaign.targets import Target

    run, store = reference("run") / "run", reference("store") / "store"
    (prepared,) = (run / "data").iterdir()
    stage = next(run.glob("stages/transfer-*"))
    places = {
        "prepared sets": (prepared, _prepared, 300),
        "stores": (store, _store, 300),
        "students": (run / "student", _student, 100),
        "stages": (stage, _stage, 300),
        "runs": (run, _run, 100),
    }
    return [
        Target(
            name,
            [*_seeds(place), *([("progress.json", _PROGRESS)] if name == "stages" else [])],
            _beside(place, read),
            any_of,
            batch,
        )
        for name, (place, read, batch) in places.items()
    ]


_PROGRESS = json_text(sealed({"done": 1, "passes": 2, "loss": 0.5, "metric": "val_mAP", "best": None})).encode()


def any_of(content: bytes, rng: random.Random) -> bytes:
    """Changed as what it is: an array, JSON, text, or bytes."""
    if content.startswith(b"\x93NUMPY"):
        return array_of(content, rng)
    if content[:1] in b"{[":
        return json_of(content, rng)
    try:
        content.decode()
    except UnicodeDecodeError:
        return flipped(content, rng)
    return text_of(content, rng)


def array_of(content: bytes, rng: random.Random) -> bytes:
    """Bytes, or a header that says something else, of the right length."""
    if rng.random() < 0.4:
        return flipped(content, rng)
    length = int.from_bytes(content[8:10], "little")
    header: dict[str, Any] = ast.literal_eval(content[10 : 10 + length].decode("latin-1"))
    shape = list(header["shape"])
    way = rng.randrange(5)
    if way == 0:
        header["descr"] = rng.choice(
            ("|O", "<f4", "<f8", "|V8", "|S5", ">i8", "<c16", "<M8[s]", [("a", "<i4")], "x", 3)
        )
    elif way == 1 and shape:
        at = rng.randrange(len(shape))
        shape[at] = rng.choice((0, 1, -1, 2**31, 2**62, shape[at] + 1, max(0, shape[at] - 1), 1.5))
    elif way == 2:
        shape = rng.choice(([], [*shape, 1], shape[:-1], [1] * 33))
    elif way == 3:
        header["fortran_order"] = rng.choice((True, 1, None))
    else:
        header[rng.choice(("more", "shape", "descr"))] = rng.choice((None, "x", (), 1))
    if "shape" in header and way in (1, 2):
        header["shape"] = tuple(shape)
    text = (repr(header) + " ").encode("latin-1", "replace")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return content[:8] + len(text).to_bytes(2, "little") + text + content[10 + length :]


def _seeds(place: Path) -> list[tuple[str, bytes]]:
    """Each of a folder's own files that is small."""
    files = [file for file in sorted(place.iterdir()) if file.is_file()]
    return [(file.name, file.read_bytes()) for file in files if 0 < file.stat().st_size < 120_000]


def _beside(place: Path, read: Callable[[Path, Path], object]) -> Callable[[Path], object]:
    """A reader of a file that lies among the others of its folder."""

    def readable(file: Path) -> object:
        for other in place.iterdir():
            if other.name != file.name and other.name != "lock":
                (file.parent / other.name).symlink_to(other)
        return read(file.parent, file)

    return readable


def _sign(file: Path, name: str, place: str = "checksums") -> None:
    """In half of all cases, as good as drawn, make the checksums agree with a damaged file: its own, and those beside.

    Args:
        name: of the file that has the checksums of those beside it, in `place`.
    """
    if zlib.crc32(file.read_bytes()) % 2:
        return
    with suppress(AttributeError, KeyError, RecursionError, TypeError, ValueError):  # it holds no mapping any more
        if file.name != name and file.suffix != ".json":
            _rewrite(file.parent / name, lambda content: content[place].update({file.name: checksum(file)}))
        elif file.suffix == ".json":
            _rewrite(file, lambda content: None)


def _rewrite(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_bytes())
    change(content)
    text = json_text(sealed(content)).encode()
    file.unlink()  # it may be a link to the original
    file.write_bytes(text)


def _prepared(place: Path, file: Path) -> object:
    from distill.data.prepared.prepared import INDEX, Prepared

    _sign(file, INDEX)
    prepared = Prepared.open(place)
    rows = np.arange(min(3, len(prepared)))
    return prepared.names, prepared.ledger, prepared.listed, prepared.pictures.gather(rows), prepared.indices("test")


def _store(place: Path, file: Path) -> object:
    from distill.store.manifest import MANIFEST
    from distill.store.store import Store
    from distill.store.verify import check_all_files

    _sign(file, MANIFEST)
    store = Store.open(place)
    store.map_all()
    answers = [store.view_answers(np.arange(min(2, len(store.viewed))), 0), store.whole_answers(np.arange(1))]
    return check_all_files(store), answers


def _student(place: Path, file: Path) -> object:
    from students.files import CONFIG_FILE, load_student

    if file.name == CONFIG_FILE:
        _sign(file, CONFIG_FILE)
    elif zlib.crc32(file.read_bytes()) % 2:
        _rewrite(place / CONFIG_FILE, lambda content: content.update(checksum=checksum(file)))
    return load_student(place)


def _stage(place: Path, file: Path) -> object:
    from distill.run.longer import shorter
    from distill.run.progress import read_progress
    from distill.run.record import RECORD, finished

    _sign(file, RECORD, "files")
    trained = finished(place)
    losses = [] if trained is None else [record["loss"] for record in trained.history]
    return losses, shorter(place.parent / "another", "0" * 16, 3), str(read_progress(place))


def _run(place: Path, file: Path) -> object:
    from rich.console import Console

    from distill.commands.export import _open
    from distill.files.run_directory import RESULTS, RunDirectory
    from distill.report.results import models_of, read_results
    from distill.report.terminal import print_files, print_results

    _sign(file, RESULTS)
    results = read_results(place / RESULTS)
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        print_results(results, Console(file=nowhere))
        print_files(results["exports"], next(iter(models_of(results)["student"]["metrics"])), Console(file=nowhere))
    if file.name in ("run.json", "recipe.yaml"):
        _open(place, [])
    return RunDirectory.enter(place, "tiny")
