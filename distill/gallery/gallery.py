"""A gallery on disk: read whole, searched, and changed by one process at a time.

Whoever reads holds no lock: a file that `gallery.json` names is complete, and where a change has taken it away
meanwhile, there is another `gallery.json`, which is read instead.

Shapes: N vectors, D dimensions, G people, P probes, S strangers' pictures.
"""

import hashlib
import io
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from rich.console import Console

from distill.errors import DistillError
from distill.evaluation.open_set import most_alike, threshold_at
from distill.files.arrays import read_array
from distill.files.atomic import atomic_path, checksum
from distill.files.leftovers import remove_leftovers
from distill.files.locks import exclusive
from distill.gallery.graph import Graph, build_graph, fault_of, index_of, recall_of
from distill.gallery.manifest import MANIFEST, Index, Keep, Manifest, Role, Strangers, damage, file_name

RATES = (0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)
"""At which thresholds are measured, as far as there are strangers enough."""
_OURS = re.compile(r"(vectors|strangers|levels|links)-[0-9a-f]{16}\.npy")

console = Console(stderr=True, markup=False, emoji=False)


@dataclass(frozen=True, eq=False)
class Person:
    """Float32 (n, D) of unit length, of so many photographs."""

    vectors: np.ndarray
    photographs: int


@dataclass(frozen=True, eq=False)
class Contents:
    """What a gallery is made of; all else in it follows.

    Attributes:
        model, fingerprint: the file that embedded everybody.
        people: by name, at least one.
        strangers: float32 (S, D) of people who are not enrolled. None: no FPIR is measured.
        source: where these came from, in words.
        fars: the threshold of pairs by FAR.
    """

    model: str
    fingerprint: str
    people: dict[str, Person]
    keep: Keep = "mean"
    index: Index = "flat"
    strangers: np.ndarray | None = None
    source: str = ""
    fars: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class EnrolledGallery:
    """An opened gallery.

    Attributes:
        vectors: float32 (N, D) of unit length.
        strangers: float32 (S, D), where there are some.
        graph: of an approximate search.
    """

    directory: Path
    manifest: Manifest
    vectors: np.ndarray
    strangers: np.ndarray | None
    graph: Graph | None

    @classmethod
    def open(cls, directory: Path) -> Self:
        """Read and verify a gallery.

        Raises:
            DistillError: there is none, or a file of it is damaged or missing.
        """
        while True:
            manifest = Manifest.read(directory)
            try:
                return cls._read(directory, manifest)
            except FileNotFoundError as error:
                # Where a change took it away, there is another manifest by now.
                if Manifest.read(directory) == manifest:
                    raise DistillError(f"{error.filename}: is missing. {damage(directory)}") from None

    @classmethod
    def _read(cls, directory: Path, manifest: Manifest) -> Self:
        arrays = {role: _read(directory, manifest, role) for role in manifest.files}
        vectors, strangers, graph = arrays["vectors"], arrays.get("strangers"), None
        wanted = {"vectors": (sum(manifest.vectors), manifest.dimensions)}
        if manifest.strangers is not None:
            wanted["strangers"] = (manifest.strangers["pictures"], manifest.dimensions)
        for role, shape in wanted.items():
            if arrays[role].dtype != np.float32 or arrays[role].shape != shape:
                found = f"{arrays[role].dtype} {arrays[role].shape}, expected float32 {shape}"
                raise DistillError(f"{directory / file_name(role, manifest.files[role])}: {found}. {damage(directory)}")  # type: ignore[arg-type]
        if manifest.entry is not None and manifest.index != "flat":
            graph = Graph(arrays["levels"], arrays["links"], manifest.entry)
            if fault := fault_of(graph, len(vectors)):
                raise DistillError(f"{directory}: its graph has {fault}. {damage(directory)}")
        return cls(directory, manifest, vectors, strangers, graph)

    @cached_property
    def _index(self) -> Any:
        return index_of(self.vectors, self.graph)

    @cached_property
    def _owners(self) -> np.ndarray:
        """int64 (N,), the number of the person of each vector."""
        return np.repeat(np.arange(len(self.manifest.people)), self.manifest.vectors)

    def nearest(self, probes: np.ndarray, k: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """The k most alike people of each probe, each by their most alike vector.

        Args:
            probes: float32 (P, D) of unit length.
            k: from 1 to G.

        Returns:
            int64 (P, k), numbers of people in `manifest.people`, and float32 (P, k), their cosines, falling; -1 and
            -infinity where an approximate search found nobody more.

        Raises:
            DistillError: the probes are of other dimensions.
        """
        if probes.shape[1] != self.manifest.dimensions:
            raise DistillError(
                f"{self.directory}: its vectors have {self.manifest.dimensions} dimensions, and those looked up "
                f"{probes.shape[1]}. Look up with the model that enrolled."
            )
        # Whoever comes before may fill as many places as they have vectors.
        count = min(len(self.vectors), (k - 1) * max(self.manifest.vectors) + 1)
        cosines, rows = self._index.search(np.ascontiguousarray(probes, np.float32), count)
        people, best = np.full((len(probes), k), -1), np.full((len(probes), k), -np.inf, np.float32)
        for probe, (values, found) in enumerate(zip(cosines, rows, strict=True)):
            owners = self._owners[found[found >= 0]]
            _, first = np.unique(owners, return_index=True)
            first = np.sort(first)[:k]
            people[probe, : len(first)], best[probe, : len(first)] = owners[first], values[first]
        return people, best

    @property
    def contents(self) -> Contents:
        """What it was made of."""
        facts = self.manifest
        parts = np.split(self.vectors, np.cumsum(facts.vectors)[:-1])
        people = {
            name: Person(vectors, photographs)
            for name, vectors, photographs in zip(facts.people, parts, facts.photographs, strict=True)
        }
        source = facts.strangers["source"] if facts.strangers else ""
        return Contents(
            facts.model, facts.fingerprint, people, facts.keep, facts.index, self.strangers, source, facts.fars
        )


def change(directory: Path, make: Callable[[Contents | None], Contents]) -> Manifest:
    """Make another gallery of one, alone: a process that is killed leaves it as before or after.

    Args:
        directory: of a gallery, or a place where one begins.
        make: from what the gallery is made of, None where there is none yet, to what it shall be.

    Raises:
        DistillError: the directory holds something else or cannot be written to, the gallery is damaged, or what
            `make` raises; it is as before.
    """
    with exclusive(directory, lambda: console.print(f"{directory}: another process is changing it; waiting for it.")):
        begun = _is_gallery(directory)
        remove_leftovers(directory)
        try:
            before = EnrolledGallery.open(directory).contents if begun else None
            after = _write(directory, make(before))
        finally:
            if not (directory / MANIFEST).exists():  # of one that was not begun, nothing stays
                for file in directory.iterdir():
                    if _OURS.fullmatch(file.name):
                        file.unlink()
                with suppress(OSError):
                    directory.rmdir()
        used = {file_name(role, value) for role, value in after.files.items()}  # type: ignore[arg-type]
        for file in directory.iterdir():
            if _OURS.fullmatch(file.name) and file.name not in used:
                file.unlink()
    return after


def _is_gallery(directory: Path) -> bool:
    """Whether there is one; a place where one may begin is none.

    Raises:
        DistillError: it holds something else.
    """
    if (directory / MANIFEST).exists():
        return True
    others = [file for file in directory.iterdir() if not (_OURS.fullmatch(file.name) or file.suffix == ".part")]
    if others:
        raise DistillError(f"{directory}: holds {others[0].name} and is no gallery. Name another place, or empty it.")
    return False


def _write(directory: Path, contents: Contents) -> Manifest:
    people = dict(sorted(contents.people.items()))
    vectors = np.concatenate([person.vectors for person in people.values()]).astype(np.float32, copy=False)
    arrays: dict[Role, np.ndarray] = {"vectors": vectors}
    strangers: Strangers | None = None
    entry = recall = None
    fpirs: dict[str, float] = {}
    if contents.strangers is not None:
        arrays["strangers"] = contents.strangers
        strangers = {"pictures": len(contents.strangers), "source": contents.source}
        scores = most_alike(contents.strangers, vectors)
        fpirs = {f"{rate:g}": threshold_at(scores, rate) for rate in RATES if rate * len(scores) >= 1}
    if contents.index == "hnsw":
        graph = build_graph(vectors)
        arrays |= {"levels": graph.levels, "links": graph.links}
        entry, recall = graph.entry, recall_of(index_of(vectors, graph), index_of(vectors, None), vectors)
    manifest = Manifest(
        model=contents.model,
        fingerprint=contents.fingerprint,
        dimensions=vectors.shape[1],
        keep=contents.keep,
        index=contents.index,
        people=tuple(people),
        vectors=tuple(len(person.vectors) for person in people.values()),
        photographs=tuple(person.photographs for person in people.values()),
        strangers=strangers,
        fpirs=fpirs,
        fars=contents.fars,
        files={role: _write_array(directory, role, array) for role, array in arrays.items()},
        entry=entry,
        recall=recall,
    )
    manifest.write(directory)
    return manifest


def _write_array(directory: Path, role: Role, array: np.ndarray) -> str:
    """Write an array under its checksum, which is returned; one that is there already stays."""
    head = io.BytesIO()
    array = np.ascontiguousarray(array)
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
    digest = hashlib.sha256(head.getvalue())
    digest.update(array.data)
    file = directory / file_name(role, digest.hexdigest())
    if not (file.is_file() and checksum(file) == digest.hexdigest()):
        with atomic_path(file) as temporary, temporary.open("wb") as handle:
            handle.write(head.getvalue())
            handle.write(array.data)
    return digest.hexdigest()


def _read(directory: Path, manifest: Manifest, role: str) -> np.ndarray:
    file = directory / file_name(role, manifest.files[role])  # type: ignore[arg-type]
    if checksum(file) != manifest.files[role]:
        raise DistillError(f"{file}: damaged: it is not what {MANIFEST} has the sha256 of. {damage(directory)}")
    return read_array(file, damage(directory))
