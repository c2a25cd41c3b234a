"""Faces brought to the template: pixels against plain Python, and landmarks that cannot be used."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.prepared.alignment import Alignment, warp
from distill.data.prepared.decode import BadPicture
from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.folder import Folder
from distill.errors import DistillError
from distill.preprocess.landmarks import ARCFACE, CELEBA, Point, similarity
from distill.preprocess.preprocess import Preprocess, fit

HEADER = "file,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5"


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def turn(degrees: float, scale: float, right: float, down: float) -> np.ndarray:
    sine, cosine = math.sin(math.radians(degrees)) * scale, math.cos(math.radians(degrees)) * scale
    return np.array([[cosine, -sine, right], [sine, cosine, down]])


def source_place(matrix: np.ndarray, column: int, row: int) -> tuple[float, float]:
    """Solve M (x, y, 1) = (column, row) by Cramer's rule."""
    (a, b, c), (d, e, f) = matrix.tolist()
    determinant = a * e - b * d
    return (e * (column - c) - b * (row - f)) / determinant, (a * (row - f) - d * (column - c)) / determinant


def bilinear(picture: np.ndarray, x: float, y: float) -> list[float]:
    """Whole numbers are centres of pixels; beyond the last centre the edge's own pixel goes on."""
    height, width, _ = picture.shape
    left, top = math.floor(x), math.floor(y)
    values = [0.0, 0.0, 0.0]
    for row, weight_y in ((top, top + 1 - y), (top + 1, y - top)):
        for column, weight_x in ((left, left + 1 - x), (left + 1, x - left)):
            pixel = picture[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
            values = [value + weight_y * weight_x * float(one) for value, one in zip(values, pixel, strict=True)]
    return values


@pytest.mark.parametrize(
    "matrix", [turn(20, 1.3, 3.2, -6.1), turn(0, 1.0, 0.25, 0.0), turn(-90, 2.0, 1.0, 40.5), turn(5, 1.0, -4.5, 2.0)]
)
def test_pixels_are_those_of_plain_python(matrix: np.ndarray) -> None:
    picture = noise(26, 30)
    found = warp(picture, matrix, 24, 20)
    outside = 0
    for row in range(24):
        for column in range(20):
            x, y = source_place(matrix, column, row)
            if not (-0.5 <= x <= 29.5 and -0.5 <= y <= 25.5):
                assert not found[row, column].any()
                outside += 1
                continue
            np.testing.assert_allclose(found[row, column], bilinear(picture, x, y), atol=0.51)
    assert outside < 24 * 20


def test_what_is_reduced_is_averaged() -> None:
    """Stripes of one pixel turn grey, where reading one pixel in six would give stripes again."""
    picture = np.zeros((300, 300, 3), np.uint8)
    picture[:, ::2] = 255
    found = warp(picture, turn(30, 1 / 6.3, 10, -5), 24, 24)
    skipped = [bilinear(picture, *source_place(turn(30, 1 / 6.3, 10, -5), column, 12))[0] for column in range(24)]
    assert np.ptp(skipped) > 100
    inside = found[8:16, 8:16].astype(int)
    assert abs(inside - 127.5).max() < 2


@pytest.mark.parametrize("scale", [0.07, 0.4, 0.99, 1.0, 3.0])
def test_a_slope_stays_where_it_was(scale: float) -> None:
    """Grey that grows by column and row is read back at each pixel's own place, reduced or not: nothing is shifted."""
    columns, rows = np.meshgrid(np.arange(400), np.arange(300))
    picture = np.repeat((columns * 0.4 + rows * 0.25).round().astype(np.uint8)[..., None], 3, axis=2)
    matrix = turn(10, scale, 0, 0)
    matrix[:, 2] = np.array([8, 6]) - matrix[:, :2] @ [200, 150]  # the middle to the middle
    found = warp(picture, matrix, 13, 17)
    compared = 0
    for row in range(13):
        for column in range(17):
            x, y = source_place(matrix, column, row)
            if 3 / scale < x < 399 - 3 / scale and 3 / scale < y < 299 - 3 / scale:
                assert found[row, column] == pytest.approx(np.full(3, x * 0.4 + y * 0.25), abs=1.1)
                compared += 1
    assert compared > 15


def test_without_a_turn_it_is_the_resize_used_everywhere() -> None:
    align = Alignment("arcface112")
    assert np.array_equal(align(noise(112, 112), "a", 112, 112), noise(112, 112))
    for picture, size in ((112, (160, 160)), (112, (112, 96)), (224, (112, 112)), (336, (112, 112))):
        difference = np.abs(
            align(noise(picture, picture), "a", *size).astype(int) - fit(noise(picture, picture), *size)
        )
        # Halves may be rounded either way.
        assert difference.max() <= 1 and difference.mean() < 0.05, size
    cut = align(noise(112, 112), "a", 112, 96)
    assert np.array_equal(cut, noise(112, 112)[:, 8:104])


@pytest.mark.parametrize("size", [(218, 178), (109, 89), (436, 356)])
def test_celebas_landmarks_come_to_arcfaces(size: tuple[int, int]) -> None:
    """A bright spot on each landmark, found again by its centre of mass."""
    for name, (x, y) in CELEBA.stretched(*size).items():
        rows, columns = np.mgrid[: size[0], : size[1]]
        spread = 4 * size[0] / 218
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
        picture = np.repeat((255 * spot).round().astype(np.uint8)[..., None], 3, axis=2)
        found = Alignment("celeba")(picture, "a", 112, 112)[..., 0].astype(float)
        rows, columns = np.mgrid[:112, :112]
        place = (columns * found).sum() / found.sum(), (rows * found).sum() / found.sum()
        matrix = similarity(CELEBA.points, ARCFACE.points)
        np.testing.assert_allclose(place, matrix @ (*CELEBA.points[name], 1), atol=0.05)
        np.testing.assert_allclose(place, ARCFACE.points[name], atol=2)


def test_celeba_as_the_crop_without_rotation() -> None:
    """A teacher that crops CelebA's own pictures sees nearly the same face."""
    from teachers.mobilefacenet_teacher import aligned_crop

    smooth = fit(noise(12, 10), 218, 178)
    cropped = Preprocess.imagenet(112, 96, crop=aligned_crop()).resize(torch.from_numpy(smooth).unsqueeze(0))[0].numpy()
    aligned = Alignment("celeba")(smooth, "a", 112, 96)
    assert np.abs(cropped.astype(int) - aligned).mean() < 2


def csv_of(path: Path, rows: dict[str, dict[str, Point]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        writer.writerows(
            [name, *(value for point in points.values() for value in point)] for name, points in rows.items()
        )
    return path


def test_landmarks_of_each_picture(tmp_path: Path) -> None:
    picture = noise(90, 120)
    places = {"a/1.jpg": turn(25, 0.4, 30, 10), "b/2.jpg": turn(-60, 0.3, 20, 60)}
    rows = {
        name: {point: tuple(matrix @ (*place, 1)) for point, place in ARCFACE.points.items()}
        for name, matrix in places.items()
    }
    align = Alignment(csv_of(tmp_path / "faces.csv", rows))
    for name, matrix in places.items():
        inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        difference = align(picture, name, 112, 112).astype(int) - warp(picture, inverse, 112, 112)
        assert np.abs(difference).max() <= 1
    with pytest.raises(BadPicture, match=r"c/3\.jpg: no landmarks \(no row in .*faces\.csv\)"):
        align(picture, "c/3.jpg", 112, 112)


def test_pictures_that_cannot_be_aligned(tmp_path: Path) -> None:
    with pytest.raises(BadPicture, match=r"not aligned to celeba \(120 x 120, expected the shape of 218 x 178"):
        Alignment("celeba")(noise(120, 120), "a", 112, 112)
    Alignment("celeba")(noise(55, 45), "a", 112, 112)  # a quarter, both sides rounded up
    far = {name: (x + 5000, y) for name, (x, y) in ARCFACE.points.items()}
    same = dict.fromkeys(ARCFACE.points, (3.0, 4.0))
    align = Alignment(csv_of(tmp_path / "faces.csv", {"far": far, "same": same}))
    with pytest.raises(BadPicture, match="far: its landmarks lie outside the picture"):
        align(noise(120, 120), "far", 112, 112)
    with pytest.raises(BadPicture, match="same: its landmarks lie on one place"):
        align(noise(120, 120), "same", 112, 112)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"faces\.csv:1: no column file, x1"),
        ("a.jpg,1,2,3,4,5,6,7,8,9,10\n", r"faces\.csv:1: no column file"),
        (f"{HEADER}\n", "no landmarks in it"),
        (f"{HEADER}\na.jpg,1,2,3\n", r"faces\.csv:2: .*expected a file and ten numbers"),
        (f"{HEADER}\na.jpg,1,2,3,4,5,6,7,8,9,ten\n", r"faces\.csv:2: .*'ten'"),
        (f"{HEADER}\na.jpg,1,2,3,4,5,6,7,8,9,nan\n", r"faces\.csv:2: .*'nan'"),
        (f"{HEADER}\n" + "a.jpg,1,2,3,4,5,6,7,8,9,10\n" * 2, r"faces\.csv:3: 'a\.jpg' has a row already"),
    ],
)
def test_a_file_that_is_no_list_of_landmarks(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "faces.csv").write_text(text)
    with pytest.raises(DistillError, match=reason):
        Alignment(tmp_path / "faces.csv")
    with pytest.raises(DistillError, match=r"nowhere\.csv: no such file"):
        Alignment(tmp_path / "nowhere.csv")


def test_prepare_aligns_once_and_names_who_has_no_landmarks(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    for number in range(4):
        Image.fromarray(noise(150, 130, number)).save(tmp_path / "in" / f"{number}.png")
    known = {f"{number}.png": {name: (x + number, y) for name, (x, y) in ARCFACE.points.items()} for number in range(3)}
    file = csv_of(tmp_path / "faces.csv", known)

    def run(align: Alignment | None) -> tuple[np.ndarray, str]:
        frame = Frame(112, 96, align=align)
        found = prepare(Folder(root=tmp_path / "in"), tmp_path / "set", frame, max_bad_share=0.5)
        return found.pictures.gather(np.arange(len(found))), (tmp_path / "set" / "ledger.csv").read_text()

    pictures, ledger = run(Alignment(file))
    assert len(pictures) == 3 and "3.png,no landmarks (no row in" in ledger
    for number in range(3):  # shifted by `number` columns, and cut to columns 8 to 104
        assert np.array_equal(pictures[number], noise(150, 130, number)[:112, 8 + number : 104 + number])
    known["3.png"] = dict(ARCFACE.points)
    csv_of(file, known)
    again, ledger = run(Alignment(file))
    assert len(again) == 4 and ledger.count("\n") == 1
    plain, _ = run(None)
    assert not np.array_equal(plain, again)
