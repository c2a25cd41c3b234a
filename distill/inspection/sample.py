"""Some pictures of a source, enough to tell hypotheses apart and few enough to be shown many times."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from distill.data.sources.source import Sample, Source, Split, Targeted
from distill.data.targets import Column

EACH = 4
"""Pictures of a person: pairs need two, and many people tell more than many pictures of one."""
_BESIDE = 16  # training pictures, of which a task wants some


@dataclass(frozen=True)
class Sampled:
    """As many test and validation pictures as are asked for, and a few to train on.

    Classes are taken in turn, so that each is shown; of people four pictures each. Where a source has no test
    pictures, or nothing is known of any, all that it has count as test.

    Attributes:
        count: test pictures, and validation pictures, at most.
    """

    source: Source
    count: int
    seed: int

    @property
    def name(self) -> str:
        return self.source.name

    def classes(self) -> tuple[str, ...]:
        return self.source.classes()

    def columns(self) -> tuple[Column, ...]:
        return self.source.columns() if isinstance(self.source, Targeted) else ()

    def samples(self, height: int, width: int) -> list[Sample]:
        listed = self._in_order(self.source.samples(height, width))
        if not any(sample.split == "test" for sample in listed):
            listed = [replace(sample, split="test") for sample in listed]
        wanted: dict[Split, int] = {"test": self.count, "validation": self.count, "train": _BESIDE}
        parts = {split: [sample for sample in listed if sample.split == split] for split in wanted}
        return [sample for split, some in parts.items() for sample in _in_turn(some)[: wanted[split]]]

    def _in_order(self, samples: Iterable[Sample]) -> list[Sample]:
        """By a hash of their names, which no order of listing is in."""
        return sorted(samples, key=lambda s: hashlib.blake2b(f"{self.seed} {s.name}".encode(), digest_size=8).digest())


def _in_turn(samples: Sequence[Sample]) -> list[Sample]:
    """The first of each class, then the second of each; of people, up to four of one and then of the next."""
    people = [sample for sample in samples if sample.identity >= 0]
    if people:
        numbers = {person: number for number, person in enumerate(dict.fromkeys(s.identity for s in people))}
        counts = Counter(sample.identity for sample in people)
        return _capped(sorted(people, key=lambda s: (counts[s.identity] < 2, numbers[s.identity])))
    seen: Counter[tuple[int, ...]] = Counter()
    ranked = []
    for place, sample in enumerate(samples):
        ranked.append((seen[sample.labels], place, sample))
        seen[sample.labels] += 1
    return [sample for *_, sample in sorted(ranked, key=lambda one: one[:2])]


def _capped(people: Sequence[Sample]) -> list[Sample]:
    seen: Counter[int] = Counter()
    kept = []
    for sample in people:
        if seen[sample.identity] < EACH:
            kept.append(sample)
        seen[sample.identity] += 1
    return kept
