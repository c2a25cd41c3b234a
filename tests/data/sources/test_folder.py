import os
from pathlib import Path

import pytest

from distill.data.sources.folder import Folder
from distill.errors import DistillError


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"picture")


def test_pictures_at_any_depth_in_order(tmp_path: Path) -> None:
    put(tmp_path, "b.jpg", "a/z.PNG", "a/b/c/d.JpEg", "a.webp", "notes.txt", "a/list.csv", "._b.jpg", ".cache/c.jpg")
    put(tmp_path, "a/@eaDir/b.jpg/SYNOPHOTO_THUMB_M.jpg", "__MACOSX/a.jpg", "#Recycle/c.jpg")
    samples = Folder(root=tmp_path).samples(8, 8)
    assert [sample.name for sample in samples] == ["a.webp", "a/b/c/d.JpEg", "a/z.PNG", "b.jpg"]
    assert [sample.picture for sample in samples] == [tmp_path / sample.name for sample in samples]
    assert {(sample.labels, sample.identity, sample.split) for sample in samples} == {((), -1, "train")}
    assert Folder(root=tmp_path).classes() == ()


def test_the_state_follows_the_pictures_alone(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    source = Folder(root=tmp_path)
    states = [source.state()]
    put(tmp_path, "notes.txt")
    assert source.state() == states[0]
    put(tmp_path, "c.jpg")
    states.append(source.state())
    (tmp_path / "a.jpg").write_bytes(b"another")
    states.append(source.state())
    (tmp_path / "a.jpg").rename(tmp_path / "d.jpg")
    states.append(source.state())
    assert len(set(states)) == 4


def test_a_missing_or_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"root: not set"):
        Folder().samples(8, 8)
    with pytest.raises(DistillError, match=r"root: .*nowhere is not a directory"):
        Folder(root=tmp_path / "nowhere").samples(8, 8)
    put(tmp_path, "notes.txt")
    with pytest.raises(DistillError, match=r"root: .* holds no picture; expected files named .*\.jpg"):
        Folder(root=tmp_path).samples(8, 8)


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"picture")
    with pytest.raises(DistillError, match=r"root: .* holds a picture named 'caf\\udce9\.jpg', expected UTF-8"):
        Folder(root=tmp_path).samples(8, 8)


def test_linked_directories_and_pictures_that_cannot_be_read_are_not_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "owl/1.jpg", "owl/2.jfif")
    put(tmp_path / "root", "cat/1.jpg", "cat/2.HEIC")
    (tmp_path / "root" / "owl").symlink_to(tmp_path / "elsewhere" / "owl")
    samples = Folder(root=tmp_path / "root").samples(8, 8)
    assert [sample.name for sample in samples] == ["cat/1.jpg", "cat/2.HEIC", "owl/1.jpg", "owl/2.jfif"]


@pytest.mark.parametrize("target", [".", "b", "elsewhere"])
def test_links_in_a_circle_are_refused(tmp_path: Path, target: str) -> None:
    put(tmp_path, "b/1.jpg")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "link").symlink_to(tmp_path / target)
    with pytest.raises(DistillError, match=r"(link|back): links to a directory that it lies in"):
        Folder(root=tmp_path / "b").samples(8, 8)
