"""The loaders of a stage, alone and as ranks see them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.views.data_module import PictureLoader, ViewDataModule
from distill.data.views.views import Views


@pytest.mark.parametrize(
    ("batch_size", "world_size"), [(4, 1), (9, 1), (100, 1), (2, 2), (4, 2), (5, 2), (1, 4), (4, 11)]
)
def test_validation_shows_each_picture_once_over_all_ranks(
    validation: Pictures, batch_size: int, world_size: int
) -> None:
    ranks = [list(PictureLoader(validation, batch_size, rank, world_size)) for rank in range(world_size)]
    for rank, batches in enumerate(ranks):
        assert len(batches) == len(PictureLoader(validation, batch_size, rank, world_size))
        assert all(len(batch.pictures) == len(batch.truths["labels"]) <= batch_size for batch in batches)
    # A rank without a batch would not validate, and the others would wait for its share of the scores.
    assert len({len(batches) for batches in ranks}) == 1
    pictures = torch.cat([batch.pictures for batches in ranks for batch in batches]).numpy()
    labels = torch.cat([batch.truths.fixed("labels") for batches in ranks for batch in batches]).numpy()
    order = np.concatenate([np.arange(9)[rank::world_size] for rank in range(world_size)])
    assert np.array_equal(pictures, validation.gather(order))
    assert np.array_equal(labels, validation.labels[order])


def test_what_a_task_adds_comes_with_the_pictures(validation: Pictures) -> None:
    answers = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    batches = list(PictureLoader(validation, 4, further={"teacher.answers": answers}))
    assert np.array_equal(torch.cat([batch.truths.fixed("teacher.answers") for batch in batches]), answers)
    assert np.array_equal(torch.cat([batch.truths.fixed("labels") for batch in batches]), validation.labels)


def test_without_validation_pictures_nothing_is_validated(labelled: Prepared, unlabelled: Prepared) -> None:
    train, none = Pictures.of(labelled, "train"), Pictures.of(unlabelled, "validation")
    assert len(none) == 0
    for validation in (None, none):
        assert ViewDataModule(train, validation, Views(), batch_size=8, seed=0).val_dataloader() == []


def test_each_rank_loads_its_share(train: Pictures, validation: Pictures) -> None:
    data = ViewDataModule(train, validation, Views(), batch_size=8, seed=5)
    alone = [batch.index for batch in data.train_dataloader()]
    shares = []
    for rank in range(2):
        data.trainer = SimpleNamespace(global_rank=rank, world_size=2)
        shares.append([batch.index for batch in data.train_dataloader()])
        shown = next(iter(data.val_dataloader())).pictures.numpy()
        assert np.array_equal(shown[:2], validation.gather(np.array([rank, rank + 2])))
    assert all(torch.equal(one, torch.cat(two)) for one, two in zip(alone, zip(*shares, strict=True), strict=True))
