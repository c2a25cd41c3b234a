"""Photographs and where they were taken, from a table and from EXIF; and everything that is no place."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from distill.data.sources.coordinates import Coordinates
from distill.data.sources.degrees import check_positions, degrees
from distill.data.sources.gps import gps_position
from distill.data.sources.source import Sample
from distill.errors import DistillError


def table(root: Path, rows: list[list[object]], header: str = "file,latitude,longitude") -> Path:
    for row in rows:
        Image.new("RGB", (8, 8)).save(root / str(row[0]))
    with (root / "photos.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return root / "photos.csv"


def many(count: int = 40) -> list[list[object]]:
    return [[f"{number}.png", -30 + number, 100 + number] for number in range(count)]


def listed(file: Path, **keys: object) -> list[Sample]:
    return list(Coordinates(csv=file, **keys).samples(8, 8))  # type: ignore[arg-type]


def message(file: Path, **keys: object) -> str:
    with pytest.raises(DistillError) as caught:
        listed(file, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_row_is_a_photograph_and_a_tenth_of_either_is_held_out(tmp_path: Path) -> None:
    samples = listed(table(tmp_path, many()))
    assert samples[3].targets == {"coordinates": (-27, 103)}
    splits = [sample.split for sample in samples]
    assert splits.count("validation") == 4 and splits.count("test") == 4
    assert [sample.split for sample in listed(tmp_path / "photos.csv")] == splits


def test_nobodys_photographs_are_in_two_parts(tmp_path: Path) -> None:
    rows = [[*row, f"author {number % 20}"] for number, row in enumerate(many())]
    samples = listed(table(tmp_path, rows, "file,lat,lng,user"))
    parts = {str(number): {samples[number].split, samples[number + 20].split} for number in range(20)}
    assert all(len(own) == 1 for own in parts.values()) and {"test"} in parts.values()


def test_parts_are_those_of_the_column(tmp_path: Path) -> None:
    rows = [[*row, "test" if number % 2 else "train", "anna"] for number, row in enumerate(many(8))]
    file = table(tmp_path, rows, "file,latitude,longitude,split,author")
    assert [sample.split for sample in listed(file)] == ["train", "test"] * 4
    assert "1 of 1 authors have photographs in several parts" in Coordinates(csv=file).remarks()[0]
    assert "Leave the shares out" in message(file, test=0.2)


def test_a_place_that_is_not_known_is_said_and_transferred_on(tmp_path: Path) -> None:
    rows = many()
    rows[0][1:], rows[1][1:], rows[2][1] = [0, 0], ["", ""], "nan"
    file = table(tmp_path, rows)
    samples = listed(file)
    assert [bool(sample.targets) for sample in samples[:4]] == [False, False, False, True]
    assert {sample.split for sample in samples[:3]} == {"train"}
    islands, unknown = Coordinates(csv=file).remarks()
    assert "1 rows say 0, 0" in islands and "3 of 40 photographs is not known" in unknown


@pytest.mark.parametrize(
    ("latitude", "longitude", "words"),
    [
        (91, 10, "1 latitudes beyond 90 degrees, the first in row 6: 91. Mend these rows"),
        (10, 200, "longitudes beyond 180 degrees, the first in row 6: 200. Mend"),
        ("48,2", 10, r"latitude is '48,2': a decimal comma"),
        ("48 N", 10, "degrees with a mark or a letter"),
        (10, "16°22'", "degrees with a mark or a letter"),
        ("north", 10, "expected decimal degrees"),
    ],
)
def test_what_is_no_place_is_named(tmp_path: Path, latitude: object, longitude: object, words: str) -> None:
    rows = many(10)
    rows[4][1:] = [latitude, longitude]
    rows[5][2] = -20
    assert words in message(table(tmp_path, rows))


def test_columns_exchanged_and_longitudes_of_a_whole_turn_are_told() -> None:
    swapped = [(151.2, -33.8), (16.4, 48.2)]
    with pytest.raises(DistillError, match="with the two columns exchanged"):
        check_positions(swapped, [2, 3], "x")
    with pytest.raises(DistillError, match="count from 0 to 360"):
        check_positions([(10.0, 350.0), (10.0, 20.0)], [2, 3], "x")


def test_degrees_as_people_write_them() -> None:
    assert degrees(" -33.85 ", "x") == -33.85 and degrees("+12", "x") == 12
    assert degrees("N/A", "x") is None and degrees(None, "x") is None and degrees(float("nan"), "x") is None
    with pytest.raises(DistillError, match="inf"):
        degrees("inf", "x")


def photograph(path: Path, position: tuple[float, float] | None, ends: str = "NE") -> None:
    exif = Image.Exif()
    if position is not None:
        tags = ExifTags.GPS
        parts = [(int(abs(value)), int(abs(value) * 60 % 60), abs(value) * 3600 % 60) for value in position]
        exif[ExifTags.IFD.GPSInfo] = {
            tags.GPSLatitudeRef: ends[0],
            tags.GPSLatitude: parts[0],
            tags.GPSLongitudeRef: ends[1],
            tags.GPSLongitude: parts[1],
        }
    noise = np.random.default_rng(abs(hash(path.name)) % 1000).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, exif=exif)


def test_positions_of_cameras(tmp_path: Path) -> None:
    photograph(tmp_path / "a.jpg", (33.8568, 151.2153), "SE")
    photograph(tmp_path / "b.jpg", None)
    photograph(tmp_path / "c.jpg", (0, 0))
    photograph(tmp_path / "d.jpg", (95, 10))
    position, _ = gps_position(tmp_path / "a.jpg")
    assert position == pytest.approx((-33.8568, 151.2153), abs=1e-5)
    reasons = [gps_position(tmp_path / f"{name}.jpg") for name in "bcd"]
    assert [at for at, _ in reasons] == [None] * 3
    assert [word in reason for word, (_, reason) in zip(("no GPS", "0, 0", "no place"), reasons, strict=True)] == [
        True
    ] * 3
    (tmp_path / "e.jpg").write_bytes(b"no picture")
    assert "cannot be read" in gps_position(tmp_path / "e.jpg")[1]


def test_photographs_without_a_position_are_for_the_ledger(tmp_path: Path) -> None:
    for number in range(20):
        photograph(tmp_path / f"{number:02d}.jpg", (10 + number, 20) if number % 4 else None)
    source = Coordinates(root=tmp_path)
    samples = list(source.samples(8, 8))
    assert sum(bool(sample.left_out) for sample in samples) == 5
    assert all(sample.split == "train" for sample in samples if sample.left_out)
    assert "5 of 20 photographs have no GPS" in source.remarks()[0]
    for file in tmp_path.iterdir():
        photograph(file, None)
    with pytest.raises(DistillError, match="none of the 20 photographs"):
        source.samples(8, 8)
