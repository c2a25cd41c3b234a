"""Faces from a .rec file: who is shown, one by one, prepared as from files, and what is said of a damaged one."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.insightface_rec import InsightfaceRec
from distill.data.sources.people import People
from distill.errors import DistillError
from tests.helpers.record_io import MAGIC, packed, write_faces, write_records


def encoded(seed: int, form: str = "JPEG") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream := io.BytesIO(), form)
    return stream.getvalue()


# A comment of a JPEG that is cut where a record would begin: 24 bytes of header and 4 are before it.
TRICKY = encoded(9)[:2] + b"\xff\xfe\x00\x0c" + b"xx" + MAGIC + MAGIC + encoded(9)[2:]
PEOPLE = [[encoded(0), encoded(1, "PNG")], [encoded(2)], [TRICKY, encoded(3), encoded(4)]]


def by_name(prepared: Prepared) -> dict[str, tuple[bytes, int, int]]:
    """Of each picture its pixels, the person and the hash of its bytes."""
    pixels = prepared.pictures.gather(np.arange(len(prepared)))
    rows = zip(prepared.names, pixels, prepared.identities.tolist(), prepared.hashes.tolist(), strict=True)
    return {name: (picture.tobytes(), person, content) for name, picture, person, content in rows}


def test_pictures_and_people_are_those_of_the_files(tmp_path: Path) -> None:
    write_faces(tmp_path / "faces" / "train.rec", PEOPLE)
    for person, pictures in enumerate(PEOPLE):
        for number, picture in enumerate(pictures):
            (place := tmp_path / "folders" / f"{person:07d}" / f"{number:03d}.jpg").parent.mkdir(
                parents=True, exist_ok=True
            )
            place.write_bytes(picture)
    source = InsightfaceRec(root=tmp_path / "faces")
    packed_set = prepare(source, tmp_path / "packed", Frame(8, 8), workers=1)
    folders = prepare(People(root=tmp_path / "folders"), tmp_path / "plain", Frame(8, 8), workers=1)
    assert packed_set.listed == 6 and not packed_set.ledger
    assert [by_name(packed_set)[f"train.rec/{number}"] for number in range(1, 7)] == list(by_name(folders).values())
    assert len(source.samples(8, 8)) == 6 and source.classes() == ()
    digest = hashlib.blake2b(TRICKY, digest_size=8).digest()
    assert by_name(packed_set)["train.rec/4"][2] == int.from_bytes(digest, "little")


@pytest.mark.parametrize("form", ["listed", "alone"])
def test_files_without_a_record_of_people_or_with_several_labels(tmp_path: Path, form: str) -> None:
    labels = [[3.0, 9.0], [0.0, 1.0]] if form == "listed" else [[3.0], [0.0]]
    write_records(tmp_path / "mine.rec", {place: packed(one, encoded(place)) for place, one in enumerate(labels)})
    samples = list(InsightfaceRec(root=tmp_path).samples(8, 8))
    assert [(sample.name, sample.identity) for sample in samples] == [("mine.rec/0", 3), ("mine.rec/1", 0)]
    assert list(InsightfaceRec(root=tmp_path / "mine.rec").samples(8, 8)) == samples


def test_a_picture_that_does_not_decode_is_in_the_ledger(tmp_path: Path) -> None:
    write_faces(tmp_path / "train.rec", [[encoded(0), b"\xff\xd8\xff cut", b""], [encoded(1)]])
    prepared = prepare(InsightfaceRec(root=tmp_path), tmp_path / "set", Frame(8, 8), max_bad_share=0.5, workers=1)
    assert prepared.names == ["train.rec/1", "train.rec/4"]
    reasons = dict(prepared.ledger)
    assert reasons["train.rec/2"].startswith("damaged or truncated") and reasons["train.rec/3"] == "empty"


def test_a_damaged_record_ends_the_preparation_and_is_named(tmp_path: Path) -> None:
    offsets = write_faces(tmp_path / "train.rec", PEOPLE)
    data = bytearray((tmp_path / "train.rec").read_bytes())
    data[offsets[3] + 1] ^= 1
    (tmp_path / "train.rec").write_bytes(data)
    with pytest.raises(DistillError, match=rf"train\.rec: record 3 at byte {offsets[3]} 0xced7220a stands where"):
        prepare(InsightfaceRec(root=tmp_path), tmp_path / "set", Frame(8, 8), workers=1)


def test_the_end_of_a_picture_that_is_gone_is_named_too(tmp_path: Path) -> None:
    """What is read in another thread or process."""
    contents = {number: packed([0.0], encoded(number)) for number in range(3)}
    offsets = write_records(tmp_path / "train.rec", contents)
    (tmp_path / "train.rec").write_bytes((tmp_path / "train.rec").read_bytes()[:-9])
    with pytest.raises(DistillError, match=rf"train\.rec: record 2 at byte {offsets[2]} is cut short"):
        prepare(InsightfaceRec(root=tmp_path), tmp_path / "set", Frame(8, 8), workers=2)


@pytest.mark.parametrize(
    ("first", "others", "message"),
    [
        (packed([4.0, 6.0], b""), (1, 2), r"train\.idx: 1 of 3 pictures are not in it, the first of them record 3"),
        (packed([1.5, 6.0], b""), (1, 2), r"record 0 at byte 0 has the label 1\.5, expected the number of the first"),
        (packed([0.5], encoded(0)), (1, 2), r"record 0 at byte 0 has the label 0\.5, expected the number of a person"),
        (packed([-1.0], encoded(0)), (1, 2), r"record 0 at byte 0 has the label -1, expected the number of a person"),
    ],
)
def test_what_is_no_set_of_faces_is_refused(
    tmp_path: Path, first: bytes, others: tuple[int, ...], message: str
) -> None:
    write_records(tmp_path / "train.rec", {0: first} | {one: packed([0.0], encoded(one)) for one in others})
    with pytest.raises(DistillError, match=message):
        list(InsightfaceRec(root=tmp_path).samples(8, 8))


def test_the_file_must_be_told(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"root: not set; expected the directory that holds train\.rec"):
        InsightfaceRec().samples(8, 8)
    with pytest.raises(DistillError, match=r"holds 0 \.rec files, expected train\.rec or the only one"):
        InsightfaceRec(root=tmp_path).samples(8, 8)
    for name in ("a", "b"):
        write_faces(tmp_path / f"{name}.rec", PEOPLE)
    with pytest.raises(DistillError, match=r"holds 2 \.rec files.*Name the file as the root"):
        InsightfaceRec(root=tmp_path).samples(8, 8)


def test_the_state_follows_both_files(tmp_path: Path) -> None:
    write_faces(tmp_path / "train.rec", PEOPLE)
    source = InsightfaceRec(root=tmp_path)
    states = [source.state()]
    for name in ("train.rec", "train.idx"):
        with (tmp_path / name).open("ab") as file:
            file.write(b"\n")
        states.append(source.state())
    assert len(set(states)) == 3 and source.state() == states[-1]
