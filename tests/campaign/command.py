"""The command line: which trials, for how long, and what of them is told."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.campaign.record import Outcome, Record, lines, summary

if TYPE_CHECKING:
    from tests.campaign.scenarios import Stage

KINDS = ("kills", "faults", "bits", "fuzz")
SHORT: dict[str, Iterable[int]] = {
    "kills": (2, 5),
    "faults": (1, 5, 8),
    "bits": (1, 17, 28, 190),
    "fuzz": range(18, 36),
}
"""What the short form makes of each kind, by the numbers of the trials."""
ALL = ("run", "taught", "longer", "store", "store-more", "stored", "export", "enroll", "enroll-more", "sweep")
LOG = Path("local/campaign.jsonl")
_EVERY = 60.0  # seconds between lines of progress


class Trials(Protocol):
    """A kind of the campaign."""

    kind: str

    def trial(self, number: int) -> Outcome: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Make trials until the time is up; status 1 where one failed."""
    options = _parser().parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # of what commands said, a terminal may lack characters
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what is left of the trials goes
    if options.kind == "counts":
        print("\n\n".join(f"{kind}\n{summary(_kept(options.log, kind))}" for kind in KINDS))
        return 0
    place = Path(tempfile.mkdtemp(prefix="campaign-", dir=options.place))
    try:
        from tests.campaign.scenarios import Stage

        record = Record(options.log)
        if options.kind == "short":
            stage = Stage(place, ("run", "store"), twice=False)
            for kind, numbers in SHORT.items():
                trials = _made(kind, stage, options.seed, 0.02)
                for number in numbers:
                    _make(trials, number, record)
        else:
            names = ("run", "store") if options.kind == "fuzz" else ALL
            trials = _made(options.kind, Stage(place, names), options.seed)
            for number in _numbers(options, record, len(trials) if isinstance(trials, Sized) else None):
                _make(trials, number, record)
    except KeyboardInterrupt:
        print("stopped; the same command goes on after the last trial")
    finally:
        if not options.keep:
            shutil.rmtree(place, ignore_errors=True)
    print(summary(record.outcomes))
    return int(any(outcome.fault for outcome in record.outcomes))


def _make(trials: Trials, number: int, record: Record) -> None:
    outcome = trials.trial(number)
    record.add(outcome)
    if outcome.fault:
        print(f"{outcome.what}, --only {number}: {outcome.fault}: {outcome.detail}"[:2000], flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument(
        "kind",
        choices=(*KINDS, "short", "counts"),
        help="what is tried: short, a little of each; counts adds up what all runs found",
    )
    parser.add_argument("--hours", type=float, default=1.0, help="how long; default 1")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn; default 1")
    parser.add_argument("--trials", type=int, help="at most so many")
    parser.add_argument("--only", type=int, help="the trial of this number alone")
    parser.add_argument("--log", type=Path, default=LOG, help=f"where outcomes are kept; default {LOG}")
    parser.add_argument("--place", type=Path, help="where commands work; default the system's temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave that place as the last trial left it")
    return parser


def _made(kind: str, stage: "Stage", seed: int, scale: float = 1.0) -> Trials:
    from tests.campaign.bits import Bits
    from tests.campaign.faults import Faults
    from tests.campaign.fuzz import Fuzz
    from tests.campaign.kills import Kills

    if kind == "fuzz":
        return Fuzz(stage, seed, scale)
    return {"kills": Kills, "faults": Faults, "bits": Bits}[kind](stage, seed)


def _numbers(options: argparse.Namespace, record: Record, count: int | None) -> Iterator[int]:
    """The numbers of the trials to make, until the time is up."""
    if options.only is not None:
        yield options.only
        return
    began = told = time.monotonic()
    number = record.next(options.kind, options.seed)
    last = min(number + (options.trials or 10**9), count or 10**9)
    while number < last and time.monotonic() - began < 3600 * options.hours:
        yield number
        number += 1
        if time.monotonic() - told > _EVERY:
            told = time.monotonic()
            failed = sum(outcome.fault is not None for outcome in record.outcomes)
            print(f"{len(record.outcomes):,} trials, {failed} failed, {(told - began) / 60:.0f} min", flush=True)


def _kept(log: Path, kind: str) -> list[Outcome]:
    fields = Outcome.__dataclass_fields__
    return [Outcome(**{key: one[key] for key in fields if key in one}) for one in lines(log) if one["kind"] == kind]
