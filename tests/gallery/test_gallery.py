"""A gallery answers as all cosines sorted, and is as before or after whatever happens while it is changed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.errors import DistillError
from distill.files.sealed import sealed
from distill.gallery.gallery import Contents, EnrolledGallery, Person, change
from distill.gallery.manifest import MANIFEST
from tests.campaign.operations import CHANGING, Operations
from tests.gallery.test_graph import unit

ROOT = Path(__file__).parents[2]


def contents(names: str, each: int = 1, **more: object) -> Contents:
    people = {name: Person(unit(each, seed=ord(name)), each) for name in names}
    return Contents("student.onnx", "f" * 64, people, keep="each", **more)  # type: ignore[arg-type]


def begun(place: Path, names: str = "bca", each: int = 1, **more: object) -> Path:
    change(place, lambda before: contents(names, each, **more))
    return place


def adding(names: str) -> Callable[[Contents | None], Contents]:
    def make(before: Contents | None) -> Contents:
        assert before is not None
        return replace(before, people=before.people | contents(names).people)

    return make


@pytest.mark.parametrize("each", [1, 3])
@pytest.mark.parametrize("index", ["flat", "hnsw"])
def test_the_most_alike_people_by_their_most_alike_vector(tmp_path: Path, each: int, index: str) -> None:
    names = "hgfedcba"
    gallery = EnrolledGallery.open(begun(tmp_path / "g", names, each, index=index))
    probes = unit(20, seed=1)
    people, cosines = gallery.nearest(probes, 3)
    for probe, numbers, values in zip(probes, people, cosines, strict=True):
        best = {name: float((unit(each, seed=ord(name)) @ probe).max()) for name in names}
        expected = sorted(best, key=lambda name: -best[name])[:3]
        assert [gallery.manifest.people[number] for number in numbers] == expected
        np.testing.assert_allclose(values, [best[name] for name in expected], atol=1e-6)
    with pytest.raises(DistillError, match="its vectors have 16 dimensions, and those looked up 8"):
        gallery.nearest(unit(1, 8))


def test_thresholds_are_of_the_people_who_are_enrolled_now(tmp_path: Path) -> None:
    strangers = unit(40, seed=3)

    def expected(names: str, rate: float) -> float:
        gallery = np.concatenate([unit(1, seed=ord(name)) for name in names])
        return sorted((strangers @ gallery.T).max(axis=1), reverse=True)[int(rate * 40)]

    place = begun(tmp_path / "g", "abc", strangers=strangers, source="somebody")
    for names in ("abc", "abcdefgh"):
        facts = change(place, adding(names))
        assert facts.fpirs == {"0.1": pytest.approx(expected(names, 0.1), abs=1e-6)}
        assert facts.strangers == {"pictures": 40, "source": "somebody"}
    assert expected("abcdefgh", 0.1) > expected("abc", 0.1)
    assert len(list(place.iterdir())) == 3  # nothing of before is left


def test_the_same_change_again_changes_no_byte(tmp_path: Path) -> None:
    place = begun(tmp_path / "g", strangers=unit(20, seed=3))
    change(place, adding("de"))
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    change(place, adding("ed"))
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before


def state(place: Path) -> tuple[str, bytes] | None:
    """Who is enrolled, with what; None where there is no gallery."""
    if not (place / MANIFEST).exists():
        return None
    gallery = EnrolledGallery.open(place)
    return "".join(gallery.manifest.people), gallery.vectors.tobytes()


def killed_before(number: int, place: Path, make: Callable[[Contents | None], Contents]) -> bool:
    """Change a gallery in a process that dies before its so-manieth file operation; whether it had one."""
    pid = os.fork()
    if pid == 0:
        seen = 0

        def act(kind: str, count: int, path: str) -> None:
            nonlocal seen
            if kind in CHANGING:
                seen += 1
                if seen == number:
                    os.kill(os.getpid(), signal.SIGKILL)

        Operations(place.parent, act).install()
        try:
            change(place, make)
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL)
    return status != 0


@pytest.mark.parametrize("before", ["", "abc"])
def test_a_killed_change_leaves_it_as_before_or_after(tmp_path: Path, before: str) -> None:
    def make(now: Contents | None) -> Contents:
        return contents("abcde") if now is None else adding("abcde")(now)

    after, kills, outcomes = state(begun(tmp_path / "after", "abcde")), 0, set()
    while True:
        place = tmp_path / str(kills) / "g"
        place.parent.mkdir()
        if before:
            begun(place, before)
        original = state(place)
        died = killed_before(kills + 1, place, make)
        left = state(place)
        assert left in (original, after)
        outcomes.add(left == after)
        change(place, make)  # goes on, and leaves nothing of the kill
        assert state(place) == after and len(list(place.iterdir())) == 2
        if not died:
            break
        kills += 1
    assert kills >= 4 and outcomes == {True, False}


_ADDS = """
import sys
from pathlib import Path
from tests.gallery.test_gallery import adding, change
for name in sys.argv[2]:
    change(Path(sys.argv[1]), adding(name))
"""


def test_two_processes_that_add_at_once_lose_nobody(tmp_path: Path) -> None:
    place = begun(tmp_path / "g", "a")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _ADDS, str(place)]
    both = [subprocess.Popen([*command, names], env=environment) for names in ("bcdefgh", "ijklmno")]
    while any(process.poll() is None for process in both):
        names, vectors = state(place) or ("", b"")  # whoever reads meanwhile finds a whole gallery
        assert len(vectors) == 64 * len(names)
    assert [process.returncode for process in both] == [0, 0]
    assert state(place) == state(begun(tmp_path / "all", "abcdefghijklmno"))


def test_a_damaged_or_missing_file_is_named(tmp_path: Path) -> None:
    place = begun(tmp_path / "g", index="hnsw", strangers=unit(20, seed=3))
    for file in sorted(place.iterdir()):
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(DistillError, match=f"{file.name}: .*damaged") as caught:
            EnrolledGallery.open(place)
        assert "\n" not in str(caught.value)
        file.unlink()
        with pytest.raises(DistillError, match=f"{file.name}: is missing|no gallery"):
            EnrolledGallery.open(place)
        file.write_bytes(whole)
    EnrolledGallery.open(place)


@pytest.mark.parametrize(
    ("change_of", "fault"),
    [
        ({"people": ["b", "a", "c"]}, "people are not sorted, or twice"),
        ({"people": ["a", "a", "c"]}, "people are not sorted, or twice"),
        ({"vectors": [1, 1]}, "its counts are not those of its people"),
        ({"vectors": [1, 1, 0]}, "its counts are not those of its people"),
        ({"keep": "all"}, "keep or index is none of those there are"),
        ({"index": "hnsw"}, "its files are not those of its index"),
        ({"files": {"vectors": "../../etc"}}, "its files are not those of its index"),
        ({"dimensions": 8}, r"float32 \(3, 16\), expected float32 \(3, 8\)"),
        ({"fingerprint": 3}, "fingerprint is 3, expected a text"),
        ({"version": 7}, "is of version 7, expected 1"),
    ],
)
def test_what_contradicts_itself_is_refused_though_its_checksum_agrees(
    tmp_path: Path, change_of: dict[str, object], fault: str
) -> None:
    place = begun(tmp_path / "g")
    content = json.loads((place / MANIFEST).read_text())
    text = json.dumps(sealed(content | change_of), indent=2, ensure_ascii=False) + "\n"
    (place / MANIFEST).write_text(text)
    with pytest.raises(DistillError, match=fault):
        EnrolledGallery.open(place)


def test_another_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "vectors-0123456789abcdef.npy").write_bytes(b"mine")
    (tmp_path / "photos" / "a.jpg").write_bytes(b"mine")
    with pytest.raises(DistillError, match=r"holds a\.jpg and is no gallery"):
        begun(tmp_path / "photos")
    assert len(list((tmp_path / "photos").iterdir())) == 2

    def fails(before: Contents | None) -> Contents:
        raise DistillError("no")

    with pytest.raises(DistillError, match="no"):
        change(tmp_path / "new", fails)
    assert not (tmp_path / "new").exists()
