import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.degrees import COORDINATES
from distill.data.sources.hub import Hub
from distill.data.sources.source import Sample
from distill.errors import DistillError
from tests.helpers.noise import every


@pytest.fixture(autouse=True)
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (6, 5, 3), dtype=np.uint8)


def png(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(seed)).save(file, "PNG")
    return file.getvalue()


COLUMNS = {
    "Male": [True, False, None, True],
    "Bald": [1, 0, 0, None],
    "Smiling": [-1, 1, -1, 1],
    "Young": [1.0, 0.0, None, 1.0],
    "person": [7, 7, None, 2**40],
}
LABELS = {"Male": [1, 0, -1, 1], "Bald": [1, 0, 0, -1], "Smiling": [0, 1, 0, 1], "Young": [1, 0, -1, 1]}


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    root = tmp_path / "parquet"
    root.mkdir()
    for start, split in enumerate(("train", "test")):
        pictures = [{"bytes": png(10 * start + n), "path": None} for n in range(4)]
        pq.write_table(pa.table({"photo": pictures, **COLUMNS}), root / f"{split}.parquet")
    return root


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for start, split in enumerate(("train", "test")):
        for place, kind in enumerate(("bald", "hairy")):
            directory = root / split / kind
            directory.mkdir(parents=True)
            for n in range(2):
                (directory / f"{n}.png").write_bytes(png(10 * start + 4 * place + n))
    return root


def listed(source: Hub) -> list[Sample]:
    return list(source.samples(6, 5))


@pytest.mark.parametrize("streaming", [False, True])
def test_parquet_gives_encoded_pictures_labels_and_people(parquet: Path, streaming: bool) -> None:
    source = Hub(
        path=str(parquet), image="photo", attributes=tuple(LABELS), identity="person", test="test", streaming=streaming
    )
    samples = listed(source)
    assert source.classes() == tuple(LABELS)
    assert [sample.picture for sample in samples] == [png(n) for n in (0, 1, 2, 3, 10, 11, 12, 13)]
    assert [sample.labels for sample in samples] == list(zip(*LABELS.values(), strict=True)) * 2
    assert [sample.identity for sample in samples] == [7, 7, -1, 2**40] * 2
    assert [sample.split for sample in samples] == ["train"] * 4 + ["test"] * 4
    assert [sample.name for sample in samples][3:5] == ["train/3", "test/0"]


def located_set(place: Path, latitudes: list[Any], longitudes: list[Any]) -> Hub:
    """A set of pictures with two columns, and the source of it."""
    place.mkdir(exist_ok=True)
    pictures = [{"bytes": png(n), "path": None} for n in range(len(latitudes))]
    pq.write_table(pa.table({"image": pictures, "lat": latitudes, "lon": longitudes}), place / "train.parquet")
    return Hub(path=str(place), coordinates=("lat", "lon"))


@pytest.mark.parametrize("streaming", [False, True])
def test_two_columns_of_coordinates_give_places(tmp_path: Path, streaming: bool) -> None:
    source = located_set(tmp_path / "set", [48.25, None, 0.0, -33.5, 10.0], [16.5, 8.0, 0.0, 151.25, None])
    samples = listed(replace(source, streaming=streaming))
    assert source.columns() == (COORDINATES,)
    known = {"train/0": (48.25, 16.5), "train/3": (-33.5, 151.25)}  # of the others a number lacks, or both are 0
    assert [sample.picture for sample in samples] == [png(n) for n in range(5)]
    assert {sample.name: sample.targets["coordinates"] for sample in samples if sample.targets} == known
    prepared = prepare(replace(source, streaming=streaming), tmp_path / "prepared", Frame(6, 5))
    of = dict(zip(prepared.names, prepared.targets["coordinates"].tolist(), strict=True))
    assert {name: tuple(place) for name, place in of.items() if name in known} == known
    assert len(of) == 5 and np.isnan([place for name, place in of.items() if name not in known]).all()


@pytest.mark.parametrize(
    ("latitudes", "longitudes", "words"),
    [
        ([48.2, 91.0], [16.4, 100.0], r"1 latitudes beyond 90 degrees, the first in row 1: 91\. Mend"),
        ([151.2, 16.4], [-33.8, 48.2], "with the two columns exchanged"),
        ([48.2, 48.2], [16.4, 350.0], "They seem to count from 0 to 360"),
        (["48,2", "48.2"], ["16.4", "16.4"], r"row 0 of train: lat is '48,2': a decimal comma"),
        (["48.2", "48.2"], ["16.4", "16.4 E"], r"row 1 of train: lon is '16\.4 E': degrees with a mark or a letter"),
    ],
)
def test_what_is_no_place_in_two_columns_is_named(
    tmp_path: Path, latitudes: list[Any], longitudes: list[Any], words: str
) -> None:
    with pytest.raises(DistillError, match=rf"^coordinates: .*{words}"):
        listed(located_set(tmp_path / "set", latitudes, longitudes))


def test_a_column_of_coordinates_that_is_not_there_is_named(tmp_path: Path) -> None:
    source = replace(located_set(tmp_path / "set", [48.2], [16.4]), coordinates=("lat", "lng"))
    with pytest.raises(DistillError, match=r"^coordinates: .* has no column 'lng', only image, lat, lon"):
        listed(source)


def objects_set(place: Path, objects: list[Any], feature: Any, split: str = "train") -> Path:
    """Parquet files of pictures of 5 x 6 pixels with a column of objects, as `datasets` writes them."""
    features = datasets.Features({"image": datasets.Image(), "objects": feature})
    rows = {"image": [{"bytes": png(n), "path": None} for n in range(len(objects))], "objects": objects}
    place.mkdir(exist_ok=True)
    datasets.Dataset.from_dict(rows, features=features).to_parquet(place / f"{split}.parquet")
    return place


LIST, NUMBERS = datasets.List, datasets.List(datasets.Value("float32"))
NAMED = datasets.ClassLabel(names=["cup", "jar"])


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("listed_objects", [False, True])
def test_a_column_of_objects_gives_boxes(tmp_path: Path, listed_objects: bool, streaming: bool) -> None:
    two, none = {"bbox": [[1, 0.5, 2, 3], [0, 0, 5, 6]], "category": [1, 0]}, {"bbox": [], "category": []}
    rows, feature = [two, none, None], {"bbox": LIST(NUMBERS), "category": LIST(NAMED)}
    if listed_objects:
        rows = [[{"bbox": [1, 0.5, 2, 3], "category": 1}, {"bbox": [0, 0, 5, 6], "category": 0}], [], None]
        feature = LIST({"bbox": NUMBERS, "category": NAMED})
    source = Hub(path=str(objects_set(tmp_path / "set", rows, feature)), objects="objects", streaming=streaming)
    assert source.classes() == ("cup", "jar")
    first, empty, unknown = listed(source)
    assert first.targets["boxes"].tolist() == [[1, 0.5, 3, 3.5], [0, 0, 5, 6]]
    assert first.targets["box_classes"].tolist() == [1, 0] and first.labels == (1, 1)
    assert first.size == first.targets["picture_size"] == (6, 5) and first.targets["box_ignored"].tolist() == [0, 0]
    assert empty.labels == (0, 0) and len(empty.targets["boxes"]) == 0
    if not unknown.targets:  # nobody looked; `datasets` reads objects of lists back as empty ones
        assert unknown.labels == ()
    assert [column.name for column in source.columns()] == list(first.targets)
    assert not Hub(path=source.path).columns()


def test_numbers_and_words_are_classes_too(tmp_path: Path) -> None:
    rows = [[{"bbox": [1, 1, 2, 2], "label": 10, "iscrowd": 1}, {"bbox": [1, 1, 2, 2], "label": 9, "iscrowd": 0}]]
    feature = LIST({"bbox": NUMBERS, "label": datasets.Value("int64"), "iscrowd": datasets.Value("int8")})
    objects_set(tmp_path / "numbers", [[{"bbox": [1, 1, 2, 2], "label": 2, "iscrowd": 0}]], feature, "test")
    source = Hub(path=str(objects_set(tmp_path / "numbers", rows, feature)), objects="objects", test="test")
    assert source.classes() == ("2", "9", "10")
    first, second = listed(source)
    assert first.targets["box_classes"].tolist() == [2, 1] and second.targets["box_classes"].tolist() == [0]
    assert first.targets["box_ignored"].tolist() == [1, 0] and first.labels == (0, 1, 0)
    words = LIST({"bbox": NUMBERS, "category": datasets.Value("string")})
    source = Hub(
        path=str(objects_set(tmp_path / "words", [[{"bbox": [4, 1, 2, 2], "category": "jar"}]], words)),
        objects="objects",
    )
    assert source.classes() == ("jar",)
    assert listed(source)[0].targets["boxes"].tolist() == [[4, 1, 5, 3]]  # a pixel too far is cut


@pytest.mark.parametrize(
    ("objects", "match"),
    [
        ([[{"bbox": [1, 1, 2], "category": 0}]], r"row 0 of train: bbox is \[1\.0, 1\.0, 2\.0\], expected left, top"),
        ([[], [{"bbox": None, "category": 0}]], r"row 1 of train: bbox is None, expected left"),
        ([[{"bbox": [1, 1, 2, 2], "category": -1}]], r"row 0 of train: category is -1, expected one of 2 classes"),
        ([[{"bbox": [1, 1, 2, 2], "category": None}]], r"row 0 of train: category is None, expected one of 2 classes"),
    ],
)
def test_what_is_no_object_is_named(tmp_path: Path, objects: list[Any], match: str) -> None:
    place = objects_set(tmp_path / "set", objects, LIST({"bbox": NUMBERS, "category": NAMED}))
    with pytest.raises(DistillError, match=match):
        listed(Hub(path=str(place), objects="objects"))


def test_what_is_no_column_of_objects_is_named(tmp_path: Path, parquet: Path) -> None:
    with pytest.raises(DistillError, match=r"objects: the column Male is .*bool.*, expected a list of objects"):
        Hub(path=str(parquet), image="photo", objects="Male").classes()
    with pytest.raises(DistillError, match=r"objects: .* has no column 'things', only photo, Male"):
        listed(Hub(path=str(parquet), image="photo", objects="things"))
    with pytest.raises(DistillError, match=r"objects is o, and label or attributes too; give one"):
        Hub(path="x", objects="o", label="l")
    kindless = objects_set(tmp_path / "set", [[{"bbox": [1, 1, 2, 2]}]], LIST({"bbox": NUMBERS}))
    with pytest.raises(DistillError, match=r"objects: the column objects has bbox, expected a list of objects"):
        Hub(path=str(kindless), objects="objects").classes()


def test_splits_of_other_classes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(*names: str) -> datasets.Dataset:
        feature = LIST({"bbox": NUMBERS, "category": datasets.ClassLabel(names=list(names))})
        return datasets.Dataset.from_dict({"objects": [[]]}, features=datasets.Features({"objects": feature}))

    monkeypatch.setattr(Hub, "_splits", lambda _: {"train": rows("cup", "jar"), "test": rows("jar", "cup")})
    with pytest.raises(DistillError, match=r"objects: the splits of x have other classes, or in another order"):
        Hub(path="x", objects="objects").classes()


def test_split_names_are_keys(parquet: Path) -> None:
    samples = listed(Hub(path=str(parquet), image="photo", train=None, validation="test"))
    assert [(sample.split, sample.labels) for sample in samples] == [("validation", ())] * 4


@pytest.mark.parametrize("streaming", [False, True])
def test_pictures_in_folders_are_listed_as_files(pictures: Path, streaming: bool) -> None:
    samples = listed(Hub(path=str(pictures), attributes=("label",), test="test", streaming=streaming))
    names = [f"{split}/{kind}/{n}.png" for split in ("train", "test") for kind in ("bald", "hairy") for n in range(2)]
    assert [sample.name for sample in samples] == names
    assert [sample.picture for sample in samples] == [pictures / name for name in names]
    assert [sample.labels for sample in samples] == [(0,), (0,), (1,), (1,)] * 2


def test_a_relative_path_lists_the_same_files(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures.parent)
    assert listed(Hub(path="pictures")) == listed(Hub(path=str(pictures)))


def test_metadata_beside_pictures_holds_labels(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.png").write_bytes(png(n))
    rows = [json.dumps({"file_name": f"{n}.png", "Male": n == 1, "celeb_id": n + 5}) for n in range(3)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(rows))
    samples = listed(Hub(path=str(tmp_path), attributes=("Male",), identity="celeb_id"))
    assert [(sample.labels, sample.identity) for sample in samples] == [((0,), 5), ((1,), 6), ((0,), 7)]


def test_a_blank_in_metadata_csv_is_unknown(tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"{n}.png").write_bytes(png(n))
    (tmp_path / "metadata.csv").write_text("file_name,Male,celeb_id\n0.png,1,5\n1.png,,\n2.png,0,7\n")
    samples = listed(Hub(path=str(tmp_path), attributes=("Male",), identity="celeb_id"))
    assert [(sample.labels, sample.identity) for sample in samples] == [((1,), 5), ((-1,), -1), ((0,), 7)]


def test_a_stream_reads_pictures_inside_an_archive(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    root.mkdir()
    with zipfile.ZipFile(root / "train.zip", "w") as archive:
        for n in range(3):
            archive.writestr(f"{n}.png", png(n))
    samples = listed(Hub(path=str(root), streaming=True))
    assert [sample.picture for sample in samples] == [png(n) for n in range(3)]


def test_streaming_prepares_the_same_set(parquet: Path, tmp_path: Path) -> None:
    keys = {"path": str(parquet), "image": "photo", "attributes": ("Male", "Bald"), "test": "test"}
    sets = [
        prepare(Hub(**keys, streaming=streaming), tmp_path / f"{streaming}", Frame(6, 5)) for streaming in (False, True)
    ]
    assert sets[0].fingerprint == sets[1].fingerprint and sets[0].names == sets[1].names
    assert np.array_equal(every(sets[0]), every(sets[1]))
    assert np.array_equal(every(sets[0])[4], pixels(10))


@pytest.mark.parametrize("streaming", [False, True])
def test_a_changed_file_is_noticed(parquet: Path, tmp_path: Path, streaming: bool) -> None:
    source = Hub(path=str(parquet), image="photo", streaming=streaming)
    state = source.state()
    assert source.state() == state
    prepare(source, tmp_path / "set", Frame(6, 5))
    changed = [{"bytes": png(n), "path": None} for n in (70, 71, 72)]
    pq.write_table(pa.table({"photo": changed}), parquet / "train.parquet")
    pq.write_table(pa.table({"photo": changed}), parquet / "test.parquet")
    assert source.state() != state
    found = prepare(source, tmp_path / "set", Frame(6, 5))
    assert np.array_equal(every(found), [pixels(n) for n in (70, 71, 72)])


def test_a_row_without_a_picture_is_bad_not_skipped(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    stored = [{"bytes": png(0), "path": None}, {"bytes": b"", "path": None}, {"bytes": None, "path": None}, None]
    pq.write_table(pa.table({"image": stored}), root / "train.parquet")
    found = prepare(Hub(path=str(root)), tmp_path / "out", Frame(6, 5), max_bad_share=0.8)
    assert found.names == ["train/0"]
    expected = "name,reason\ntrain/1,empty\ntrain/2,empty\ntrain/3,empty\n"
    assert (tmp_path / "out" / "ledger.csv").read_text() == expected


def test_minus_one_of_an_enumeration_is_unknown(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "bald": datasets.ClassLabel(names=["no", "yes"])})
    rows = {"image": [{"bytes": png(n), "path": None} for n in range(3)], "bald": [-1, 0, 1]}
    datasets.Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "train.parquet")
    assert [sample.labels for sample in listed(Hub(path=str(tmp_path), attributes=("bald",)))] == [(-1,), (0,), (1,)]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (
            {"image": "picture"},
            r"image: .* has no column 'picture', only photo, Male, Bald, Smiling, Young, person",
        ),
        ({"attributes": ("Male", "Bold")}, r"attributes: .* has no column 'Bold', only photo, Male"),
        ({"identity": "celeb_id"}, r"identity: .* has no column 'celeb_id', only photo"),
        ({"validation": "valid"}, r"validation: .* has no split 'valid', only .*train"),
        ({"attributes": ("person",)}, r"attributes: .*, row 0 of train: person is 7, expected a boolean"),
        ({"identity": "Male"}, r"identity: .*, row 0 of train: Male is True, expected a whole number"),
    ],
)
def test_wrong_columns_and_splits_list_the_valid_ones(parquet: Path, streaming: bool, keys: dict, message: str) -> None:
    with pytest.raises(DistillError, match=message):
        listed(Hub(**{"path": str(parquet), "image": "photo", "streaming": streaming, **keys}))


def test_a_column_of_no_pictures_is_refused(parquet: Path) -> None:
    with pytest.raises(DistillError, match=r"path: .*parquet cannot be loaded"):
        listed(Hub(path=str(parquet), image="Young"))


@pytest.mark.parametrize("streaming", [False, True])
def test_without_a_network_a_hub_name_says_what_to_do(tmp_path: Path, streaming: bool) -> None:
    source = Hub(path="nobody/no-such-set", streaming=streaming)
    expected = r"path: nobody/no-such-set cannot be loaded \(ConnectionError: .*to_parquet.*HF_HUB_OFFLINE=1"
    with pytest.raises(DistillError, match=expected):
        listed(source)
    with pytest.raises(DistillError, match=expected):
        prepare(source, tmp_path / "set", Frame(6, 5))
    assert not (tmp_path / "set").exists()


def test_a_missing_or_damaged_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"path: not set"):
        listed(Hub())
    with pytest.raises(DistillError, match=r"path: .*nowhere is not a directory"):
        listed(Hub(path=str(tmp_path / "nowhere")))
    root = tmp_path / "damaged"
    root.mkdir()
    (root / "train.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DistillError, match=r"path: .*damaged cannot be loaded"):
        listed(Hub(path=str(root)))
    with pytest.raises(DistillError, match=r"path: .*damaged cannot be loaded"):
        prepare(Hub(path=str(root), streaming=True), tmp_path / "set", Frame(6, 5))
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("streaming", [False, True])
def test_a_column_of_classes_gives_one_of_them_each(tmp_path: Path, streaming: bool) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["pug", "beagle"])})
    rows = {"image": [{"bytes": png(n), "path": None} for n in range(4)], "label": [1, 0, None, 1]}
    (tmp_path / "set").mkdir()
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "set" / "train.parquet")
    source = Hub(path=str(tmp_path / "set"), label="label", streaming=streaming)
    assert source.classes() == ("pug", "beagle")
    assert [sample.labels for sample in listed(source)] == [(0, 1), (1, 0), (-1, -1), (0, 1)]


def test_folders_of_pictures_are_classes(pictures: Path) -> None:
    source = Hub(path=str(pictures), label="label", test="test")
    assert source.classes() == ("bald", "hairy")
    samples = listed(source)
    assert len(samples) == 8
    for sample in samples:
        assert sample.labels == ((1, 0) if "bald" in sample.name else (0, 1)) and sample.name.startswith(sample.split)


def test_a_column_that_is_no_enumeration_is_no_class(parquet: Path) -> None:
    with pytest.raises(DistillError, match=r"label: the column 'Bald' .*expected an enumeration.*class_encode_column"):
        Hub(path=str(parquet), image="photo", label="Bald").classes()
    with pytest.raises(DistillError, match=r"label: the column 'breed' .* is not there.*photo, Male"):
        Hub(path=str(parquet), image="photo", label="breed").classes()
    with pytest.raises(DistillError, match=r"^label is breed and attributes \['Male'\]"):
        Hub(label="breed", attributes=("Male",))
