"""Which pictures are shown: each class in turn, four of a person, and all where nothing is set apart for tests."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from distill.data.sources.source import Sample, Split
from distill.inspection.sample import EACH, Sampled

PIXELS = np.zeros((2, 2, 3), np.uint8)


@dataclass(frozen=True)
class Listed:
    """A source of samples that are given."""

    listed: tuple[Sample, ...]
    name: str = "listed"

    def classes(self) -> tuple[str, ...]:
        return ("a", "b", "c")

    def samples(self, height: int, width: int) -> Iterable[Sample]:
        return self.listed


def one_hot(number: int) -> tuple[int, ...]:
    return tuple(int(number == c) for c in range(3))


def test_classes_are_taken_in_turn_whatever_their_sizes() -> None:
    sizes, split = (50, 9, 6), "test"
    listed = tuple(Sample(f"{c}-{k}", PIXELS, one_hot(c), split="test") for c, n in enumerate(sizes) for k in range(n))
    shown = Sampled(Listed(listed), 20, seed=0).samples(2, 2)
    assert Counter(sample.labels.index(1) for sample in shown) == {0: 7, 1: 7, 2: 6}
    assert {sample.split for sample in shown} == {split}


def test_another_seed_shows_others_and_the_order_of_listing_does_not_matter() -> None:
    listed = tuple(Sample(str(k), PIXELS, one_hot(k % 3), split="test") for k in range(60))
    names = [s.name for s in Sampled(Listed(listed), 12, seed=0).samples(2, 2)]
    assert names == [s.name for s in Sampled(Listed(listed[::-1]), 12, seed=0).samples(2, 2)]
    assert names != [s.name for s in Sampled(Listed(listed), 12, seed=1).samples(2, 2)]


def test_of_people_at_most_four_pictures_and_those_of_one_last() -> None:
    listed = tuple(
        Sample(f"{person}-{k}", PIXELS, identity=person) for person in range(30) for k in range(1 if person < 10 else 6)
    )
    sampled = Sampled(Listed(listed), 60, seed=0).samples(2, 2)
    shown = [sample for sample in sampled if sample.split == "test"]
    counts = Counter(sample.identity for sample in shown)
    assert len(shown) == 60 and set(counts.values()) == {EACH} and min(counts) >= 10
    beside = {sample.identity for sample in sampled if sample.split == "train"}
    assert beside and not beside & set(counts)  # a person is in one part alone


def test_parts_keep_their_use() -> None:
    splits: tuple[Split, ...] = ("train", "validation", "test")
    listed = tuple(Sample(f"{split}-{k}", PIXELS, one_hot(k % 3), split=split) for split in splits for k in range(40))
    counts = Counter(sample.split for sample in Sampled(Listed(listed), 10, seed=0).samples(2, 2))
    assert counts == {"test": 10, "validation": 10, "train": 16}
    shown = [s.name for s in Sampled(Listed(listed), 10, seed=0).samples(2, 2) if s.split == "test"]
    assert all(name.startswith("train-") for name in shown)  # no test picture has a say


def test_where_the_training_part_has_no_labels_others_are_shown() -> None:
    plain = tuple(Sample(f"train-{k}", PIXELS, (-1, -1, -1), split="train") for k in range(40))
    tests = tuple(Sample(f"test-{k}", PIXELS, one_hot(k % 3), split="test") for k in range(40))
    shown = [s.name for s in Sampled(Listed((*plain, *tests)), 10, seed=0).samples(2, 2) if s.split == "test"]
    assert len(shown) == 10 and all(name.startswith("test-") for name in shown)
