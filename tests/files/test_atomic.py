"""A file is whole or absent, whatever happens while it is written."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.files.atomic import atomic_path, put, read_json, write_json


def listing(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with atomic_path(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old"
    assert file.read_text() == "new"
    assert listing(tmp_path) == ["file"]


def test_missing_directories_are_made(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a" / "b" / "file") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "a" / "b" / "file").read_text() == "new"


def test_a_directory_takes_the_place_of_another_with_nothing_left_of_it(tmp_path: Path) -> None:
    place = tmp_path / "set"
    place.mkdir()
    (place / "stale").write_text("old")
    with atomic_path(place) as temporary:
        (temporary / "deep").mkdir(parents=True)
        (temporary / "deep" / "file").write_text("new")
        assert listing(place) == ["stale"]
    assert listing(place) == ["deep"] and listing(tmp_path) == ["set"]


def test_content_is_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("flush"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda old, new: (calls.append("rename"), replace(old, new)))
    with atomic_path(tmp_path / "file") as temporary:
        temporary.write_text("new")
    with atomic_path(tmp_path / "set") as temporary:
        temporary.mkdir()
        for name in ("a", "b"):
            (temporary / name).write_text("new")
    assert calls == ["flush", "rename", "flush", "flush", "rename"]


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_full_disk_is_an_error_that_loses_nothing(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("old")
    else:
        place.mkdir()
    with pytest.raises(DistillError, match=r"place: cannot be written \(No space left on device\)"):  # noqa: SIM117
        with atomic_path(place) as temporary:
            if kind == "file":
                temporary.write_text("half")
            else:
                temporary.mkdir()
                (temporary / "half").write_text("half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert listing(tmp_path) == ["place"]
    assert place.is_dir() or place.read_text() == "old"


def test_another_error_passes_unchanged_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(KeyError), atomic_path(tmp_path / "file") as temporary:
        temporary.write_text("half")
        raise KeyError
    assert listing(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "old"


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(DistillError, match="cannot be written"):
        write_json(tmp_path / "file" / "below.json", {})
    assert (tmp_path / "file").read_text() == "old"


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    script = (
        "import os, pathlib, signal, sys\n"
        "from distill.files.atomic import atomic_path\n"
        "with atomic_path(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", script, str(file)], cwd=root).returncode == -signal.SIGKILL
    assert file.read_text() == "old"
    write_json(file, "new")
    assert read_json(file) == "new"


def test_a_directory_takes_the_place_of_another_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)

    def killed(path: Path, **_: object) -> None:
        if path.exists():
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("distill.files.atomic.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            put(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old" / "file").read_text() == "new"
    (tmp_path / "newer").mkdir()
    put(tmp_path / "newer", tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"] and not list((tmp_path / "old").iterdir())


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    content = {"classes": ["5 o'clock shadow", "Straße", "目"], "nested": {"mAP": 0.1, "none": None}}
    write_json(tmp_path / "file.json", content)
    assert read_json(tmp_path / "file.json") == content
    assert "目" in (tmp_path / "file.json").read_text(encoding="utf-8")


def test_what_is_no_json_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"absent\.json: no such file"):
        read_json(tmp_path / "absent.json")
    for content in (b"", b'{"half": ', b"\xff\xfe\x00"):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(DistillError, match=r"bad\.json: not a JSON file"):
            read_json(tmp_path / "bad.json")
    with pytest.raises(DistillError, match=f"{tmp_path.name}: cannot be read"):
        read_json(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1e400}', "1e400 is larger than any number of 64 bits"),
        ('{"a": -1e999}', "-1e999 is larger"),
        ("9" * 5000, "4300 digits"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_json_that_no_program_means_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(DistillError, match=rf"file\.json: not a JSON file \(.*{said}"):
        read_json(tmp_path / "file.json")
