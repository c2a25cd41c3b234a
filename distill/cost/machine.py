"""Whether a machine is fit to time anything on: how many of its cores this process may use, and who else does.

What others use is read from Linux's counters of each core before and after, less what this process used itself. Where
there are none, the load average alone can tell.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

_STAT = Path("/proc/stat")
_BUSY = 0.2  # cores' worth of work by others that is told from the noise of a machine at rest
_LOADED = 1.5  # processes a core that want to run: the work before the timing loads a machine to one each


@dataclass(frozen=True)
class Machine:
    """What lay on a machine while something was timed.

    Attributes:
        cores: it has.
        allowed: cores that this process may use.
        others: cores' worth of the allowed ones that other processes used; None where nobody counts that.
        load: processes that ran or wanted to, the mean of the minute before; None where nobody counts that.
    """

    cores: int
    allowed: int
    others: float | None
    load: float | None

    def doubts(self, threads: int) -> list[str]:
        """What speaks against times that were measured there, in words.

        Args:
            threads: the most that were timed.
        """
        doubts = []
        if self.allowed < self.cores:
            doubts.append(f"the process was pinned to {self.allowed} of {self.cores} cores")
        if self.allowed < threads:
            doubts.append(f"{threads} threads shared {self.allowed} core{'s' if self.allowed > 1 else ''}")
        if self.others is not None and self.others > _BUSY and self.allowed - self.others < threads:
            doubts.append(
                f"the machine was busy: other processes used {self.others:.1f} of the {self.allowed} cores while files "
                "were timed"
            )
        elif self.load is not None and self.load > _LOADED * self.cores:
            doubts.append(f"the machine was busy: a load average of {self.load:.1f} on {self.cores} cores")
        return doubts


class Watch:
    """Watches the machine from when it is made until it is asked."""

    def __init__(self) -> None:
        self.allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        self.load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        self.started, self.own = time.monotonic(), _own_seconds()
        self.busy = busy_seconds(self.allowed)

    def machine(self) -> Machine:
        """What was seen since."""
        cores = os.cpu_count() or 1
        seconds, others = time.monotonic() - self.started, None
        busy = busy_seconds(self.allowed)
        if busy is not None and self.busy is not None and seconds > 0:
            others = max(0.0, busy - self.busy - (_own_seconds() - self.own)) / seconds
        return Machine(cores, len(self.allowed) if self.allowed else cores, others, self.load)


def busy_seconds(allowed: list[int] | None, text: str | None = None) -> float | None:
    """Seconds that cores have worked since the machine started; None where nobody counts that.

    Args:
        allowed: numbers of the cores; None for all.
        text: of /proc/stat; None reads it.
    """
    if text is None:
        try:
            text = _STAT.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None
    ticks = 0
    for line in text.splitlines():
        name, *numbers = line.split()
        number = name.removeprefix("cpu")
        if name == number or not number.isdecimal() or (allowed is not None and int(number) not in allowed):
            continue
        # user, nice, system, idle, iowait, irq, softirq, steal; what follows is within the first two
        counted = [int(value) for value in numbers[:8]]
        ticks += sum(counted) - sum(counted[3:5])
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
