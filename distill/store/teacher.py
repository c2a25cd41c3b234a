"""A store in a teacher's place: the teacher itself need not be installed.

Shapes: N pictures, n of one batch, C outputs.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from distill.data.prepared.pictures import Pictures
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.objectives.top import TopAnswers
from distill.predictors.torch_predictor import Activation, activate
from distill.store.manifest import whole_hashes
from distill.store.store import Store, find, named
from distill.store.verify import check_all_files


@dataclass(frozen=True)
class Stored:
    """Answers that `distill store` kept.

    Args:
        root: the store's directory.
    """

    name: Literal["stored"] = "stored"
    root: Path | None = None
    ready_made: ClassVar[bool] = True

    def load(self, outputs: int) -> "StoredTeacher":
        """The store, every file of it read and compared with its checksum.

        Args:
            outputs: of the data; whether they fit is for the contract to check, as of any teacher.

        Raises:
            DistillError: there is no store, it is not complete, or a file of it is damaged.
        """
        if self.root is None:
            raise DistillError("teacher.root: not set; expected the directory of a store that `distill store` wrote.")
        store = Store.open(named(self.root.expanduser()))
        check_all_files(store)
        return StoredTeacher(store)


@dataclass(frozen=True)
class ViewAnswers:
    """The answers to one training set's views, by its index; it travels to the workers of a loader.

    Attributes:
        rows: int64 (N,), the row in the store of each picture.
    """

    store: Store
    rows: np.ndarray

    def __call__(self, index: np.ndarray, view: int) -> Tensor | TopAnswers:
        """Answers to one view of the pictures of `index` (n,)."""
        return self.store.manifest.codec(view).decode(self.store.view_answers(self.rows[index], view))


class StoredTeacher:
    """A teacher known by answers it gave; it takes no new picture."""

    def __init__(self, store: Store) -> None:
        self.store = store
        facts = store.manifest.teacher
        self.name, self.outputs, self.classes, self.preprocess = (
            facts.name,
            facts.outputs,
            facts.classes,
            facts.preprocess,
        )

    def fingerprint(self) -> str:
        """sha256 over the manifest, which has the checksums of all answers."""
        return self.store.fingerprint

    def fingerprint_of(self, views: Views) -> str:
        """sha256 over what is said of the views a stage draws: more of them stored beside those change nothing."""
        manifest = self.store.manifest
        count = self.counted(views).count
        assert count is not None
        names = [name for view in range(count) for name in manifest.files_of(view)]
        facts = replace(manifest, count=count).describe(), [manifest.checksums.get(name) for name in names]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def counted(self, views: Views) -> Views:
        """The same views; as many as were answered, where their number is left open."""
        return replace(views, count=views.count or self.store.manifest.count)

    def answers_to(self, pictures: Pictures, views: Views, seed: int) -> ViewAnswers:
        """The answers to the views that a stage would draw.

        Args:
            pictures: the stage's training set.
            views: how the stage draws; its `count` is at most that of the store.
            seed: of the views.

        Raises:
            DistillError: other views, another seed or other pictures were answered; both values are shown.
        """
        manifest = self.store.manifest
        wrong = [f"seed is {manifest.seed} there and {seed} here"] if seed != manifest.seed else []
        there, here = asdict(manifest.views), asdict(views)
        wrong += [
            f"views.{key} is {there[key]} there and {here[key]} here"
            for key in there
            if key != "count" and there[key] != here[key]
        ]
        if views.count is not None and views.count > manifest.count:
            wrong.append(f"views.count is at most {manifest.count} there and {views.count} here")
        if wrong:
            raise DistillError(
                f"{self.store.directory}: holds answers to other views: {'; '.join(wrong)}. {_ELSEWHERE}"
            )
        self._check_prepared(pictures, manifest.pictures.pixels[:1])
        rows = self._rows(self.store.viewed, pictures, pictures.hashes, "views of ")
        if len(rows) != len(self.store.viewed):
            raise DistillError(
                f"{self.store.directory}: holds answers about {len(self.store.viewed)} pictures, and "
                f"{len(self.store.viewed) - len(rows)} of them are not among the {len(rows)} of the data. {_ADVICE}"
            )
        self.store.map_all()
        return ViewAnswers(self.store, rows)

    def recall(self, pictures: Pictures) -> np.ndarray:
        """Its logits or embeddings of whole pictures: float32 (N, C).

        Raises:
            DistillError: it was not asked about one of them.
        """
        kinds = self.store.manifest.pictures.pixels
        self._check_prepared(pictures, kinds)
        rows = self._rows(self.store.whole, pictures, whole_hashes(pictures.hashes, pictures.pixels, kinds[0]), "")
        return self.store.whole_answers(rows).astype(np.float32)

    def _check_prepared(self, pictures: Pictures, kinds: tuple[str, ...]) -> None:
        facts, (height, width) = self.store.manifest.pictures, pictures.size
        if (facts.height, facts.width) != (height, width) or pictures.pixels not in kinds:
            raise DistillError(
                f"{self.store.directory}: holds answers to pictures prepared at {facts.height} x {facts.width}, "
                f"{' or '.join(kinds)}, and these are {height} x {width}, {pictures.pixels}. {_ELSEWHERE}"
            )

    def _rows(self, known: np.ndarray, pictures: Pictures, hashes: np.ndarray, what: str) -> np.ndarray:
        rows = find(known, hashes)
        absent = np.flatnonzero(rows < 0)
        if len(absent):
            raise DistillError(
                f"{self.store.directory}: has no answers to {what}{len(absent)} of {len(rows)} pictures, the first of "
                f"them {pictures.name(int(absent[0]))}: added or changed since they were stored. {_ADVICE}"
            )
        return rows


class StoredPredictor:
    """A stored teacher, which answers about the pictures it was shown and about no others."""

    def __init__(self, teacher: StoredTeacher, activation: Activation) -> None:
        self.activation = activation
        self.teacher, self.name, self.classes = teacher, teacher.name, teacher.classes
        self.thresholds: tuple[float, ...] | None = None

    def recall(self, pictures: Pictures) -> np.ndarray:
        """float32 probabilities or unit embeddings (N, C), as the teacher itself gives them.

        Raises:
            DistillError: it was not asked about one of the pictures.
        """
        return activate(torch.from_numpy(self.teacher.recall(pictures)), self.activation).numpy()


_ELSEWHERE = "Give the recipe the same keys, or store answers with these in another place (`distill store --out`)."
_ADVICE = "Give the recipe the same keys, or run `distill store` with these: it keeps the answers that still hold."
