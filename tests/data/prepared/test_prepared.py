"""A prepared set on disk: what of it was changed or replaced is noticed, and it travels by its place alone."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.prepared import Prepared
from distill.data.sources.folder import Folder
from distill.data.sources.source import Sample
from distill.data.targets import Ragged
from distill.errors import DistillError
from distill.files.atomic import checksum
from distill.files.sealed import write_sealed
from tests.helpers.listed import Listed, pixels, png, put, run
from tests.helpers.marked import BOXES, Marked
from tests.helpers.noise import Noise, every, prepare_noise


@pytest.mark.parametrize("name", ["pictures-00000", "hashes", "files", "labels", "identities", "splits"])
def test_a_file_that_changed_is_named(tmp_path: Path, name: str) -> None:
    run(Listed((Sample("a", png(pixels(0)), (1,)),), ("x",)), tmp_path / "set")
    file = tmp_path / "set" / f"{name}.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(DistillError, match=rf"{name}\.npy: .* checksum .* Delete"):
        Prepared.open(tmp_path / "set")
    file.unlink()
    with pytest.raises(DistillError, match=rf"{name}\.npy: missing"):
        Prepared.open(tmp_path / "set")


def test_an_edited_index_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "set"
    run(Listed((Sample("a", png(pixels(0)), (1,)),), ("x",)), place)
    original = json.loads((place / "index.json").read_text())
    for edit, message in (
        ({"classes": ["y"]}, "does not fit"),
        ({"count": 2}, "does not fit"),
        ({"count": 10**18}, r"index\.json: count is 10{18}, more than its 8 files hold by"),
        ({"shard": 0}, r"index\.json: shard is 0\. Delete"),
        ({"version": 0}, "is of version 0, expected 4: another distill"),
        ({"count": "2"}, r"index\.json: count is '2', expected a whole number\. Delete"),
        ({"columns": [{"name": "boxes"}]}, r"index\.json: its columns cannot be read"),
        ({"columns": [BOXES.describe() | {"shape": [3]}]}, r"index\.json: its columns cannot be read \(column boxes"),
        ({"columns": [1]}, r"index\.json: columns\[0\] is 1, expected keys and values"),
    ):
        write_sealed(place / "index.json", {**original, **edit})
        with pytest.raises(DistillError, match=message):
            Prepared.open(place)
    with pytest.raises(DistillError, match="not a prepared set"):
        Prepared.open(tmp_path)


def test_further_columns_are_plain_files_with_checksums(tmp_path: Path) -> None:
    found = run(Marked(), tmp_path / "set", height=60, width=80)
    kinds, count = found.targets["kinds"], found.targets["count"]
    assert isinstance(kinds, Ragged) and isinstance(count, np.ndarray)
    assert [kinds[row].tolist() for row in range(5)] == [[0, 7], [1, 7], [2, 7], [], [4, 7]]
    assert count.tolist() == [2, 2, 2, -1] * 3 and count.dtype == np.int32
    assert [column.name for column in found.columns] == ["labels", "identities", "spot", "boxes", "kinds", "count"]
    shapes = {"spot": (12, 2), "boxes": (18, 4), "boxes.offsets": (13,), "kinds": (18,), "kinds.offsets": (13,)}
    for name, shape in {**shapes, "count": (12,)}.items():
        file = tmp_path / "set" / f"{name}.npy"
        assert np.load(file, allow_pickle=False).shape == shape
        data = file.read_bytes()
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(DistillError, match=rf"{name}\.npy: .* checksum .* Delete"):
            Prepared.open(tmp_path / "set")
        with pytest.raises(DistillError, match="does not fit the arrays"):
            pickle.loads(pickle.dumps(found))
        file.write_bytes(data)
    again = Prepared.open(tmp_path / "set")
    assert again.fingerprint == found.fingerprint
    assert all(one.describe() == other.describe() for one, other in zip(again.columns, found.columns, strict=True))


def test_a_set_without_further_columns_is_as_before_there_were_any(tmp_path: Path) -> None:
    # What was written then, of the same noise; the key is that of the layout's version 4.
    found = prepare_noise(tmp_path / "set", Noise(1, (("train", 3), ("test", 2)), ("x",)))
    index = json.loads((tmp_path / "set" / "index.json").read_text())
    assert found.fingerprint == "142ca9f432dc617fbf7f27e80d382fbda311ea7f9abba1ce92ebf3757c6fcae8"
    assert index["key"] == "5526b8fc0f3a28f3ab87bd18ed563133bd46325399d6cceeeb35be713080dcff"
    keys = "version align height source state width key classes encoded count shard checksums fingerprint sha256"
    assert list(index) == keys.split()
    arrays = ["files", "hashes", "identities", "labels", "pictures-00000", "splits"]
    others = ["index.json", "ledger.csv", "names.json"]
    assert sorted(file.name for file in found.directory.iterdir()) == sorted(
        [*(f"{one}.npy" for one in arrays), *others]
    )


@pytest.mark.parametrize("budget", [None, 1])
def test_an_open_set_stays_what_it_was_when_another_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, budget: int | None
) -> None:
    monkeypatch.setattr("distill.data.prepared.shards.OPEN", 1)  # the second shard is opened as it is read
    monkeypatch.setattr("distill.data.prepared.shards.SHARD_BYTES", 960)  # four pictures
    options = {} if budget is None else {"max_raw_bytes": budget}
    put(tmp_path / "in", 6)
    found, same = (run(Folder(root=tmp_path / "in"), tmp_path / "set", **options) for _ in range(2))
    pictures = every(same).copy()
    aside = tmp_path / "aside"
    (tmp_path / "set").rename(aside)  # as `distill.files.atomic.put` does, before it deletes
    put(tmp_path / "other", 6, start=50)
    run(Folder(root=tmp_path / "other"), tmp_path / "set", **options)
    assert np.array_equal(every(found), pictures) and found.names == same.names
    shutil.rmtree(aside)
    assert np.array_equal(found.pictures.gather(np.arange(4)), pictures[:4])
    with pytest.raises(DistillError, match=r"pictures-00001\.\w+: deleted since the set was opened, or another"):
        found.pictures.gather(np.array([5]))
    del found.__dict__["names"]
    with pytest.raises(DistillError, match="prepared afresh while it was in use"):
        _ = found.names


def test_pickling_stores_the_place_alone(tmp_path: Path) -> None:
    put(tmp_path / "in", 50)
    found = run(Folder(root=tmp_path / "in"), tmp_path / "set")
    stored = pickle.dumps(found)
    assert len(stored) < 1000 < every(found).nbytes
    opened = pickle.loads(stored)
    assert np.array_equal(every(opened), every(found))
    assert opened.names == found.names and opened.fingerprint == found.fingerprint
    put(tmp_path / "in", 1, start=60)
    run(Folder(root=tmp_path / "in"), tmp_path / "set")
    with pytest.raises(DistillError, match="prepared afresh while it was in use"):
        pickle.loads(stored)


@pytest.mark.parametrize("name", ["ledger.csv", "index.json", "names.json", "labels.npy", "pictures-00000.npy"])
def test_no_bit_of_a_set_is_flipped_unnoticed(name: str, tmp_path: Path) -> None:
    place = tmp_path / "set"
    prepare_noise(place, Noise(1, (("train", 3), ("test", 2)), ("x",)))
    good = (place / name).read_bytes()
    for bit in range(0, 8 * len(good), max(1, 8 * len(good) // 40) | 1):
        content = bytearray(good)
        content[bit // 8] ^= 1 << bit % 8
        (place / name).write_bytes(content)
        with pytest.raises(DistillError, match=rf"{name}.*Delete {place} to prepare"):
            Prepared.open(place)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.npy", np.zeros((1, 1), "<i4"), r"labels\.npy: is of int32, expected int8\. Delete"),
        ("hashes.npy", np.zeros((1,), "|V8"), r"hashes\.npy: is of \|V8, expected uint64\. Delete"),
        ("hashes.npy", np.uint64(1), r"index\.json: does not fit the arrays beside it"),
        ("files.npy", np.zeros((2,), "<u8"), r"index\.json: does not fit the arrays beside it"),
        ("splits.npy", b"PK", r"splits\.npy: no array"),
        ("names.json", b'{"a": 1}', r"names\.json: no list of a name a picture\. Delete"),
        ("names.json", b'["a", "b"]', r"names\.json: no list of a name a picture\. Delete"),
        ("names.json", b"\xff", r"names\.json: no list of a name a picture\. Delete"),
        ("ledger.csv", b"name,reason\r\nonly\r\n", r"ledger\.csv: no table of names and reasons\. Delete"),
        ("ledger.csv", b"name,reason\r\n\xff,a\r\n", r"ledger\.csv: no table of names and reasons\. Delete"),
    ],
)
def test_what_has_the_right_checksum_and_is_wrong_is_told(
    tmp_path: Path, name: str, content: np.ndarray | bytes, message: str
) -> None:
    place = tmp_path / "set"
    run(Listed((Sample("a", png(pixels(0)), (1,)),), ("x",)), place)
    if isinstance(content, bytes):
        (place / name).write_bytes(content)
    else:
        np.save(place / name, content)
    index = json.loads((place / "index.json").read_text())
    write_sealed(place / "index.json", {**index, "checksums": index["checksums"] | {name: checksum(place / name)}})
    with pytest.raises(DistillError, match=message):
        prepared = Prepared.open(place)
        assert prepared.names and prepared.ledger
