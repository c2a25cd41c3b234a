"""A set whose making was stopped comes out as if it had not been."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared import loading, shards
from distill.data.prepared.frame import Frame
from distill.data.prepared.kept import Kept
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.folder import Folder
from distill.errors import DistillError
from tests.helpers.marked import Marked
from tests.helpers.noise import every

ROWS, COUNT, HEIGHT, WIDTH = 8, 60, 10, 12
SHARD = ROWS * HEIGHT * WIDTH * 3
PREPARE = """
import time
from pathlib import Path
from distill.data.prepared import shards
from distill.data.sources.folder import Folder
from distill.data.prepared.frame import Frame
from distill.data.prepared.kept import Kept
from distill.data.prepared.prepare import prepare
shards.SHARD_BYTES = {shard}
add = Kept.add
Kept.add = lambda self, entry: (time.sleep(0.01), add(self, entry))[1]
prepare(Folder(root=Path({root!r})), Path({place!r}), Frame({height}, {width}), max_raw_bytes={budget},
        max_bad_share=0.1, workers=1)
"""


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD_BYTES", SHARD)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pictures, two of them the same, one of them none, some to be resized."""
    root = tmp_path / "in"
    root.mkdir()
    random = np.random.default_rng(0)
    for number in range(COUNT):
        size = (HEIGHT, WIDTH) if number % 2 else (HEIGHT + 5, WIDTH)
        Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)).save(root / f"{number:02d}.png")
    (root / "31.png").write_bytes((root / "03.png").read_bytes())
    (root / "40.png").write_bytes(b"not a picture")
    return root


def run(root: Path, place: Path, budget: int = 2**30, **options: object) -> Prepared:
    keys = {"max_bad_share": 0.1, "workers": 1, **options}
    return prepare(Folder(root=root), place, Frame(HEIGHT, WIDTH), max_raw_bytes=budget, **keys)


def files(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the pictures loaded from now on."""
    names: list[str] = []
    load = loading._load
    monkeypatch.setattr(loading, "_load", lambda sample, *size: (names.append(sample.name), load(sample, *size))[1])
    return names


@pytest.mark.parametrize("budget", [2**30, 0])
def test_killed_it_goes_on_after_the_last_finished_shard(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    part, place = tmp_path / ".set.part", tmp_path / "set"
    script = PREPARE.format(shard=SHARD, root=str(root), place=str(place), height=HEIGHT, width=WIDTH, budget=budget)
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=Path(__file__).parents[3])
    while not (part / "entries-00002.json").exists():
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = len(list(part.glob("entries-*.json")))
    assert not place.exists() and 3 <= finished < COUNT // ROWS
    assert len(list((part / "set").iterdir())) >= finished
    loaded = loads(monkeypatch)
    found = run(root, place, budget)
    assert len(loaded) <= COUNT - finished * ROWS and loaded[-1] == f"{COUNT - 1}.png"
    unbroken = run(root, tmp_path / "unbroken", budget)
    assert files(place) == files(tmp_path / "unbroken") and len(found) == COUNT - 2
    assert np.array_equal(every(found), every(unbroken))
    assert sorted(os.listdir(tmp_path)) == ["in", "set", "unbroken"]


def stopped(root: Path, place: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> Path:
    """Where a call that failed after so many pictures left its finished shards."""
    add = Kept.add

    def fail(self: Kept, *arguments: object) -> bool:
        if len(self) == after:
            raise OSError(28, "No space left on device")
        return add(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Kept, "add", fail)
        with pytest.raises(DistillError, match=r"set: cannot be written \(No space left.*\.set\.part"):
            run(root, place)
    return place.with_name(f".{place.name}.part")


def test_a_torn_or_damaged_shard_is_written_anew(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(root, tmp_path / "unbroken")
    part = stopped(root, tmp_path / "set", monkeypatch, 5 * ROWS + 3)
    assert sorted(os.listdir(part / "set")) == [f"pictures-0000{number}.npy" for number in range(5)]
    damaged = part / "set" / "pictures-00003.npy"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    (part / "set" / "pictures-00007.npy").write_bytes(b"torn")
    loaded = loads(monkeypatch)
    run(root, tmp_path / "set")
    assert loaded[0] == f"{3 * ROWS:02d}.png"
    assert files(tmp_path / "set") == files(tmp_path / "unbroken")
    assert not part.exists()


def test_targets_are_taken_up_with_their_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepared(place: Path) -> None:
        prepare(Marked(COUNT), place, Frame(HEIGHT, WIDTH), workers=1)

    prepared(tmp_path / "unbroken")
    add = Kept.add
    with monkeypatch.context() as patched:
        patched.setattr(Kept, "add", lambda self, entry: 1 // (len(self) != 5 * ROWS + 3) and add(self, entry))
        with pytest.raises(ZeroDivisionError):
            prepared(tmp_path / "set")
    loaded = loads(monkeypatch)
    prepared(tmp_path / "set")
    assert loaded[0] == f"{5 * ROWS}" and files(tmp_path / "set") == files(tmp_path / "unbroken")


def test_what_was_finished_of_something_else_is_not_taken_up(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(root, tmp_path / "set", monkeypatch, 5 * ROWS + 3)
    (root / "00.png").write_bytes((root / "01.png").read_bytes())
    loaded = loads(monkeypatch)
    found = run(root, tmp_path / "set")
    assert len(loaded) == COUNT and len(found) == COUNT - 3


def test_nothing_is_left_of_a_set_without_a_finished_shard(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not stopped(root, tmp_path / "set", monkeypatch, ROWS - 1).exists()


def test_of_two_who_prepare_one_set_the_second_waits(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, found = loads(monkeypatch), []
    threads = [threading.Thread(target=lambda: found.append(run(root, tmp_path / "set"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loaded) == COUNT and len({one.fingerprint for one in found}) == 1 and len(found) == 3
    assert sorted(os.listdir(tmp_path)) == ["in", "set"]


def test_what_a_kill_left_beside_a_finished_set_is_removed(root: Path, tmp_path: Path) -> None:
    place = tmp_path / "set"
    made = prepare(Folder(root=root), place, Frame(HEIGHT, WIDTH), max_bad_share=0.1, workers=1)
    for leftover in (".set.part", ".set.old.part"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "file").touch()
        again = prepare(Folder(root=root), place, Frame(HEIGHT, WIDTH), max_bad_share=0.1, workers=1)
        assert again.fingerprint == made.fingerprint
        assert sorted(os.listdir(tmp_path)) == ["in", "set"]


@pytest.mark.parametrize("name", ["entries-00002.json", "set/pictures-00002.npy", "plan.json"])
def test_a_bit_of_a_set_in_the_making_that_was_flipped_is_made_again(
    name: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(place: Path) -> Prepared:
        return prepare(Folder(root=root), place, Frame(HEIGHT, WIDTH), max_bad_share=0.1, workers=1)

    unbroken = make(tmp_path / "unbroken")
    add = Kept.add
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Kept, "add", lambda self, entry: add(self, entry) if len(self) < 35 else _stop())
        make(tmp_path / "set")
    file = tmp_path / ".set.part" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 4
    file.write_bytes(content)
    capsys.readouterr()
    made = make(tmp_path / "set")
    assert f"{file.name}: damaged" in "".join(capsys.readouterr().err.split("\n"))
    assert made.fingerprint == unbroken.fingerprint
    for one in sorted((tmp_path / "unbroken").iterdir()):
        if one.name != "index.json":
            assert one.read_bytes() == (tmp_path / "set" / one.name).read_bytes()


def _stop() -> bool:
    raise KeyboardInterrupt
