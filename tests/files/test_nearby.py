"""What lies where something was looked for is said in a sentence, whatever was looked for."""

from pathlib import Path

from distill.files.nearby import nearby


def test_the_nearest_directory_that_is_there_is_described(tmp_path: Path) -> None:
    assert nearby(tmp_path / "data" / "celeba" / "list.txt") == f"{tmp_path} is empty."
    (tmp_path / "data" / "celebs").mkdir(parents=True)
    for name in ("b.txt", "a.txt", ".hidden"):
        (tmp_path / "data" / name).touch()
    assert nearby(tmp_path / "data" / "celeba" / "list.txt") == (
        f"In {tmp_path}/data there are celebs/, a.txt, b.txt, .hidden."
    )
    assert nearby(tmp_path / "data" / "a.txt" / "inside").startswith(f"In {tmp_path}/data there are celebs/")


def test_it_stays_short(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02d}{'x' * 200}").touch()
    said = nearby(tmp_path / "y")
    assert said.endswith(", ....") and len(said) < 400 and "49x" not in said


def test_a_name_that_nothing_can_have(tmp_path: Path) -> None:
    assert nearby(tmp_path / ("x" * 5000) / "a") == f"{tmp_path} is empty."
    assert nearby(tmp_path / "a\0b") == f"{tmp_path} is empty."
