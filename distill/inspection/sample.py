"""Some pictures of a source, enough to tell hypotheses apart and few enough to be shown many times."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from distill.data.sources.source import SPLITS, Remarked, Sample, Source, Split, Targeted
from distill.data.targets import Column

EACH = 4
"""Pictures of a person: pairs need two, and many people tell more than many pictures of one."""
_BESIDE = 16  # training pictures, of which a task wants some


@dataclass(frozen=True)
class Sampled:
    """As many pictures as are asked for as its test part, as many to validate on, and a few to train on.

    Training pictures are shown, where enough of them are labelled, so that no test picture has a say in what is chosen:
    a black box was trained on neither. Classes are taken in turn, so that each is shown; of people four pictures each.

    Attributes:
        count: pictures shown, and validation pictures, at most.
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

    def remarks(self) -> tuple[str, ...]:
        return self.source.remarks() if isinstance(self.source, Remarked) else ()

    def samples(self, height: int, width: int) -> list[Sample]:
        listed = self._in_order(self.source.samples(height, width))
        known = [sample for sample in listed if sample.identity >= 0 or 1 in sample.labels]
        shown: list[Sample] = []
        for split in SPLITS:
            part = [sample for sample in known or listed if sample.split == split]
            shown += _in_turn(part)[: self.count - len(shown)]
        names, people = {sample.name for sample in shown}, {sample.identity for sample in shown} - {-1}
        # A person is in one part alone.
        rest = [one for one in listed if one.name not in names and one.identity not in people]
        beside: dict[Split, int] = {"validation": self.count, "train": _BESIDE}
        others = [
            sample for split, most in beside.items() for sample in [one for one in rest if one.split == split][:most]
        ]
        return [*(replace(sample, split="test") for sample in shown), *others]

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
