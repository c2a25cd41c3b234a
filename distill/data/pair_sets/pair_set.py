"""What sets of pairs share: a source of pictures that says which to compare, folds, and where a listed picture lies."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from distill.data.sources.folder import SUFFIXES, UNREADABLE
from distill.data.sources.listing import Stateful, directory, walk
from distill.data.sources.source import Sample, Source
from distill.errors import DistillError, echo
from distill.evaluation.pairs import Pair
from distill.files.text import no_text

_SHOWN = 3


class PairSet(Source, Stateful, Protocol):
    """Pictures, named as the pairs name them; all are of the split train."""

    def pairs(self) -> list[Pair]:
        """Which pictures are compared, in the order of the lists.

        Raises:
            DistillError: a list is missing or malformed.
        """
        ...


def in_folds(pairs: Sequence[tuple[str, str, bool]], folds: int, where: Path) -> list[Pair]:
    """Pairs shared over folds: those of each kind in their order, as many a fold.

    So do the published protocols, whether a list has all genuine pairs first or those of a fold together.

    Args:
        pairs: two pictures, and whether they show one person.
        where: the list, for the error.

    Raises:
        DistillError: there are fewer pairs of a kind than folds.
    """
    counts = Counter(same for _, _, same in pairs)
    if min(counts[True], counts[False]) < folds or folds < 2:
        raise DistillError(
            f"{where}: {counts[True]} genuine and {counts[False]} impostor pairs for {folds} folds, expected two folds "
            "or more, and some pairs of each kind in each. Set evaluate.pairs.folds."
        )
    seen: Counter[bool] = Counter()
    shared = []
    for first, second, same in pairs:
        shared.append(Pair(first, second, same, 1 + seen[same] * folds // counts[same]))
        seen[same] += 1
    return shared


def picture_name(text: str, where: str) -> str:
    """A picture's name as lists of any system write it: parts by `/`, without those that lead to a folder above.

    Args:
        where: the file and line, for the error.

    Raises:
        DistillError: it is the name of no file.
    """
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    if not parts or no_text(text):
        raise DistillError(f"{where}: {echo(text)} is the name of no picture. Correct the line.")
    return "/".join(parts)


@dataclass(frozen=True)
class Place:
    """Where pictures lie that a list names.

    Attributes:
        root: the directory, at any depth of it. Its own name, and those above, may begin the names in the list.
    """

    root: Path

    def samples(self, people: Mapping[str, int]) -> list[Sample]:
        """The pictures that are there, sorted by the names that the list gives them; others are left out.

        Args:
            people: by name, the number of the person shown, -1 where it is not known.

        Raises:
            DistillError: a name fits several pictures, two names one, or the directory is missing.
        """
        root = directory(self.root, "root", "the pictures")
        by_stem: dict[str, list[str]] = {}
        samples = []
        taken: dict[Path, str] = {}
        for name, person in sorted(people.items()):
            file: Path | None = root / name
            if not (root / name).is_file():
                by_stem = by_stem or _by_stem(root)
                file = self._found(name, by_stem.get(PurePosixPath(name).stem, ()))
            if file is not None:
                if file in taken:
                    raise DistillError(
                        f"{self.root}: {taken[file]!r} and {name!r} of the list may both be {file.name}. Name the "
                        "directory that the names in the list begin in as the root."
                    )
                taken[file] = name
                samples.append(Sample(name, file, identity=person))
        return samples

    def _found(self, name: str, alike: Iterable[str]) -> Path | None:
        """The picture of a name among those of its last part: one path ends as the other does, whatever the suffix."""
        wanted = f"/{_bare(name)}"
        bare = {path: f"/{_bare(path)}" for path in alike}
        fitting = [path for path, own in bare.items() if own.endswith(wanted) or wanted.endswith(own)]
        if len(fitting) > 1:
            raise DistillError(
                f"{self.root}: {name!r} may be {', '.join(fitting[:_SHOWN])}. Name the one folder of the pictures as "
                "the root; the list may lie beside it."
            )
        return self.root / fitting[0] if fitting else None


def _by_stem(root: Path) -> dict[str, list[str]]:
    pictures: dict[str, list[str]] = {}
    for file in walk(root):
        if file.suffix.lower() in SUFFIXES | UNREADABLE:
            pictures.setdefault(file.stem, []).append(file.relative_to(root).as_posix())
    return {stem: sorted(paths) for stem, paths in pictures.items()}


def _bare(path: str) -> str:
    return PurePosixPath(path).with_suffix("").as_posix()
