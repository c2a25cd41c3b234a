"""What the benchmarks measure, on sets small enough for a test."""

from itertools import islice
from pathlib import Path

import numpy as np

from distill.benchmarks.loader import memory, rates, replay, sparse_set
from distill.data.prepared.pictures import Pictures
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views


def test_a_sparse_set_holds_pictures_and_takes_no_space(tmp_path: Path) -> None:
    found = sparse_set(tmp_path / "set", 20_000, 160, 160)
    shards = sorted((tmp_path / "set").glob("pictures-*"))
    assert len(shards) == 3 and sum(shard.stat().st_size for shard in shards) > 1.5e9
    assert sum(shard.stat().st_blocks * 512 for shard in shards) < 1e6
    pictures = Pictures.of(found, "train")
    assert len(pictures) == 20_000 == len(np.unique(pictures.hashes)) and pictures.size == (160, 160)
    assert not pictures.gather(np.array([0, 7000, 19_999])).any()


def test_memory_does_not_grow_with_the_pictures() -> None:
    figures = memory(200_000, 160, 160)  # 15 GB of them
    assert figures["mebibytes"] < 60 and figures.keys() == {"mebibytes", "open_s", "first_s", "batch_s"}


def test_every_part_is_measured(train: Pictures) -> None:
    figures = rates(train, 12, batch_size=8, batches=2)
    assert figures.keys() == {"gathered", "cropped", "coloured"} and min(figures.values()) > 0


def test_a_replay_is_the_same_until_anything_is_not(train: Pictures) -> None:
    def digest(seed: int = 0, batches: int = 3, **keys: float) -> str:
        return replay(islice(ViewLoader(train, Views(mixup=0.2, **keys), batch_size=8, seed=seed), batches))

    others = [digest(seed=1), digest(batches=2), digest(flip=0.2), digest(contrast=0.1)]
    assert digest() == digest() and len({digest(), *others}) == 5
