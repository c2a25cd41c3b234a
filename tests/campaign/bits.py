"""A file that is damaged: a bit flipped, a byte lost, or emptied; then a command that may read it.

What is damaged is noticed and named, or written again as it was, or never needed: no file that comes of it differs, and
it is not left damaged, but for files that are for people.
"""

import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.campaign.for_people import is_for_people
from tests.campaign.record import Outcome
from tests.campaign.scenarios import Scenario, Stage, run
from tests.campaign.server import Ended
from tests.campaign.trees import differences, tree_of

ROUNDS = 20
_SILENT = "left damaged in silence"


@dataclass(frozen=True)
class Target:
    """Files that are damaged, and the command that follows.

    Attributes:
        begun: the scenario whose result they are of; damaged is what it wrote in `folder`.
        then: the scenario whose command follows, and what that leaves undisturbed.
    """

    begun: str
    folder: str
    then: str

    @property
    def name(self) -> str:
        return f"{self.folder}/ of {self.begun}, then {self.then}"


TARGETS = (
    Target("run", "run", "run"),
    Target("store", "store", "store"),
    Target("taught", "taught", "longer"),
    Target("store", "store", "store-more"),
    Target("store", "store", "stored"),
    Target("run", "run", "export"),
)
WAYS = ("bit flipped", "byte lost", "emptied")


class Bits:
    """Trials by number: a bit of every file, five times; then a byte, and all; then bits and bytes in turn."""

    kind = "bits"

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.seed = stage, seed
        wanted = {one.name for one in stage.chosen}
        files = [
            (target, name)
            for target in TARGETS
            if {target.begun, target.then} <= wanted
            for name in sorted(stage.all[target.begun].tree)
            if name.startswith(f"{target.folder}/") and (stage.reference(target.begun) / name).is_file()
        ]
        ways = [WAYS[0]] * 5 + list(WAYS[1:]) + list(WAYS[:2]) * ROUNDS
        self.trials = [(*file, way) for way in ways for file in files]

    def __len__(self) -> int:
        return len(self.trials)

    def trial(self, number: int) -> Outcome:
        target, name, way = self.trials[number]
        rng = random.Random(f"{self.seed} bits {number}")
        scenario, place = self.stage.all[target.then], self.stage.trial()
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.stage.reference(target.begun), place)
        where = damage(place / name, way, rng)
        ended = run(scenario.arguments, place)
        fault, note = judged(scenario, place, name, ended)
        if fault is not None and fault.endswith(_SILENT):
            fault, note = self._asked_again(target, place, name, fault)
        detail = f"{name}, {where}: {ended.last[:200]}; {note}" if fault else ""
        notes = {} if fault else {note: 1}
        return Outcome(self.kind, self.seed, number, f"{way}: {target.name}", 1, fault, detail, notes)

    def _asked_again(self, target: Target, place: Path, name: str, fault: str) -> tuple[str | None, str]:
        """Of a file that the command had no need of: whether that which wrote it notices."""
        scenario = self.stage.all[target.begun]
        ended = run(scenario.arguments, place)
        if ended.fault is not None:
            return f"{fault}, then {ended.fault}", ""
        if ended.status in (1, 2) and Path(name).name in ended.said:
            return None, "not needed, and refused by name where it is"
        restored = ended.status == 0 and tree_of(place).get(name) == scenario.tree[name]
        return (None, "not needed, and written again where it is") if restored else (fault, ended.last[:200])


def damage(file: Path, way: str, rng: random.Random) -> str:
    """Damage a file; returns where."""
    content = bytearray(file.read_bytes())
    if way == "emptied" or not content:
        file.write_bytes(b"")
        return "all of it"
    at, bit = rng.randrange(len(content)), rng.randrange(8)
    if way == "bit flipped":
        content[at] ^= 1 << bit
    else:
        del content[at]
    file.write_bytes(content)
    return f"byte {at} of {len(content)}" + (f", bit {bit}" if way == "bit flipped" else "")


def judged(scenario: Scenario, place: Path, name: str, ended: Ended) -> tuple[str | None, str]:
    """What was wrong with a command after a file was damaged, and what else is to be said."""
    sort = "/".join(part.split("-")[0] for part in name.split("/"))
    if ended.fault is not None:
        return f"{sort}: {ended.fault}", ""
    if ended.status != 0:
        path = Path(name)
        folder = str(path.parent) if len(path.parts) > 2 else path.name  # each command names the outermost
        named = path.name in ended.said or folder in ended.said
        if not named or ended.status not in (1, 2):
            return f"{sort}: refused without its name, with status {ended.status}", ""
        return None, "refused by name"
    wrong = differences(scenario.tree, tree_of(place))
    if not wrong:
        return None, "as undisturbed"
    if wrong == [f"other bytes: {name}"]:
        if is_for_people(Path(*Path(name).parts[1:])):
            return None, "left, and for people"
        if Path(name).name in ended.said:
            return None, "left, and named"
        return f"{sort}: {_SILENT}", ""
    return f"{sort}: used in silence", "; ".join(wrong[:4])
