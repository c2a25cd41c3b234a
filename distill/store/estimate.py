"""What storing will cost, said before it starts.

Shapes: n views of one batch.
"""

import shutil
import time
from pathlib import Path

from rich.console import Console

from distill import formatting
from distill.data.views.batch import ViewBatch
from distill.errors import DistillError
from distill.store.asking import Whole, answer
from teachers.teacher import Teacher

console = Console(stderr=True, markup=False, emoji=False)


def announce(teacher: Teacher, shown: ViewBatch | Whole, views: int, size: int, place: Path, processes: int) -> None:
    """Time one batch, and print the bytes and time that `views` answers of each of the `processes` will take.

    Args:
        shown: one batch, on the teacher's device.
        size: bytes of those answers.

    Raises:
        DistillError: there is less space than that.
    """
    answer(teacher, shown)  # the first call prepares kernels
    started = time.perf_counter()
    for values in answer(teacher, shown).values():
        values.sum().item()  # waits for a GPU
    seconds = (time.perf_counter() - started) / len(shown) * views
    share = f" by each of {processes} processes" if processes > 1 else ""
    needed = processes * size
    console.print(
        f"{views:,} answers of {teacher.name}{share}: {formatting.size(needed)}, about {formatting.duration(seconds)}",
        soft_wrap=True,
    )
    free = shutil.disk_usage(place).free
    if needed > free:
        raise DistillError(
            f"{place}: {formatting.size(needed)} are needed and {formatting.size(free)} are free. Free some space, "
            "name another place with --out, or store fewer views."
        )
