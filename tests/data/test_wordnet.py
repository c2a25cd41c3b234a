"""Classes of two sets meet by id, whatever their folders' order and spelling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.wordnet import match, relabel, without_id, wordnet_id
from distill.errors import DistillError
from tests.helpers.noise import Noise, prepare_noise

OURS = ("n02085620-Chihuahua", "n02085782-Japanese_spaniel", "n02087394-Rhodesian_ridgeback")
THEIRS = ("n02087394-Leao_da_rodesia", "n02099601", "n02085620-chihuahua")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("n02085620-Chihuahua", "n02085620"),
        ("n02085620", "n02085620"),
        ("n02085620_10074", "n02085620"),
        ("n020856201", None),
        ("n0208562-x", None),
        ("Chihuahua", None),
        ("x-n02085620", None),
    ],
)
def test_the_id_is_what_a_name_begins_with(name: str, found: str | None) -> None:
    assert wordnet_id(name) == found


def test_classes_are_matched_by_id_not_by_order_or_name() -> None:
    assert match(OURS, THEIRS, "web").tolist() == [2, -1, 0]
    assert match(THEIRS, OURS, "web").tolist() == [2, -1, 0]


def test_labels_by_one_list_become_labels_by_another() -> None:
    labels = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, -1, -1]], np.int8)
    found = relabel(labels, match(OURS, THEIRS, "web"), 3)
    assert found.dtype == np.int8
    assert found.tolist() == [[0, 0, 1], [-1, -1, -1], [1, 0, 0], [-1, -1, -1]]


def test_a_class_without_an_id_is_named() -> None:
    with pytest.raises(DistillError, match=r"web: 2 of 3 classes have no WordNet id: Beagle, Pug\. .*rename"):
        match(OURS, ("Beagle", "n02085620-Chihuahua", "Pug"), "web")
    with pytest.raises(DistillError, match=r"data: 1 of 2 classes have no WordNet id: Pug"):
        match(("n02085620-Chihuahua", "Pug"), OURS, "web")


def test_two_classes_of_one_id_are_named() -> None:
    with pytest.raises(DistillError, match=r"web: .*n02085620-Chihuahua, n02085620\. Expected one class an id"):
        match(OURS, ("n02085620-Chihuahua", "n02085620", "n02099601"), "web")


def one_hot(place: Path, seed: int, classes: tuple[str, ...]) -> Prepared:
    """Six pictures, the first of each class in turn, the last of none known."""
    prepared = prepare_noise(place, Noise(seed, (("train", 6),), classes))
    labels = np.eye(len(classes), dtype=np.int8)[np.arange(6) % len(classes)]
    labels[5] = -1
    return replace(prepared, targets={**prepared.targets, "labels": labels})


def test_the_pictures_of_two_sets_have_labels_of_the_first(tmp_path: Path) -> None:
    first, second = one_hot(tmp_path / "a", 1, OURS), one_hot(tmp_path / "b", 2, THEIRS)
    pictures = Pictures.of(first, "train", [second])
    assert pictures.labels.argmax(axis=1)[[0, 1, 2, 3, 4]].tolist() == [0, 1, 2, 0, 1]
    assert pictures.labels[6:].tolist() == [[0, 0, 1], [-1] * 3, [1, 0, 0], [0, 0, 1], [-1] * 3, [-1] * 3]
    assert pictures.of_no_class == 2
    alone = Pictures((second,), (second.indices("train"),), OURS)
    assert np.array_equal(alone.labels, pictures.labels[6:]) and alone.of_no_class == 2


def test_where_there_are_no_ids_names_tell(tmp_path: Path) -> None:
    first = one_hot(tmp_path / "a", 1, ("oak", "ash", "elm"))
    second = one_hot(tmp_path / "b", 2, ("elm", "yew", "oak"))
    pictures = Pictures.of(first, "train", [second])
    assert pictures.labels[6:].tolist() == [[0, 0, 1], [-1] * 3, [1, 0, 0], [0, 0, 1], [-1] * 3, [-1] * 3]


def test_a_set_that_names_no_ids_is_unlabelled_and_one_that_names_some_is_refused(tmp_path: Path) -> None:
    first = one_hot(tmp_path / "a", 1, OURS)
    plain = one_hot(tmp_path / "b", 2, ("Beagle", "Chihuahua", "Pug"))
    assert (Pictures.of(first, "train", [plain]).labels[6:] == -1).all()
    mixed = one_hot(tmp_path / "c", 3, ("n02085620-Chihuahua", "Pug"))
    with pytest.raises(DistillError, match=r"c: 1 of 2 classes have no WordNet id: Pug"):
        _ = Pictures.of(first, "train", [mixed]).labels
    assert Pictures.of(plain, "train").of_no_class == 0


def test_names_without_their_ids() -> None:
    names = ["n02085620-Chihuahua", "n02085620 Chihuahua dog", "n02085620", "n02085620-", "Bald", "n02085620x-dog"]
    assert [without_id(name) for name in names] == [
        "Chihuahua",
        "Chihuahua dog",
        "n02085620",
        "n02085620-",
        "Bald",
        "n02085620x-dog",
    ]
