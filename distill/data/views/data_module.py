"""The loaders of one stage, for Lightning."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import lightning as L
import numpy as np
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.views.batch import PictureBatch
from distill.data.views.loader import AnswersOf, ViewLoader
from distill.data.views.targets import BatchTargets
from distill.data.views.views import Views


class PictureLoader:
    """Whole pictures in order, unpadded; each rank loads every `world_size`-th.

    Args:
        batch_size: the largest a rank, in as many batches on each; one may be empty where pictures are few.
        further: columns (N, ...) that outputs are scored against beside the pictures' own, by name.
    """

    def __init__(
        self,
        pictures: Pictures,
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        further: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        self.pictures, self.further = pictures, further or {}
        self.index = np.arange(rank, len(pictures), world_size)
        # As many on every rank: one without any would not come to gather the scores, and the others would wait for it.
        self.batches = -(-len(pictures) // (batch_size * world_size))

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[PictureBatch]:
        for index in np.array_split(self.index, self.batches):
            known = BatchTargets.of(self.pictures.columns, self.pictures.targets, index)
            further = {name: torch.from_numpy(values[index]) for name, values in self.further.items()}
            yield PictureBatch(
                torch.from_numpy(self.pictures.gather(index)), replace(known, columns={**known, **further})
            )


class ViewDataModule(L.LightningDataModule):
    """Shuffled views to train on, whole pictures to validate on.

    Args:
        batch_size: over all ranks.
        workers: loading processes a rank.
        view_seed, answers, together: as in `ViewLoader`.
        further: of the validation pictures, as in `PictureLoader`.
    """

    def __init__(
        self,
        train: Pictures,
        validation: Pictures | None,
        views: Views,
        *,
        batch_size: int,
        seed: int,
        workers: int = 0,
        view_seed: int | None = None,
        answers: AnswersOf | None = None,
        together: int = 1,
        further: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        super().__init__()
        self.view_seed, self.answers, self.together, self.further = view_seed, answers, together, further
        self.train, self.validation, self.views = train, validation, views
        self.batch_size, self.seed, self.workers = batch_size, seed, workers
        self._loader: ViewLoader | None = None

    def _ranks(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def train_dataloader(self) -> ViewLoader:
        rank, world_size = self._ranks()
        self._loader = ViewLoader(
            self.train,
            self.views,
            batch_size=self.batch_size,
            seed=self.seed,
            rank=rank,
            world_size=world_size,
            workers=self.workers,
            view_seed=self.view_seed,
            answers=self.answers,
            together=self.together,
        )
        return self._loader

    def val_dataloader(self) -> PictureLoader | list[PictureLoader]:
        if self.validation is None or len(self.validation) == 0:
            return []
        return PictureLoader(self.validation, self.batch_size, *self._ranks(), self.further)

    def teardown(self, stage: str) -> None:
        if self._loader is not None:
            self._loader.close()
