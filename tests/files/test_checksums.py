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
