"""What was found comes back as it was written, and nothing damaged is used."""

from pathlib import Path

import numpy as np
import pytest

from distill.data.faces.kept import INDEX, KeptFaces, Looked
from distill.errors import DistillError
from distill.faces.faces import Faces


def faces(count: int, seed: int = 0) -> Faces:
    random = np.random.default_rng(seed)
    boxes, landmarks = random.uniform(-9, 99, (count, 4)).round(3), random.uniform(0, 99, (count, 5, 2)).round(3)
    return Faces(120, 80, 0.9876, np.sort(random.uniform(0, 1, count).round(4))[::-1], boxes, landmarks)


LOOKED = [Looked("a,b.jpg", faces(2)), Looked("wreck.jpg", None), Looked("none\n.jpg", faces(0)), Looked("c", faces(1))]


def written(directory: Path, key: str = "one") -> KeptFaces:
    directory.mkdir(exist_ok=True)
    kept = KeptFaces(directory, key)
    kept.begin()
    kept.add(LOOKED[:2])
    kept.add(LOOKED[2:])
    kept.finish()
    return kept


def test_all_comes_back(tmp_path: Path) -> None:
    written(tmp_path / "faces")
    again = KeptFaces(tmp_path / "faces", "one")
    assert again.finished and again.photographs == 4
    read = list(again.read())
    assert [one.name for one in read] == ["a,b.jpg", "none\n.jpg", "c"]  # what prepares the wreck names it
    for found, (_, expected) in zip(read, [LOOKED[0], *LOOKED[2:]], strict=True):
        assert found.faces is not None and expected is not None
        assert (found.faces.height, found.faces.width, found.faces.best) == (120, 80, 0.9876)
        for name in ("scores", "boxes", "landmarks"):
            np.testing.assert_array_equal(getattr(found.faces, name), getattr(expected, name))


def test_what_was_found_of_something_else_is_not_used(tmp_path: Path) -> None:
    written(tmp_path / "faces")
    other = KeptFaces(tmp_path / "faces", "other")
    assert not other.finished and other.photographs == 0 and list(other.read()) == []
    other.begin()
    assert sorted(file.name for file in (tmp_path / "faces").iterdir()) == [INDEX]


@pytest.mark.parametrize("name", ["faces-00000.csv", "faces-00001.csv", INDEX])
def test_a_changed_byte_is_refused(name: str, tmp_path: Path) -> None:
    file = tmp_path / "faces" / name
    written(tmp_path / "faces")
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(DistillError, match=f"{name}.*Delete .*faces, and the faces are looked for again"):
        KeptFaces(tmp_path / "faces", "one")


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "faces")
    (tmp_path / "faces" / "faces-00001.csv").unlink()
    with pytest.raises(DistillError, match=r"faces-00001\.csv: missing"):
        KeptFaces(tmp_path / "faces", "one")
