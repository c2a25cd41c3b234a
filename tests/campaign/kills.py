"""A command that is killed at any moment, and begun again until it ends, leaves what an undisturbed one does."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.campaign.operations import CHANGING, Operations
from tests.campaign.record import Outcome
from tests.campaign.scenarios import Scenario, Stage
from tests.campaign.server import Ended, Kill, attempt, clear
from tests.campaign.trees import differences, tree_of

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
_MOST = 3  # kills in one trial
_PATIENCE = 4  # undisturbed attempts until it has to have ended
_STRIDE = 1009  # from one image of the disk to the next: all are reached, in an order that mixes commands


class Kills:
    """Trials by number: the odd ones at a file operation, one after another of all commands; the even ones in time."""

    kind = "kills"

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage, self.seed = stage, seed
        self.images = [
            (scenario, kind, number)
            for scenario in stage.chosen
            for kind in CHANGING
            for number in range(1, scenario.counts.get(kind, 0) + 1)
        ]

    def trial(self, number: int) -> Outcome:
        rng = random.Random(f"{self.seed} kills {number}")
        if number % 2:
            scenario, kind, at = self.images[(number // 2 + self.seed) * _STRIDE % len(self.images)]
            what, kills = f"{scenario.name}, before a {kind}", 1
            place = self.stage.begin(scenario, self.stage.trial())
            plan = [(lambda: _stop_at(place, kind, at), None)]
            said = f"{kind} {at}"
        else:
            scenario = rng.choice(self.stage.chosen)
            kills = rng.choice((1, 1, 2, _MOST))
            drawn = [
                Kill(rng.random() * scenario.seconds, rng.choice(SIGNALS), rng.random() < 0.5) for _ in range(kills)
            ]
            what = f"{scenario.name}, at a time"
            place = self.stage.begin(scenario, self.stage.trial())
            plan = [(None, kill) for kill in drawn]
            said = ", ".join(f"{signal.Signals(kill.signal).name} after {kill.after:.2f} s" for kill in drawn)
        convert = rng.random() < 0.1
        fault, count, seen = self._disturb(scenario, place, plan, convert)
        if fault is None:
            fault, seen = self._end(scenario, place)
        return Outcome(self.kind, self.seed, number, what, count, fault, f"{said}; {seen}" if fault else "")

    def _disturb(
        self, scenario: Scenario, place: Path, plan: list[tuple[Callable[[], None] | None, Kill | None]], convert: bool
    ) -> tuple[str | None, int, str]:
        """The attempts that are killed: what was wrong with one, how many were, and what that one said."""
        count = 0
        for before, kill in plan:

            def first(before: Callable[[], None] | None = before) -> None:
                if convert:
                    os.environ["CAMPAIGN_CONVERT"] = "1"  # whatever is remembered
                if before is not None:
                    before()

            ended, group = attempt(scenario.arguments, place, first, kill)
            if kill is None or kill.group or ended.status is None:
                clear(group)
            count += ended.killed or ended.status == -signal.SIGKILL
            if fault := ended.fault or _wrong_status(ended, kill):
                clear(group)
                return fault, count, ended.told
            if ended.status == 0:
                break
        return None, count, ""

    def _end(self, scenario: Scenario, place: Path) -> tuple[str | None, str]:
        """The attempts after that: what was wrong with them or with what they left."""
        for turn in range(_PATIENCE):
            ended, group = attempt(scenario.arguments, place)
            clear(group)
            if ended.fault:
                return f"after a kill: {ended.fault}", ended.told
            if ended.status == 0 and not (wrong := differences(scenario.tree, tree_of(place))):
                return None, ""
            if scenario.name != "sweep":
                break
            time.sleep(0.5 * (turn + 1))  # of a sweep that was killed, points may go on for a while
        if ended.status != 0:
            return f"after a kill: status {ended.status}: {ended.last[:200]}", ended.told
        return f"after a kill: {wrong[0].partition(': ')[0]}", "; ".join(wrong[:4])


def _wrong_status(ended: Ended, kill: Kill | None) -> str | None:
    """Whether a command that was killed ends as one: by the signal, as stopped, or done."""
    if kill is None:
        return None if ended.status in (0, -signal.SIGKILL) else f"status {ended.status}: {ended.last[:200]}"
    expected = {0, -kill.signal} | ({130} if kill.signal != signal.SIGKILL else set())
    if ended.status not in expected:
        return f"{signal.Signals(kill.signal).name}: status {ended.status}: {ended.last[:200]}"
    return None


def _stop_at(place: Path, kind: str, at: int) -> None:
    """Die before a file operation."""

    def act(found: str, number: int, path: str) -> None:
        if (found, number) == (kind, at):
            os.kill(os.getpid(), signal.SIGKILL)

    Operations(place, act).install()
