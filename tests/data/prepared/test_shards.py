"""Rows over shards, raw or encoded: the same pixels, whichever file they are in."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared import shards as module
from distill.data.prepared.decode import decode
from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.prepared.shards import lossless
from distill.data.sources.folder import Folder
from distill.errors import DistillError
from tests.helpers.noise import HEIGHT, WIDTH, Noise, every, prepare_noise

ROWS = 4  # pictures a shard in these tests


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARD_BYTES", ROWS * HEIGHT * WIDTH * 3 + 5)


def photographs(root: Path) -> Folder:
    """JPEG and PNG files, some of them of another size."""
    root.mkdir()
    random = np.random.default_rng(0)
    for number in range(19):
        height, width = (HEIGHT, WIDTH) if number % 3 else (HEIGHT + number, WIDTH + 9)
        picture = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        picture.save(root / (f"{number:02d}.jpg" if number % 2 else f"{number:02d}.png"))
    return Folder(root=root)


def both(tmp_path: Path) -> tuple[Prepared, Prepared]:
    """One set twice: raw, and encoded."""
    source = photographs(tmp_path / "in")
    sets = [
        prepare(source, tmp_path / str(budget), Frame(HEIGHT, WIDTH), max_raw_bytes=budget)
        for budget in (19 * HEIGHT * WIDTH * 3, 19 * HEIGHT * WIDTH * 3 - 1)
    ]
    return sets[0], sets[1]


def test_rows_come_from_whatever_shard_they_are_in(tmp_path: Path) -> None:
    source = Noise(4, (("train", 4 * ROWS + 3),))
    found = prepare_noise(tmp_path / "set", source)
    expected = np.stack([sample.picture for sample in source.samples(HEIGHT, WIDTH)])
    assert [file.name for file in sorted((tmp_path / "set").glob("pictures-*"))] == [
        f"pictures-0000{number}.npy" for number in range(5)
    ]
    assert np.array_equal(every(found), expected)
    rows = np.array([18, 0, 3, 4, 4, 17, 16, 0])
    assert np.array_equal(found.pictures.gather(rows), expected[rows])
    assert found.pictures.gather(np.array([], np.int64)).shape == (0, HEIGHT, WIDTH, 3)
    parts = [np.load(tmp_path / "set" / f"pictures-0000{number}.npy", allow_pickle=False) for number in range(5)]
    assert np.array_equal(np.concatenate(parts), expected)


def test_an_encoded_set_is_a_raw_one_to_the_last_byte(tmp_path: Path) -> None:
    raw, encoded = both(tmp_path)
    assert not raw.pictures.encoded and encoded.pictures.encoded
    assert raw.fingerprint == encoded.fingerprint and raw.names == encoded.names
    index = np.random.default_rng(1).permutation(np.r_[0:19, 5, 5])
    one, two = (Pictures.of(prepared, "train").gather(index) for prepared in (raw, encoded))
    assert np.array_equal(one, two)
    union = Pictures.of(raw, "train", [prepare_noise(tmp_path / "more", Noise(5, (("train", 6),)))])
    assert np.array_equal(union.gather(index), one)


def test_an_encoded_row_is_the_file_itself_or_the_pixels_without_loss(tmp_path: Path) -> None:
    raw, encoded = both(tmp_path)
    offsets = np.load(encoded.directory / "offsets.npy", allow_pickle=False)
    stored = b"".join(file.read_bytes() for file in sorted(encoded.directory.glob("pictures-*.bin")))
    assert len(offsets) == 20 and offsets[0] == 0 and offsets[-1] == len(stored)
    for row, name in enumerate(encoded.names):
        data = stored[offsets[row] : offsets[row + 1]]
        if row % 3:
            assert data == (tmp_path / "in" / name).read_bytes()
        else:
            assert data.startswith(b"RIFF") and np.array_equal(decode(data, name), every(raw)[row])


def test_a_stream_that_turns_out_too_large_is_encoded(tmp_path: Path) -> None:
    source, budget = Noise(6, (("train", 11),), ("Hat",)), 9 * HEIGHT * WIDTH * 3
    found = prepare(source, tmp_path / "set", Frame(HEIGHT, WIDTH), max_raw_bytes=budget)
    raw = prepare_noise(tmp_path / "raw", source)
    assert found.pictures.encoded and not raw.pictures.encoded
    assert np.array_equal(every(found), every(raw)) and found.fingerprint == raw.fingerprint
    assert not list(found.directory.glob("*.npy.part")) and len(list(found.directory.glob("pictures-*"))) == 3


def test_lossless_is() -> None:
    random = np.random.default_rng(0)
    for picture in (random.integers(0, 256, (33, 17, 3), dtype=np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert np.array_equal(decode(lossless(picture), "x"), picture)


@pytest.mark.parametrize("kind", ["raw", "encoded"])
def test_a_shard_damaged_since_the_set_was_opened_is_named(tmp_path: Path, kind: str) -> None:
    found = both(tmp_path)[kind == "encoded"]
    shard = found.directory / f"pictures-00002.{'bin' if kind == 'encoded' else 'npy'}"
    data = shard.read_bytes()
    shard.write_bytes(data[:-700])
    with pytest.raises(DistillError, match=rf"{shard.name}: damaged after it was written .*Delete"):
        every(found)
    shard.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(DistillError, match=rf"{shard.name}: missing, or not what index.json has the checksum of"):
        Prepared.open(found.directory)
