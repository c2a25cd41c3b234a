"""CFP, Celebrities in Frontal-Profile (Sengupta et al., WACV 2016), as it is published: 500 people, ten folds.

Protocol/Pair_list_F.txt, Pair_list_P.txt   `1 ../Data/Images/001/frontal/01.jpg`: numbers of pictures
Protocol/Split/FP/01/same.txt, diff.txt     `12,7`: frontal picture 12 with profile picture 7; 350 of each in a fold
Protocol/Split/FF/01/...                    frontal pictures with frontal ones
Data/Images/001/frontal/01.jpg              the folder is the person
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.data.pair_sets.pair_set import Place, picture_name
from distill.data.sources.listing import digest, directory
from distill.data.sources.source import Sample
from distill.errors import DistillError, echo
from distill.evaluation.pairs import Pair
from distill.files.nearby import nearby
from distill.files.text import read_text

_PROTOCOL = "Protocol"


@dataclass(frozen=True)
class Cfp:
    """Frontal pictures with frontal ones, or with profiles.

    Attributes:
        name: which of the two.
        root: the directory of Protocol and Data.
    """

    name: Literal["cfp_ff", "cfp_fp"]
    root: Path

    def classes(self) -> tuple[str, ...]:
        return ()

    def samples(self, height: int, width: int) -> list[Sample]:
        names = {name for pair in self.pairs() for name in (pair.first, pair.second)}
        numbers = {person: number for number, person in enumerate(sorted({_person(name) for name in names}))}
        return Place(self._protocol().parent).samples({name: numbers[_person(name)] for name in names})

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def pairs(self) -> list[Pair]:
        protocol, sides = self._protocol(), self.name.removeprefix("cfp_").upper()
        first, second = (_pictures(protocol / f"Pair_list_{side}.txt") for side in sides)
        split = protocol / "Split" / sides
        folders = sorted(place for place in split.iterdir() if place.is_dir()) if split.is_dir() else []
        if len(folders) < 2:
            raise DistillError(f"{split}: has {len(folders)} folds, expected two or more, 01 to 10. {nearby(split)}")
        pairs = []
        for fold, folder in enumerate(folders, start=1):
            for kind in ("same", "diff"):
                pairs += _pairs(folder / f"{kind}.txt", (first, second), fold)
        return pairs

    def _protocol(self) -> Path:
        root = directory(self.root, "root", "CFP's Protocol and Data")
        for place in (root / _PROTOCOL, root / "cfp-dataset" / _PROTOCOL):
            if place.is_dir():
                return place
        raise DistillError(f"{root}: has no {_PROTOCOL}; expected CFP's Protocol and Data in it. {nearby(root)}")


def _person(name: str) -> str:
    """The folder above `frontal` or `profile`."""
    return "/".join(name.split("/")[:-2])


def _pictures(file: Path) -> dict[int, str]:
    """The name of each numbered picture."""
    pictures: dict[int, str] = {}
    for number, line in enumerate(read_text(file, "CFP's list of pictures").splitlines(), start=1):
        if not line.strip():
            continue
        found = re.fullmatch(r"\s*(\d{1,9})\s+(\S.*?)\s*", line)
        name = picture_name(found[2], f"{file}:{number}") if found else ""
        if found is None or name.count("/") < 2 or int(found[1]) in pictures:
            raise DistillError(
                f"{file}:{number}: {echo(line)}, expected a number, each once, and a picture in its person's folder: "
                "1 ../Data/Images/001/frontal/01.jpg."
            )
        pictures[int(found[1])] = name
    return pictures


def _pairs(file: Path, pictures: tuple[dict[int, str], dict[int, str]], fold: int) -> list[Pair]:
    same, pairs = file.stem == "same", []
    for number, line in enumerate(read_text(file, "CFP's pairs of a fold").splitlines(), start=1):
        if not line.strip():
            continue
        found = re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", line)
        names = [side.get(int(text)) for side, text in zip(pictures, found.groups(), strict=True)] if found else [None]
        if None in names:
            raise DistillError(
                f"{file}:{number}: {echo(line)}, expected the numbers of two pictures of the lists, such as 12,7."
            )
        first, second = map(str, names)
        if first == second or (_person(first) == _person(second)) != same:
            fault = "a picture with itself" if first == second else f"{first} and {second}, which are not {file.stem}"
            raise DistillError(f"{file}:{number}: pairs {fault}. Download the set again.")
        pairs.append(Pair(first, second, same, fold))
    if not pairs:
        raise DistillError(f"{file}: holds no pair. Download the set again.")
    return pairs
