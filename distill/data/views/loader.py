"""The training loader: batch k is a pure function of the seed and the pictures, whoever loads it.

torch's DataLoader does the loading in workers; which pictures and views make up a batch is decided here, from the
number of batches consumed since training began, and only that number is saved with a checkpoint.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from distill.data.prepared.pictures import Pictures
from distill.data.targets import Column, Ragged, take
from distill.data.views.batch import ViewBatch
from distill.data.views.objects import around_objects, boxes_column, check_objects
from distill.data.views.philox import Purpose, permutation
from distill.data.views.targets import BatchTargets
from distill.data.views.views import Draw, Views, draw, mixing_weights, partners, patches
from distill.errors import DistillError
from distill.host import check_open_files, exhausted
from distill.objectives.top import TopAnswers

AnswersOf = Callable[[np.ndarray, int], dict[str, Tensor | TopAnswers]]
"""A stored teacher's answers to one view of the pictures of an index (n,)."""


@dataclass(frozen=True)
class Request:
    """One batch asked of a worker."""

    index: np.ndarray
    view: int


class ViewDataset(Dataset[ViewBatch]):
    """Gathers whole batches; it is what travels to the workers."""

    def __init__(self, pictures: Pictures, views: Views, seed: int, answers: AnswersOf | None = None) -> None:
        check_mixing(views, pictures.columns)
        check_objects(views, pictures.columns)
        self.pictures, self.views, self.seed, self.answers = pictures, views, seed, answers
        self._partners: tuple[int, np.ndarray] | None = None

    def __getitems__(self, request: Request) -> ViewBatch:
        """DataLoader passes here whatever its batch sampler yields."""
        batch = self._cut_out(request)
        if self.views.mixes:
            drawn = self.views, self.seed, self.pictures.hashes[request.index], request.view
            if self.views.cutmix:
                batch.patch = torch.from_numpy(patches(*drawn))
                batch.weight = batch.patch[:, 2] * batch.patch[:, 3]
            else:
                batch.weight = torch.from_numpy(mixing_weights(*drawn))
            batch.partner = self._cut_out(Request(self._partners_of(request.view)[request.index], request.view))
        if self.answers is not None:
            batch.answers = self.answers(request.index, request.view)
        return batch

    def _cut_out(self, request: Request) -> ViewBatch:
        pictures = self.pictures.gather(request.index)
        hashes = self.pictures.hashes[request.index]
        numbers = draw(self.views, self.seed, hashes, request.view, *self.pictures.size)
        if self.views.keep_object:
            self._keep_objects(numbers, hashes, request)
        box, flip = torch.from_numpy(numbers.box), torch.from_numpy(numbers.flip)
        targets = BatchTargets.of(self.pictures.columns, self.pictures.targets, request.index)
        return ViewBatch(
            index=torch.from_numpy(request.index),
            pictures=torch.from_numpy(pictures),
            box=box,
            flip=flip,
            color=torch.from_numpy(numbers.color),
            targets=targets.in_view(box, flip, self.pictures.size),
            zoomed=torch.from_numpy(np.flatnonzero(numbers.zoomed)) if self.views.zoom_out else None,
            zoom=self.views.zoom if self.views.zoom_out else 1.0,
        )

    def _keep_objects(self, numbers: Draw, hashes: np.ndarray, request: Request) -> None:
        """Move crops to where they hold an object; all of it is in a view that is zoomed out."""
        column = boxes_column(self.pictures.columns)
        assert column is not None
        boxes = take(self.pictures.targets[column.name], request.index)
        assert isinstance(boxes, Ragged)
        sides = numbers.box[:, 2:] / np.array(self.pictures.size)
        moved, corners = around_objects(self.views, self.seed, hashes, request.view, sides, boxes)
        moved &= ~numbers.zoomed
        numbers.box[moved, :2] = (corners * self.pictures.size)[moved]

    def _partners_of(self, view: int) -> np.ndarray:
        # Drawn once a pass, not once a batch: it orders the whole set.
        if self._partners is None or self._partners[0] != view:
            self._partners = (view, partners(self.seed, self.pictures.hashes, view))
        return self._partners[1]


def check_mixing(views: Views, columns: Iterable[Column], section: str = "views") -> None:
    """Refuse to mix pictures of which something is known that a mixture has no value for.

    Args:
        section: of the recipe, for the error.

    Raises:
        DistillError: a column is ragged or holds places, and views mix.
    """
    key = "mixup" if views.mixup else "cutmix"
    for column in columns:
        if views.mixes and (column.ragged or column.place):
            holds = f"holds {column.place}" if column.place else "has any number of rows a picture"
            raise DistillError(
                f"{section}.{key} is {getattr(views, key)}: mixes two pictures, and their column {column.name} "
                f"{holds}, which cannot be mixed. Set it to 0."
            )


class Returning(Dataset[Any]):
    """A set whose errors come back as values: around what a worker raises, torch puts the worker's traceback."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __getitems__(self, request: Any) -> Any:
        try:
            return self.dataset.__getitems__(request)
        except DistillError as error:
            return error
        except (MemoryError, OSError, RuntimeError) as error:
            if (said := exhausted(error)) is None:
                raise
            return DistillError(f"a batch cannot be loaded: {said}")


def raising(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches of a `Returning` set; an error among them is raised here.

    Raises:
        DistillError: that error, or a worker died while it handed a batch over.
    """
    with workers_alive():
        stream = iter(batches)
    while True:
        with workers_alive():
            try:
                batch = next(stream, None)
            except (ConnectionError, EOFError) as error:  # of the socket that a batch's memory comes by
                raise _worker_died() from error
        if batch is None:
            return
        if isinstance(batch, DistillError):
            raise batch
        yield batch


@contextmanager
def workers_alive() -> Iterator[None]:
    """Say in a line that a worker died: torch says so wherever its process is at that moment, in a step too.

    Raises:
        DistillError: one could not start, or was killed.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise _worker_died() from error


def _worker_died() -> DistillError:
    return DistillError(
        "a process that loads batches could not start, or was killed, for want of memory perhaps. A script of your own "
        'must start below `if __name__ == "__main__":`; workers: 0 loads without a process, and the batches are the '
        "same."
    )


class ViewLoader:
    """Passes over shuffled views, one pass for each `iter`; sized, and stateful for Lightning.

    Args:
        batch_size: over all ranks; each rank takes its slice. The last incomplete batch of a pass is left out.
        rank, world_size: which slice.
        workers: processes that load; 0 loads in the training process. The batches are the same.
        view_seed: of the views, where another than that of the order.
        answers: of a stored teacher, handed out with the views.
        together: pictures of one person that follow each other, where there are as many; 1 shuffles them all.

    Raises:
        DistillError: fewer pictures than one batch, or a batch that cannot be cut into equal slices; or targets that
            cannot be mixed, and views that mix; or too few files may be open for the workers.
    """

    def __init__(
        self,
        pictures: Pictures,
        views: Views,
        *,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        view_seed: int | None = None,
        answers: AnswersOf | None = None,
        together: int = 1,
    ) -> None:
        if batch_size % world_size:
            raise DistillError(f"batch_size is {batch_size}, expected a multiple of the {world_size} processes.")
        if len(pictures) < batch_size:
            raise DistillError(
                f"the training set holds {len(pictures)} pictures, fewer than one batch of {batch_size}. "
                "Set a smaller batch_size."
            )
        check_open_files(workers)
        self._dataset = ViewDataset(pictures, views, seed if view_seed is None else view_seed, answers)
        self._requests = _Requests(self._dataset, seed, batch_size, rank, world_size, together)
        self._workers = workers
        self._loader = self._start()

    def _start(self) -> DataLoader[ViewBatch]:
        return DataLoader(
            Returning(self._dataset),
            batch_sampler=self._requests,
            collate_fn=as_is,
            num_workers=self._workers,
            # A fork after OpenMP has started its threads hangs.
            multiprocessing_context="spawn" if self._workers else None,
            persistent_workers=self._workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def __len__(self) -> int:
        """Batches a pass."""
        return len(self._requests)

    def __iter__(self) -> Iterator[ViewBatch]:
        for batch in raising(self._loader):
            self._requests.consumed += 1
            yield batch

    def close(self) -> None:
        """End the workers; another pass would start new ones.

        Where the garbage collector finds them in a cycle, such as a Trainer's, their queues are closed before they are
        told to end, and torch waits five seconds for each.
        """
        self._loader = self._start()

    def state_dict(self) -> dict[str, Any]:
        """The number of batches consumed: each rank's is the same."""
        return {"consumed": self._requests.consumed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._requests.consumed = int(state["consumed"])


class _Requests(Sampler[Any]):
    """What is left of the current pass. It knows nothing of the loader: that would be a cycle."""

    def __init__(
        self, dataset: ViewDataset, seed: int, batch_size: int, rank: int, world_size: int, together: int
    ) -> None:
        self.dataset, self.seed, self.together = dataset, seed, together
        self.batch_size, self.rank, self.world_size = batch_size, rank, world_size
        self.consumed = 0

    def __iter__(self) -> Iterator[Request]:
        epoch, done = divmod(self.consumed, len(self))
        order = permutation(self.seed, self.dataset.pictures.hashes, epoch, Purpose.ORDER)
        if self.together > 1:
            order = side_by_side(order, self.dataset.pictures.identities, self.together)
        share = self.batch_size // self.world_size
        for k in range(done, len(self)):
            start = k * self.batch_size + self.rank * share
            yield Request(order[start : start + share], self.dataset.views.number(epoch))

    def __len__(self) -> int:
        return len(self.dataset.pictures) // self.batch_size


def side_by_side(order: np.ndarray, identities: np.ndarray, together: int) -> np.ndarray:
    """The same order, int64 (N,), but for up to `together` pictures of one person in a row.

    Each person's pictures, in that order, are cut into groups; a group stands where its first picture stood.
    """
    who = identities[order]
    grouped = np.argsort(who, kind="stable")
    _, starts, counts = np.unique(who[grouped], return_index=True, return_counts=True)
    within = np.arange(len(order)) - np.repeat(starts, counts)
    first = grouped[np.arange(len(order)) - within % together]
    return order[grouped[np.lexsort((grouped, first))]]


def as_is(batch: Any) -> Any:
    """How a `DataLoader` of whole batches collates: not at all."""
    return batch
