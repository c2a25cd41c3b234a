"""InsightFace's sets: the pickle is refused and never run, what the printed command makes of it is read."""

import pickle
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.data.pair_sets.archive import Archive, converter
from distill.errors import DistillError
from tests.helpers.face_sets import as_archive, as_pickle, pairs_of, pictures_of, random_jpeg, small_lfw


class Runs:
    """What writes a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.place,)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(Runs(tmp_path / "ran"), protocol=protocol))
    for root in (tmp_path / "lfw.bin", tmp_path):
        source = Archive("insightface", root)
        for read in (source.pairs, partial(source.samples, 8, 8)):
            with pytest.raises(DistillError, match=r"lfw\.bin: is a pickle, .* was refused\. Where you trust") as told:
                read()
            assert converter(tmp_path / "lfw.bin") in str(told.value) and "\n" not in str(told.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("folder", ["plain", "it's a folder"])
def test_the_command_in_the_message_makes_the_archive(tmp_path: Path, folder: str) -> None:
    lfw = small_lfw(tmp_path / "lfw")
    file = as_pickle(lfw, tmp_path / folder)
    with pytest.raises(DistillError) as told:
        Archive("insightface", file, 2).pairs()
    subprocess.run(str(told.value).partition("writes: ")[2], shell=True, check=True)
    source = Archive("insightface", tmp_path / folder, 2)
    pairs, pictures = source.pairs(), {one.name: one.picture for one in source.samples(8, 8)}
    for own, pair in zip(pairs, pairs_of(lfw), strict=True):
        assert (own.same, own.fold) == (pair.same, pair.fold)
        for name, original in ((own.first, pair.first), (own.second, pair.second)):
            assert pictures[name] == (pictures_of(lfw) / original).read_bytes()
    assert pairs[3].first == "4/1" and pairs[3].second == "4/2"


def test_the_command_takes_pictures_as_arrays_too(tmp_path: Path) -> None:
    both = [np.frombuffer(random_jpeg(seed), np.uint8) for seed in range(8)]
    (tmp_path / "a.bin").write_bytes(pickle.dumps((both, [True, False, True, False])))
    subprocess.run(converter(tmp_path / "a.bin"), shell=True, check=True)
    samples = Archive("insightface", tmp_path / "a.npz", 2).samples(8, 8)
    assert [one.picture for one in samples] == [picture.tobytes() for picture in both]


def changed(place: Path, **arrays: Any) -> Path:
    file = as_archive(small_lfw(place / "lfw"), place)
    with np.load(file) as archive:
        content = dict(archive) | arrays
    np.savez(file, **{name: value for name, value in content.items() if value is not None})
    return file


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"same": None}, r"lfw\.npz: same is missing, expected one dimension of bool"),
        ({"same": np.ones(16)}, r"lfw\.npz: same is float64 \(16,\), expected one dimension of bool"),
        ({"same": np.ones(15, bool)}, r"lfw\.npz: 32 ends of pictures in \d+ bytes for 15 pairs, expected two a pair"),
        ({"ends": np.arange(32)}, r"lfw\.npz: 32 ends of pictures in \d+ bytes for 16 pairs"),
        ({"ends": np.arange(32)[::-1]}, r"lfw\.npz: 32 ends"),
        ({"data": np.array([{}], object)}, r"lfw\.npz: cannot be read \(ValueError: Object arrays cannot be loaded"),
        ({"same": np.ones(16, bool)}, r"lfw\.npz: 16 genuine and 0 impostor pairs for 2 folds"),
    ],
)
def test_an_archive_that_does_not_fit_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    file = changed(tmp_path, **arrays)
    with pytest.raises(DistillError, match=message):
        Archive("insightface", file, 2).pairs()


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(DistillError, match=r"text\.npz: is no \.npz archive; expected one of data, ends, same"):
        Archive("insightface", tmp_path / "text.npz").pairs()
    file = changed(tmp_path / "set")
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DistillError, match=r"lfw\.npz: (cannot be read|is no \.npz archive)"):
        Archive("insightface", file).pairs()
    with pytest.raises(DistillError, match=r"gone\.npz: no such file"):
        Archive("insightface", tmp_path / "gone.npz").pairs()
    with pytest.raises(DistillError, match=r"holds 0 \.npz files, expected one; name the file"):
        (tmp_path / "empty").mkdir()
        Archive("insightface", tmp_path / "empty").pairs()


def test_the_state_follows_the_bytes(tmp_path: Path) -> None:
    before = Archive("insightface", changed(tmp_path / "a")).state()
    assert Archive("insightface", changed(tmp_path / "b", same=np.zeros(16, bool))).state() != before
