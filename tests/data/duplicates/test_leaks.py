"""Every planted copy of a rendered dog is found in another folder, whatever was done to it, and nothing else."""

import csv
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill import cli
from distill.data.duplicates.leaks import Leaks, leaks, look
from distill.data.rendered.dogs import RenderedDogs
from distill.errors import DistillError
from tests.data.duplicates.test_near_duplicates import KERNELS

COUNT, COPIES = 192, 60
ALARMS = 1e-4  # pairs that may be found though nobody planted them


def treated(image: Image.Image, random: np.random.Generator, *, least: float = 0.5, quality: int = 40) -> bytes:
    """Resized to ``least`` to twice the size, its sides stretched apart, perhaps mirrored, stored as JPEG."""
    scale = random.uniform(least, 2)
    size = [max(1, round(side * scale * random.uniform(0.9, 1.1))) for side in image.size]
    image = image.resize((size[0], size[1]), KERNELS[random.integers(len(KERNELS))])
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(random.integers(quality, 96)))
    return file.getvalue()


def planted(found: Leaks, pairs: list[tuple[int, int]]) -> tuple[float, int]:
    """The share of the pairs that was found, and how many others were."""
    seen = {tuple(pair) for pair in found.pairs.tolist()}
    return sum(pair in seen for pair in pairs) / len(pairs), len(seen - set(pairs))


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """192 dogs, and as many others of which 60 are copies of the first: the first ten the same files."""
    root, random = tmp_path_factory.mktemp("leaks"), np.random.default_rng(0)
    for place, part in (("one", 0), ("two", 1)):
        (root / place).mkdir()
        dogs = RenderedDogs(part=part).draw(np.arange(COUNT), 72, 96)
        for number, dog in enumerate(dogs):
            Image.fromarray(dog).save(root / place / f"{number:03d}.png", compress_level=1)
    for number in range(COPIES):
        copy, original = root / "two" / f"{3 * number:03d}.png", root / "one" / f"{number:03d}.png"
        if number < 10:
            shutil.copy(original, copy)
        else:
            copy.write_bytes(treated(Image.open(original), random))
    return root / "one", root / "two"


def test_all_copies_are_found_and_nothing_else(folders: tuple[Path, Path]) -> None:
    first, second = (look(folder, progress=False) for folder in folders)
    found = leaks(first, second)
    recall, alarms = planted(found, [(number, 3 * number) for number in range(COPIES)])
    assert recall == 1.0 and alarms <= ALARMS * COUNT * COUNT
    assert found.exact.sum() == 10 and found.exact[:10].all()
    assert (found.correlations[:10] == 1).all() and (np.diff(found.correlations) <= 0).all()
    assert 12 < found.mirrored.sum() < 40
    itself = leaks(first, first)
    assert len(itself) <= ALARMS * COUNT * COUNT / 2 and not itself.exact.any()


def test_the_middle_square_of_a_picture_is_found(folders: tuple[Path, Path], tmp_path: Path) -> None:
    for file in sorted(folders[0].iterdir())[:20]:
        image = Image.open(file)
        image.crop((12, 0, 84, 72)).resize((64, 64), Image.Resampling.BICUBIC).save(tmp_path / file.name)
    found = leaks(look(folders[0], progress=False), look(tmp_path, progress=False))
    assert found.pairs.tolist() and planted(found, [(n, n) for n in range(20)]) == (1.0, 0)


def test_the_command_writes_all_pairs_and_says_how_many(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pairs.csv"
    assert cli.main(["leaks", *map(str, folders), "--csv", str(file)]) == 1
    shown = capsys.readouterr().out
    assert "60 pairs, 10 of them the same file: 60 of 192 pictures of" in shown and "and 40 pairs more" in shown
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert {(row["first"], row["second"]) for row in rows} == {
        (f"{n:03d}.png", f"{3 * n:03d}.png") for n in range(COPIES)
    }
    assert [row["kind"] for row in rows] == ["exact"] * 10 + ["near"] * 50
    assert {row["mirrored"] for row in rows} == {"yes", ""}


def test_a_folder_without_leaks_ends_with_status_0_and_bad_pictures_are_named(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few, file = tmp_path / "few", tmp_path / "pairs.csv"
    few.mkdir()
    for number in (1, 2, 4):
        shutil.copy(folders[1] / f"{number:03d}.png", few)
    (few / "broken.jpg").write_bytes(b"no picture")
    assert cli.main(["leaks", str(folders[0]), str(few), "--csv", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "left out: broken.jpg: not a picture" in shown and "0 pairs" in shown
    assert file.read_text().splitlines() == ["first,second,kind,correlation,mirrored"]
    shutil.copy(few / "001.png", few / "twin.png")
    assert cli.main(["leaks", str(few), str(few), "--csv", str(file)]) == 1
    assert "1 pairs, 1 of them the same file: 1 of 4 pictures" in capsys.readouterr().out
    (tmp_path / "bad").mkdir()
    (few / "broken.jpg").rename(tmp_path / "bad" / "broken.jpg")
    with pytest.raises(DistillError, match=r"bad: none of its 1 pictures can be used; the first: broken\.jpg: not a"):
        look(tmp_path / "bad", progress=False)
    assert cli.main(["leaks", str(few), str(tmp_path / "nowhere"), "--csv", str(file)]) == 2


@pytest.mark.real_data
@pytest.mark.parametrize("photographs", ["stanford_dogs/Images", "celeba/img_align_celeba"])
def test_photographs(photographs: str, tmp_path: Path) -> None:
    """A copy of every eighth photograph is found; others pass at most once in 10,000 pairs."""
    root, random = Path(os.environ["DISTILL_REAL_DATA"]) / photographs, np.random.default_rng(0)
    first = look(root, progress=False)
    places = range(0, len(first.names), 8)
    for number, place in enumerate(places):
        (tmp_path / f"{number:05d}.jpg").write_bytes(treated(Image.open(root / first.names[place]), random))
    second = look(tmp_path, progress=False)
    recall, alarms = planted(leaks(first, second), [(place, number) for number, place in enumerate(places)])
    print(f"{photographs}: recall {recall}, {alarms} others of {len(first.names) * len(second.names):,} pairs")
    assert recall == 1.0 and alarms <= ALARMS * len(first.names) * len(second.names)
