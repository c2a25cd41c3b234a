"""What an earlier store in the same place answered to pictures that are shown again.

Shapes: N pictures, C outputs.
"""

from pathlib import Path
from typing import Self

import numpy as np
from rich.console import Console

from distill.errors import DistillError
from distill.files.atomic import checksum
from distill.store.asking import Shown
from distill.store.manifest import MANIFEST, Manifest, view_file, whole_file
from distill.store.store import Store, find, find_manifest

console = Console(stderr=True, markup=False, emoji=False)


class Previous:
    """An earlier store, as far as its files are whole."""

    def __init__(self, store: Store, manifest: Manifest) -> None:
        self.store = store
        names = store.manifest.files()
        self.whole = {
            name
            for name in names
            if (store.directory / name).is_file()
            and checksum(store.directory / name) == store.manifest.checksums.get(name)
        }
        for name in sorted({*names} - self.whole):
            console.print(f"{store.directory / name}: missing or damaged; asked again.", soft_wrap=True)
        same = store.manifest.pictures.fingerprint == manifest.pictures.fingerprint
        # A mixing partner is drawn from all pictures: with others among them, a view of the same number is another one.
        self.views = store.manifest.count if same or not manifest.views.mixes else 0

    @classmethod
    def of(cls, directory: Path, manifest: Manifest, shown: Shown) -> Self | None:
        """The store at a place; None where there is none, or where nobody can say any more what it answered.

        Args:
            manifest: of the store that takes its place, and `shown`: the pictures of that one.
        """
        written = find_manifest(directory)
        if written is None:
            return None
        try:
            if written.pictures == manifest.pictures:  # a damaged list of theirs can be made again
                return cls(
                    Store(directory, checksum(directory / MANIFEST), written, shown.viewed(), shown.whole()), manifest
                )
            return cls(Store.open(directory), manifest)
        except DistillError as error:
            console.print(f"{error} All of it is asked again.", soft_wrap=True)
            return None

    def loses(self, shown: Shown) -> int:
        """Pictures about which it has answers that the store in its place will not have."""
        viewed, whole = (
            int((find(now, before) < 0).sum())
            for now, before in ((shown.viewed(), self.store.viewed), (shown.whole(), self.store.whole))
        )
        return len(self.store.viewed) if self.views < self.store.manifest.count else max(viewed, whole)

    def recall(self, hashes: np.ndarray, view: int | None) -> tuple[np.ndarray, np.ndarray]:
        """Which pictures (N,) it knows, bool (N,), and its answers to those in their order."""
        if view is not None and view >= self.views:
            codec = self.store.manifest.codec(view)
            return np.zeros(len(hashes), bool), np.empty((0, *codec.row), codec.dtype)
        rows = find(self.store.whole if view is None else self.store.viewed, hashes)
        parts = rows // self.store.manifest.rows
        for part in np.unique(parts[rows >= 0]):
            name = whole_file(int(part)) if view is None else view_file(view, int(part))
            if name not in self.whole:
                rows[parts == part] = -1
        known = rows >= 0
        answered = rows[known]
        return known, self.store.whole_answers(answered) if view is None else self.store.view_answers(answered, view)
