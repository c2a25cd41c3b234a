"""A store in a teacher's place: the teacher itself need not be installed.

Shapes: N pictures, n of one batch, C outputs.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn

import numpy as np
import torch
from torch import Tensor

from distill.answers.kind import Kind
from distill.data.prepared.pictures import Pictures
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.objectives.top import TopAnswers
from distill.predictors.predictor import Gathered, Predictor
from distill.store.codec import Decoded
from distill.store.manifest import whole_hashes
from distill.store.store import Store, find, named_place
from distill.store.verify import check_all_files
from teachers.teacher import Seeds, ShownViews, Size, Teacher, TeacherConfig


@dataclass(frozen=True)
class Stored(TeacherConfig):
    """Answers that `distill store` kept.

    Args:
        root: the store's directory.
    """

    name: Literal["stored"] = "stored"
    root: Path | None = None
    ready_made: ClassVar[bool] = True

    def teacher(self, kind: Kind) -> "StoredTeacher":
        """The store, every file of it read and compared with its checksum.

        Args:
            kind: of its answers; whether they are of these classes is for the task to check, as of any teacher.

        Raises:
            DistillError: there is no store, it is not complete, or a file of it is damaged.
        """
        if self.root is None:
            raise DistillError("teacher.root: not set; expected the directory of a store that `distill store` wrote.")
        store = Store.open(named_place(self.root.expanduser()))
        check_all_files(store)
        return StoredTeacher(store, kind)


@dataclass(frozen=True)
class ViewAnswers:
    """The answers to one training set's views, by its index; it travels to the workers of a loader.

    Attributes:
        rows: int64 (N,), the row in the store of each picture.
        alone: what the teacher's tensor is called where it has one.
    """

    store: Store
    rows: np.ndarray
    alone: str

    def __call__(self, index: np.ndarray, view: int) -> dict[str, Tensor | TopAnswers]:
        """Answers to one view of the pictures of `index` (n,), by name."""
        return _named(
            self.store.manifest.codec(view).decode(self.store.view_answers(self.rows[index], view)), self.alone
        )


class StoredTeacher(Teacher):
    """A teacher known by answers it gave; it takes no new picture.

    Args:
        kind: of its answers.
    """

    def __init__(self, store: Store, kind: Kind) -> None:
        facts, self.alone = store.manifest.teacher, kind.raw[0]
        shapes = {self.alone: (facts.outputs,)} if isinstance(facts.outputs, int) else facts.outputs
        super().__init__(facts.name, facts.preprocess, shapes, facts.classes)
        self.store = store
        self.eval()

    def forward(self, pictures: Tensor) -> NoReturn:
        """Raises:
        DistillError: always.
        """
        raise DistillError(
            f"{self.store.directory}: holds answers of {self.name}, which cannot be asked about a picture."
        )

    @property
    def online(self) -> None:
        return None

    def size(self) -> Size:
        facts = self.store.manifest.teacher
        return {"parameters": facts.parameters, "mult_adds": facts.mult_adds}

    def shown_views(self, pictures: Pictures, views: Views, seeds: Seeds) -> ShownViews:
        """The answers to a stage's views, which are those of the first seed, as many as were answered."""
        counted = self.counted(views)
        return ShownViews(counted, seeds.first, self.answers_to(pictures, counted, seeds.first))

    def predictor(self, kind: Kind) -> "StoredPredictor":
        return StoredPredictor(self, kind)

    def fingerprint(self) -> str:
        """sha256 over the manifest, which has the checksums of all answers."""
        return self.store.fingerprint

    def fingerprint_of(self, views: Views) -> str:
        """sha256 over what is said of the views a stage draws: more of them stored beside those change nothing."""
        manifest = self.store.manifest
        count = self.counted(views).count or 0
        names = [name for view in range(count) for name in manifest.files_of(view)]
        facts = replace(manifest, count=count).describe(), [manifest.checksums.get(name) for name in names]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def counted(self, views: Views) -> Views:
        """The same views; as many as were answered, where their number is left open and any were."""
        return replace(views, count=views.count or self.store.manifest.count or None)

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
        return ViewAnswers(self.store, rows, self.alone)

    def recall(self, pictures: Pictures) -> dict[str, Tensor]:
        """Its tensors of whole pictures by name: float32 (N, ...).

        Raises:
            DistillError: it was not asked about one of them.
        """
        kinds = self.store.manifest.pictures.pixels
        self._check_prepared(pictures, kinds)
        rows = self._rows(self.store.whole, pictures, whole_hashes(pictures.hashes, pictures.pixels, kinds[0]), "")
        decoded = _named(self.store.manifest.codec(None).decode(self.store.whole_answers(rows)), self.alone)
        return {name: values.float() for name, values in decoded.items()}

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


class StoredPredictor(Predictor):
    """A stored teacher, which answers about the pictures it was shown and about no others."""

    def __init__(self, teacher: StoredTeacher, kind: Kind) -> None:
        self.teacher, self.name, self.preprocess = teacher, teacher.name, teacher.preprocess
        self.kind, self.picture = kind.called(teacher.classes), None

    def __call__(self, pictures: np.ndarray) -> NoReturn:
        """Raises:
        DistillError: always.
        """
        self.teacher.forward(torch.empty(0))

    def show(self, pictures: Gathered, of: str, batch_size: int) -> dict[str, np.ndarray]:
        """float32 answers (N, ...) by name, as the teacher itself gives them.

        Raises:
            DistillError: it was not asked about one of the pictures.
        """
        assert isinstance(pictures, Pictures)  # of prepared sets, by whose hashes answers are found
        return {name: values.numpy() for name, values in self.kind.activate(self.teacher.recall(pictures)).items()}


def _named(decoded: Decoded, alone: str) -> dict[str, Any]:
    return decoded if isinstance(decoded, dict) else {alone: decoded}


_ELSEWHERE = "Give the recipe the same keys, or store answers with these in another place (`distill store --out`)."
_ADVICE = "Give the recipe the same keys, or run `distill store` with these: it keeps the answers that still hold."
