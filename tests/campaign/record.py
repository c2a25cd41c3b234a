"""What trials found: a line of JSON each, which add up over runs, and a summary for people."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Of one trial.

    Attributes:
        kind: of the campaign: kills, faults, bits or fuzz.
        seed, number: with which it is drawn again.
        what: was done, in a few words; the same words are the same sort of trial.
        count: disturbances that took place: kills, faults, damaged files or inputs.
        fault: what was wrong, in a few words; None where all was as it must be.
        detail: what there is to see, and to do again.
        notes: of what is no fault, by name.
    """

    kind: str
    seed: int
    number: int
    what: str
    count: int = 1
    fault: str | None = None
    detail: str = ""
    notes: dict[str, Any] = field(default_factory=dict)


class Record:
    """Keeps outcomes in a file, and adds them up.

    Args:
        file: of JSON lines; what is there already is of earlier runs.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.outcomes: list[Outcome] = []

    def add(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        line = {**asdict(outcome), "date": time.strftime("%Y-%m-%d %H:%M")}
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: value for key, value in line.items() if value not in (None, "", {})}) + "\n")

    def next(self, kind: str, seed: int) -> int:
        """The first number that no earlier run of this seed has drawn."""
        return 1 + max(
            (one["number"] for one in lines(self.file) if (one["kind"], one["seed"]) == (kind, seed)), default=-1
        )


def lines(file: Path) -> list[dict[str, Any]]:
    """The outcomes of all runs; one that was drawn twice counts as the later."""
    if not file.exists():
        return []
    found = (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    return list({(one["kind"], one["seed"], one["number"]): one for one in found}.values())


def summary(outcomes: Iterable[Outcome]) -> str:
    """Counts of each sort of trial, and the first of each kind that failed."""
    trials, disturbances, notes = Counter[str](), Counter[str](), Counter[str]()
    faults: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        trials[outcome.what] += 1
        disturbances[outcome.what] += outcome.count
        notes.update({name: int(value) for name, value in outcome.notes.items()})
        if outcome.fault is not None:
            faults.setdefault(outcome.fault, []).append(outcome)
    width = max(map(len, trials), default=0)
    text = [f"{what:<{width}}  {trials[what]:>7,} trials  {disturbances[what]:>9,}" for what in sorted(trials)]
    text.append(f"{'all':<{width}}  {trials.total():>7,} trials  {disturbances.total():>9,}")
    text += [f"{name}: {count:,}" for name, count in sorted(notes.items())]
    for fault, failed in sorted(faults.items(), key=lambda item: -len(item[1])):
        first = failed[0]
        text.append(f"FAILED {len(failed)} times: {fault}")
        text.append(f"  first: {first.what}, --seed {first.seed} --only {first.number}: {first.detail}"[:1500])
    if not faults:
        text.append("nothing failed")
    return "\n".join(text)
