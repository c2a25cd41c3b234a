"""Batch k is the same whoever loads it, and whenever."""

import itertools
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import fields
from itertools import islice
from multiprocessing import active_children
from typing import Any

import numpy as np
import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.views.batch import ViewBatch
from distill.data.views.loader import ViewLoader, side_by_side, workers_alive
from distill.data.views.views import Views, draw, patches
from distill.errors import DistillError

MIXED = Views(mixup=0.4, count=2)


def loader(pictures: Pictures, views: Views = MIXED, **options: Any) -> ViewLoader:
    return ViewLoader(pictures, views, **{"batch_size": 8, "seed": 3, **options})


def passes(loader: ViewLoader, count: int) -> list[ViewBatch]:
    return [batch for _ in range(count) for batch in loader]


def content(batch: ViewBatch | None) -> list[Any]:
    """Every byte of a batch."""
    if batch is None:
        return []
    known = [(name, one.dtype, one.shape, one.numpy().tobytes()) for name, one in tensors(batch).items()]
    return known + content(batch.partner)


def tensors(batch: ViewBatch) -> dict[str, torch.Tensor]:
    """All that a batch holds but for its partner."""
    held = {field.name: getattr(batch, field.name) for field in fields(batch)} | dict(batch.targets)
    return {name: one for name, one in held.items() if isinstance(one, torch.Tensor)}


def equal(one: list[ViewBatch], two: list[ViewBatch]) -> bool:
    return [content(batch) for batch in one] == [content(batch) for batch in two]


def by_picture(batches: list[ViewBatch], name: str) -> dict[int, bytes]:
    return {int(i): row.numpy().tobytes() for b in batches for i, row in zip(b.index, getattr(b, name), strict=True)}


def test_a_patch_comes_with_its_partner_whoever_loads_it(train: Pictures) -> None:
    views = Views(cutmix=0.4)
    large, small = passes(loader(train, views, batch_size=32), 1), passes(loader(train, views, batch_size=4), 1)
    for name in ("box", "color", "weight", "patch"):
        assert by_picture(small, name) == by_picture(large, name)
    (batch,) = large
    assert batch.partner is not None and batch.partner.patch is None and batch.patch is not None
    assert np.array_equal(batch.patch, patches(views, 3, train.hashes[batch.index.numpy()], 0))
    plain = next(iter(loader(train, Views(), batch_size=32)))
    assert plain.patch is None and torch.equal(plain.box, batch.box)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than cores, on purpose
def test_any_number_of_workers_loads_the_same_batches(labelled: Prepared, unlabelled: Prepared) -> None:
    pictures = Pictures.of(labelled, "train", [unlabelled])
    expected = passes(loader(pictures), 2)
    for workers in (1, 4):
        found = loader(pictures, workers=workers)
        started: Iterator[ViewBatch] = iter(found)
        begun = list(islice(started, 3))
        # Workers have loaded ahead; only what was handed out counts.
        assert found.state_dict() == {"consumed": 3}
        assert equal(begun + list(started) + passes(found, 1), expected)
        processes = active_children()
        found.close()
        # Told to end, not killed after torch has waited for each in vain.
        assert [process.exitcode for process in processes] == [0] * workers


def test_a_pass_shows_each_picture_once_in_an_order_of_its_own(train: Pictures) -> None:
    found = loader(train)
    assert len(found) == 4
    orders = [torch.cat([batch.index for batch in found]).tolist() for _ in range(3)]
    for order in orders:
        assert len(order) == 32 == len(set(order)) and set(order) < set(range(33))
    assert orders[0] != orders[1] != orders[2]


def test_a_batch_holds_the_pictures_labels_and_draws_of_its_index(train: Pictures) -> None:
    for number, batch in enumerate(passes(loader(train, Views(mixup=0.4)), 2)):
        index = batch.index.numpy()
        drawn = draw(Views(), 3, train.hashes[index], number // 4, 20, 16)
        assert np.array_equal(batch.pictures, train.gather(index))
        assert np.array_equal(batch.labels, train.labels[index])
        assert np.array_equal(batch.box, drawn.box)
        assert np.array_equal(batch.flip, drawn.flip)
        assert np.array_equal(batch.color, drawn.color)
        assert batch.partner is not None and batch.partner.partner is None and batch.partner.weight is None
        partner = batch.partner.index.numpy()
        assert np.array_equal(batch.partner.box, draw(Views(), 3, train.hashes[partner], number // 4, 20, 16).box)
        assert np.array_equal(batch.partner.labels, train.labels[partner])


def test_pictures_of_one_person_follow_each_other(train: Pictures) -> None:
    random = np.random.default_rng(0)
    order, identities = random.permutation(200), random.integers(0, 23, 200) * 5
    found = side_by_side(order, identities, 4)
    assert sorted(found) == list(range(200))
    waiting: dict[int, list[int]] = {}
    expected: list[list[int]] = []
    for picture in order:  # the plain way: a group is opened where its first picture stands, and filled from behind
        person = int(identities[picture])
        if person not in waiting or len(waiting[person]) == 4:
            waiting[person] = []
            expected.append(waiting[person])
        waiting[person].append(int(picture))
    assert found.tolist() == [picture for group in expected for picture in group]
    assert np.array_equal(side_by_side(order, np.arange(200), 4), order)


def test_people_stand_together_in_every_pass_and_after_a_resume(
    train: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pictures, "identities", property(lambda pictures: np.arange(len(pictures)) % 11))
    expected = passes(loader(train, together=3), 2)
    for batch, plain in zip(expected, passes(loader(train), 2), strict=True):
        assert len(set((batch.index % 11).tolist())) <= 4  # eight places: four groups of three at most
        assert batch.index.tolist() != plain.index.tolist()
    for rank in range(2):
        share = passes(loader(train, together=3, rank=rank, world_size=2), 2)
        for whole, part in zip(expected, share, strict=True):
            assert torch.equal(part.index, whole.index[rank * 4 : rank * 4 + 4])
    resumed = loader(train, together=3)
    resumed.load_state_dict({"consumed": 5})
    assert equal(passes(resumed, 1), expected[5:])


def test_nothing_is_mixed_unless_asked_for(train: Pictures) -> None:
    batch = next(iter(loader(train, Views())))
    assert batch.partner is None and batch.weight is None


def test_what_is_left_after_a_resume_is_what_would_have_come(train: Pictures) -> None:
    expected = passes(loader(train), 3)
    running = loader(train)
    states = [json.dumps(running.state_dict())]
    states += [json.dumps(running.state_dict()) for _ in range(3) for _ in running]
    for done, state in enumerate(states[:-1]):
        resumed = loader(train)
        resumed.load_state_dict(json.loads(state))
        rest = list(islice((batch for _ in range(3) for batch in resumed), len(expected) - done))
        assert equal(rest, expected[done:])


@pytest.mark.parametrize("world_size", [2, 4])
def test_the_slices_of_the_ranks_make_up_the_batch(train: Pictures, world_size: int) -> None:
    shares = [passes(loader(train, rank=rank, world_size=world_size), 2) for rank in range(world_size)]
    for whole, *parts in zip(passes(loader(train), 2), *shares, strict=True):
        for name in ("index", "pictures", "box", "flip", "color", "labels", "weight"):
            assert torch.equal(getattr(whole, name), torch.cat([getattr(part, name) for part in parts]))
        assert torch.equal(whole.partner.index, torch.cat([part.partner.index for part in parts]))


def test_a_view_and_its_partner_do_not_depend_on_the_batch_size(train: Pictures) -> None:
    small, large = passes(loader(train, batch_size=4), 1), passes(loader(train, batch_size=32), 1)
    for name in ("box", "color", "weight"):
        assert by_picture(small, name) == by_picture(large, name)
    partners = [
        {int(i): int(j) for b in batches for i, j in zip(b.index, b.partner.index, strict=True)}
        for batches in (small, large)
    ]
    assert partners[0] == partners[1]


def test_recycled_views_come_back_in_another_order(train: Pictures) -> None:
    found = loader(train)
    first, second, third = (list(found) for _ in range(3))
    boxes = [by_picture(batches, "box") for batches in (first, second, third)]
    shared = boxes[0].keys() & boxes[1].keys() & boxes[2].keys()
    assert all(boxes[0][i] == boxes[2][i] != boxes[1][i] for i in shared) and len(shared) >= 30
    assert [batch.index.tolist() for batch in first] != [batch.index.tolist() for batch in third]


def test_moving_a_batch_moves_all_of_it(train: Pictures) -> None:
    moved = next(iter(loader(train))).to("meta")
    for batch in (moved, moved.partner):
        assert {"pictures", "weight", "labels", "identities"} <= tensors(batch).keys() or batch is moved.partner
        assert {tensor.device.type for tensor in tensors(batch).values()} == {"meta"}


def test_fewer_pictures_than_a_batch_are_refused(train: Pictures) -> None:
    assert len(loader(train, batch_size=33)) == 1
    with pytest.raises(DistillError, match="33 pictures, fewer than one batch of 34"):
        loader(train, batch_size=34)


def test_a_batch_that_cannot_be_shared_out_is_refused(train: Pictures) -> None:
    with pytest.raises(DistillError, match="batch_size is 8, expected a multiple of the 3 processes"):
        loader(train, world_size=3)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_worker_cannot_read_is_said_without_its_traceback(train: Pictures, workers: int) -> None:
    broken = ViewLoader(train, Views(), batch_size=8, seed=0, workers=workers, answers=_damaged)
    with pytest.raises(DistillError, match=r"^shard 3: damaged\.$"):
        next(iter(broken))


def test_a_worker_that_is_killed_is_told_in_a_line(train: Pictures) -> None:
    """As the system kills one for want of memory."""
    doomed = ViewLoader(train, Views(), batch_size=8, seed=0, workers=1)
    batches = iter(doomed)
    next(batches)
    for process in active_children():
        os.kill(process.pid or 0, signal.SIGKILL)
    with pytest.raises(DistillError, match="a process that loads batches could not start, or was killed"):
        for _ in itertools.chain(batches, itertools.cycle(doomed)):  # what was handed over before may still come
            pass
    doomed.close()


def test_what_a_step_raises_itself_is_no_death_of_a_worker() -> None:
    with pytest.raises(RuntimeError, match="shapes"), workers_alive():
        raise RuntimeError("shapes do not fit")
    with pytest.raises(DistillError, match="was killed"), workers_alive():
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")


def test_too_few_open_files_for_workers_are_refused(train: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that can open no file says so in a traceback of its own, and its batch never comes."""
    monkeypatch.setattr("resource.getrlimit", lambda _: (40, 40))
    with pytest.raises(DistillError, match="workers is 2: this process may open 40 files, and they need 160"):
        loader(train, workers=2)
    loader(train, workers=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_worker_without_memory_says_so_without_its_traceback(train: Pictures, workers: int) -> None:
    starved = ViewLoader(train, Views(), batch_size=8, seed=0, workers=workers, answers=_too_much)
    with pytest.raises(DistillError, match=r"^a batch cannot be loaded: out of memory \(no 9 GB\)\. Free some"):
        next(iter(starved))


def _too_much(index: np.ndarray, view: int) -> torch.Tensor:
    raise MemoryError("no 9 GB")


def _damaged(index: np.ndarray, view: int) -> torch.Tensor:
    raise DistillError("shard 3: damaged.")
