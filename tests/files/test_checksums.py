"""SHA256SUMS as other tools read it, and what it catches."""

import subprocess
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.files.checksums import check_sum, read_sums, sums_of, write_sums
from distill.predictors.open import open_predictor


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "student.xml").write_text("graph")
    (tmp_path / "student.bin").write_bytes(b"weights")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("page")
    write_sums(tmp_path, sums_of(tmp_path, ("student.xml", "student.bin", "web")))
    return tmp_path


def test_other_tools_read_the_list(place: Path) -> None:
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=place, check=True, capture_output=True)
    assert set(read_sums(place)) == {"student.xml", "student.bin", "web/index.html"}
    check_sum(place / "student.xml", "Copy it again.")


@pytest.mark.parametrize(
    ("name", "content"), [("student.xml", b"grap"), ("student.bin", b"weightt"), ("student.bin", None)]
)
def test_a_file_cut_short_changed_or_lost_is_refused(name: str, content: bytes | None, place: Path) -> None:
    if content is None:
        (place / name).unlink()
    else:
        (place / name).write_bytes(content)
    with pytest.raises(DistillError, match=rf"{name}: is not the file SHA256SUMS beside it"):
        check_sum(place / name, "Copy it again.")
    with pytest.raises(DistillError, match=rf"{name}: is not the file SHA256SUMS beside it"):
        open_predictor(place / "student.xml")  # before its runtime is asked for


def test_a_file_elsewhere_is_not_held_to_anything(tmp_path: Path) -> None:
    (tmp_path / "student.xml").write_text("graph")
    check_sum(tmp_path / "student.xml", "Copy it again.")
    assert read_sums(tmp_path) == {}


def test_no_byte_of_the_list_changes_unnoticed(place: Path) -> None:
    good = (place / "SHA256SUMS").read_bytes()
    listed = read_sums(place)
    changed = [good[:at] + good[at + 1 :] for at in range(len(good))]
    changed += [
        good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :] for at in range(len(good)) for bit in range(8)
    ]
    for content in (*changed, b"", good[:100]):
        (place / "SHA256SUMS").write_bytes(content)
        with pytest.raises(DistillError, match="SHA256SUMS: damaged"):
            read_sums(place)
    # One of another program's has no checksum of itself.
    lines = good.partition(b"\n")[2]
    for head in (b"", b"# mine\n", b"\xff\xfe\n"):
        (place / "SHA256SUMS").write_bytes(head + lines)
        assert read_sums(place) == listed


def test_an_empty_list_is_no_damage(tmp_path: Path) -> None:
    write_sums(tmp_path, {})
    assert read_sums(tmp_path) == {}
