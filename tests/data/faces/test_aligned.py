"""From photographs to prepared faces: pixels as a CSV of the same landmarks gives them, and a reason for the others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.faces.aligned import LANDMARKS_FILE, alignment_of
from distill.data.prepared.alignment import Alignment
from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.folder import Folder
from distill.data.sources.people import People
from distill.data.sources.source import Source
from distill.errors import DistillError
from distill.faces.settings import Detect
from tests.helpers.detectors import photograph, yunet_graph


def photographs(root: Path) -> Path:
    """Photographs with one face, two, a doubtful one, and none; each over noise, so that pixels differ."""
    cells = {"one": [(3, 4, 250)], "two": [(3, 3, 240), (9, 10, 250)], "doubtful": [(4, 4, 130)], "none": []}
    for number, (name, faces) in enumerate(cells.items()):
        picture = np.random.default_rng(number).integers(0, 40, (96, 112, 3), dtype=np.uint8)
        picture = np.maximum(picture, photograph(96, 112, faces))
        (root / name).mkdir(parents=True)
        Image.fromarray(picture).save(root / name / f"{name}_0001.png")
    return root


def detect(tmp_path: Path, **keys: object) -> Detect:
    return Detect(file=yunet_graph(tmp_path / "detector.onnx"), **keys)  # type: ignore[arg-type]


def prepared(source: Source, align: Detect, place: Path) -> Prepared:
    return prepare(source, place, Frame(32, 32, align=alignment_of(align, source, place, (32, 32), "data")), workers=1)


def test_faces_are_brought_to_their_place_and_the_others_stand_in_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, place = Folder(root=photographs(tmp_path / "photographs")), tmp_path / "data" / "folder-0"
    found = prepared(source, detect(tmp_path), place)
    assert found.names == ["one/one_0001.png", "two/two_0001.png"]
    assert dict(found.ledger) == {
        "doubtful/doubtful_0001.png": "face: doubtful, score 0.51, below least_score 0.6",
        "none/none_0001.png": f"face: none found (best score {dict(found.ledger)['none/none_0001.png'][-5:-1]})",
    }
    shown = capsys.readouterr().err
    assert "data: no face of 2 of 4 photographs can be used (none found 1, doubtful 1)" in shown
    landmarks = place.with_name(f"{place.name}.{LANDMARKS_FILE}")
    frame = Frame(32, 32, align=Alignment(landmarks))
    listed = prepare(source, tmp_path / "listed", frame, max_bad_share=0.5, workers=1)
    assert listed.names == found.names
    rows = np.arange(2)
    np.testing.assert_array_equal(listed.pictures.gather(rows), found.pictures.gather(rows))


def test_every_face_of_a_photograph_nobody_labelled_and_one_of_a_person(tmp_path: Path) -> None:
    root = photographs(tmp_path / "photographs")
    align = detect(tmp_path, face="every")
    found = prepared(Folder(root=root), align, tmp_path / "data" / "folder-0")
    assert found.names == ["one/one_0001.png", "two/two_0001.png", "two/two_0001.png#2"]
    assert len(set(found.hashes.tolist())) == 3 and len(set(found.files.tolist())) == 2
    one, other = found.pictures.gather(np.array([1, 2]))
    assert (one != other).any()
    people = prepared(People(root=root), align, tmp_path / "data" / "people-0")
    assert people.names == ["one/one_0001.png", "two/two_0001.png"]


def test_another_choice_of_faces_is_another_set_and_one_face_keeps_its_hash(tmp_path: Path) -> None:
    source = Folder(root=photographs(tmp_path / "photographs"))
    largest = prepared(source, detect(tmp_path), tmp_path / "data" / "folder-0")
    doubtful = prepared(source, detect(tmp_path, least_score=0.4), tmp_path / "data" / "folder-1")
    assert doubtful.names == ["doubtful/doubtful_0001.png", *largest.names]
    assert doubtful.pixels == largest.pixels  # so that a store's answers are used by both
    np.testing.assert_array_equal(doubtful.hashes[1:], largest.hashes)
    celeba = prepared(source, detect(tmp_path, to="celeba"), tmp_path / "data" / "folder-2")
    assert celeba.pixels != largest.pixels and not set(celeba.hashes.tolist()) & set(largest.hashes.tolist())
    assert len(list((tmp_path / "data").glob("*.faces"))) == 1  # looked for once


def test_most_photographs_without_a_face_are_refused_with_what_to_check(tmp_path: Path) -> None:
    source = Folder(root=photographs(tmp_path / "photographs"))
    with pytest.raises(DistillError) as refused:
        prepared(source, detect(tmp_path, least_score=0.99), tmp_path / "data" / "folder-0")
    said = str(refused.value)
    assert said.startswith("no face of 4 of 4 photographs can be used (none found 1, doubtful 3), which are most:")
    assert (
        "one/one_0001.png: face: doubtful, score 0.98" in said and "stand upright" in said and "detector.onnx" in said
    )
    assert "least_score (0.99)" in said and "detector.onnx" in said
