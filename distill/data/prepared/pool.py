"""Work on a stream by threads and processes: in order, and never far ahead of what is taken."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from typing import Any, TypeVar

from distill.errors import DistillError
from distill.host import end_with, settle

CHUNK = 32  # items a worker takes at a time
WINDOW = 3  # chunks in flight for each worker: enough to keep it busy
BY_THREADS = 2**14  # items threads work on first: about as many as they do while processes would start

Item = TypeVar("Item")
Result = TypeVar("Result")


def work(
    items: Iterable[Item], function: Callable[[list[Item]], list[Result]], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with its result. Close the iterator to stop early.

    Python's lock lets threads do little but decoding and arithmetic side by side, so after `BY_THREADS` items, and with
    more than one worker, processes take over.

    Args:
        function: from a chunk of items to as many results; all three travel between processes, it once to each.

    Raises:
        DistillError: a process died.
    """
    stream, begun, called = iter(items), 0, function
    pending: deque[tuple[list[Item], Future[list[Result]]]] = deque()
    with ExitStack() as stack:
        pool = _enter(stack, ThreadPoolExecutor(workers), pending)
        try:
            while chunk := list(islice(stream, CHUNK)):
                if workers > 1 and begun == BY_THREADS:
                    context = multiprocessing.get_context("spawn")
                    # Sent once: what it holds may be the landmarks of a million faces.
                    processes = ProcessPoolExecutor(workers, context, _begin, (_settle_worker, function))
                    pool, called = _enter(stack, processes, pending), _in_worker
                begun += len(chunk)
                pending.append((chunk, pool.submit(called, chunk)))
                if len(pending) == WINDOW * workers:
                    yield from _first(pending)
            while pending:
                yield from _first(pending)
        except BrokenExecutor as error:
            raise DistillError(
                "a process that decodes pictures could not start, or was killed, for want of memory perhaps. A script "
                'of your own must start below `if __name__ == "__main__":`; workers=1 needs no process.'
            ) from error


def _enter(stack: ExitStack, pool: Executor, pending: deque[tuple[list[Item], Future[list[Result]]]]) -> Executor:
    """Leaving a pool waits for its work: what has not begun is called off first."""
    stack.enter_context(pool)
    stack.callback(lambda: [future.cancel() for _, future in pending])
    return pool


def _first(pending: deque[tuple[list[Item], Future[list[Result]]]]) -> Iterator[tuple[Item, Result]]:
    chunk, future = pending.popleft()
    return zip(chunk, future.result(), strict=True)


_function: Callable[[list[Any]], list[Any]]
"""In a process: what it works with."""


def _begin(settle_worker: Callable[[], object], function: Callable[[list[Any]], list[Any]]) -> None:
    global _function
    settle_worker()
    _function = function


def _in_worker(chunk: list[Any]) -> list[Any]:
    return _function(chunk)


def _settle_worker() -> None:
    settle()
    import torch  # after the settings above

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the main process to answer
    parent = multiprocessing.parent_process()
    assert parent is not None and parent.pid is not None
    end_with(parent.pid)
