"""Every photograph is looked at once, upright, and again only where something changed."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.faces import search
from distill.data.faces.kept import KeptFaces
from distill.data.faces.search import look_for_faces
from distill.data.rendered.faces import RenderedFaces
from distill.data.sources.folder import Folder
from distill.errors import DistillError
from distill.faces.detector import Detector
from distill.faces.faces import Faces
from tests.helpers.detectors import OFFSETS, middle, photograph, yunet_graph


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five photographs with a face each, each in another row, and a wreck among them."""
    root = tmp_path / "photographs"
    root.mkdir()
    for number in range(5):
        Image.fromarray(photograph(64, 64, [(2 + number % 3, 3, 250)])).save(root / f"{number}.png")
    (root / "3.5.jpg").write_bytes(b"\xff\xd8 no picture")
    return root


def look(folder: Path, place: Path, side: int = 640) -> KeptFaces:
    detector = yunet_graph(place.with_suffix(".onnx"))
    return look_for_faces(Folder(root=folder), (8, 8), place, Detector(detector, side))


def rows(kept: KeptFaces) -> dict[str, list[float]]:
    return {name: faces.landmarks[0, 2].tolist() for name, faces in kept.read() if faces is not None}


def test_each_is_looked_at_and_a_second_call_detects_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = look(folder, tmp_path / "kept")
    expected = {f"{n}.png": (middle(2 + n % 3, 3) + OFFSETS[2]).tolist() for n in range(5)}
    assert rows(kept) == expected and kept.photographs == 6

    def refuse(self: Detector, picture: np.ndarray) -> Faces:
        raise AssertionError("looked at again")

    with monkeypatch.context() as patch:
        patch.setattr(Detector, "__call__", refuse)
        assert rows(look(folder, tmp_path / "kept")) == expected
        with pytest.raises(AssertionError, match="again"):
            look(folder, tmp_path / "kept", side=320)
    (folder / "9.png").write_bytes((folder / "0.png").read_bytes())
    assert rows(look(folder, tmp_path / "kept")).keys() == {*expected, "9.png"}


def test_a_call_that_was_stopped_is_gone_on_with(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(look(folder, tmp_path / "whole"))
    monkeypatch.setattr(search, "ROWS", 2)
    finished, seen = KeptFaces.add, []

    def add(self: KeptFaces, looked: list[search.Looked]) -> None:
        if len(seen) == 4:
            raise KeyboardInterrupt
        finished(self, looked)
        seen.extend(one.name for one in looked)

    with monkeypatch.context() as patch:
        patch.setattr(KeptFaces, "add", add)
        with pytest.raises(KeyboardInterrupt):
            look(folder, tmp_path / "kept")
    (tmp_path / "kept" / ".faces-00002.csv.1.part").write_text("half")
    again: list[str] = []
    monkeypatch.setattr(
        KeptFaces, "add", lambda self, looked: (again.extend(one.name for one in looked), finished(self, looked))
    )
    assert rows(look(folder, tmp_path / "kept")) == whole
    assert seen == ["0.png", "1.png", "2.png", "3.5.jpg"] and again == ["3.png", "4.png"]
    assert not list((tmp_path / "kept").glob(".*"))


def test_a_photograph_is_turned_upright_first(tmp_path: Path) -> None:
    (tmp_path / "turned").mkdir()
    upright = photograph(64, 96, [(2, 9, 250)])
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right side
    file = io.BytesIO()
    Image.fromarray(np.rot90(upright)).save(file, "PNG", exif=exif)
    (tmp_path / "turned" / "a.png").write_bytes(file.getvalue())
    found = rows(look(tmp_path / "turned", tmp_path / "kept"))
    assert found == {"a.png": (middle(2, 9) + OFFSETS[2]).tolist()}


def test_drawn_faces_are_not_looked_for(tmp_path: Path) -> None:
    detector = Detector(yunet_graph(tmp_path / "a.onnx"), 640)
    with pytest.raises(DistillError, match="the data is drawn"):
        look_for_faces(RenderedFaces(train=2, validation=1, test=1, people=4), (16, 16), tmp_path / "kept", detector)
