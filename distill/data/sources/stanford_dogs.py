"""Stanford Dogs (Khosla et al., Novel Dataset for Fine-Grained Image Categorization, 2011), its tar files unpacked.

root/Images/n02085620-Chihuahua/n02085620_10074.jpg     images.tar
root/lists/train_list.mat, test_list.mat                lists.tar
root/Annotation/n02085620-Chihuahua/n02085620_10074     annotation.tar: XML, needed for `boxes` only
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from distill.data.sources.bounding_box import read_box
from distill.data.sources.held_out import check_share, held_out
from distill.data.sources.listing import digest, directory
from distill.data.sources.mat_list import Listed, read_mat_list
from distill.data.sources.source import Sample, Split
from distill.data.wordnet import shown
from distill.errors import DistillError
from distill.files.nearby import nearby

PICTURES, LISTS, ANNOTATIONS = "Images", "lists", "Annotation"
HOLDS = f"{PICTURES}/ and {LISTS}/"


@dataclass(frozen=True)
class StanfordDogs:
    """The photographs of the official lists, one class a breed.

    A class is named as its folder is, `n02085620-Chihuahua`, and classes stand in the order of the lists' labels.

    Attributes:
        root: the directory the tar files were unpacked in.
        boxes: cut each photograph to the dogs that are marked in it.
        validation: share of each breed's training photographs held out for validation.

    Raises:
        DistillError: the share is none.
    """

    name: Literal["stanford_dogs"] = "stanford_dogs"
    root: Path | None = None
    boxes: bool = False
    validation: float = 0.1

    def __post_init__(self) -> None:
        check_share("validation", self.validation)

    def classes(self) -> tuple[str, ...]:
        return self._classes(self._lists())

    def samples(self, height: int, width: int) -> list[Sample]:
        lists, root = self._lists(), self._root()
        classes, pictures = self._classes(lists), root / PICTURES
        if not pictures.is_dir():
            raise DistillError(f"root: {pictures} is missing; unpack images.tar in {root}. {nearby(pictures)}")
        for split, rows in lists.items():
            missing = [row.picture for row in rows if not (pictures / row.picture).is_file()]
            if missing:
                raise DistillError(
                    f"{_file(root, split)}: {len(missing)} of its {len(rows)} photographs are not in {pictures}: "
                    f"{shown(missing)}. Unpack the whole of images.tar there."
                )
        listed = {row.picture for row in lists["train"]}
        if twice := sorted(listed & {row.picture for row in lists["test"]}):
            raise DistillError(f"root: {len(twice)} photographs are in both lists of {root}: {shown(twice)}.")
        kept_back = {
            picture
            for breed in classes
            for picture in held_out((one for one in listed if one.startswith(f"{breed}/")), self.validation)
        }
        one_hot = {breed: tuple(int(breed == one) for one in classes) for breed in classes}
        return [
            Sample(
                name=row.picture,
                picture=pictures / row.picture,
                labels=one_hot[row.folder],
                split="validation" if row.picture in kept_back else split,
                box=read_box((root / ANNOTATIONS / row.picture).with_suffix("")) if self.boxes else None,
            )
            for split, rows in lists.items()
            for row in rows
        ]

    def state(self) -> str:
        return digest(self.samples(0, 0))

    def _root(self) -> Path:
        return directory(self.root, "root", HOLDS)

    def _lists(self) -> dict[Split, list[Listed]]:
        root = self._root()
        splits: tuple[Split, ...] = ("train", "test")
        return {split: read_mat_list(_file(root, split)) for split in splits}

    def _classes(self, lists: dict[Split, list[Listed]]) -> tuple[str, ...]:
        """Folders by rising label: one folder a label, the same in both lists."""
        root = self._root()
        folders = {split: {row.folder for row in rows} for split, rows in lists.items()}
        for here, there in (("train", "test"), ("test", "train")):
            if lacking := sorted(folders[here] - folders[there]):  # type: ignore[index]
                raise DistillError(
                    f"{_file(root, there)}: lists no photograph of {len(lacking)} breeds that {_file(root, here).name} "
                    f"has: {shown(lacking)}. Expected every breed in both."
                )
        count = len(folders["train"])
        names: dict[int, str] = {}
        for split, rows in lists.items():
            for row in rows:
                if not 1 <= row.label <= count:
                    raise DistillError(
                        f"{_file(root, split)}: {row.picture} has the label {row.label}; expected 1 to {count}, the "
                        "number of breeds listed."
                    )
                if names.setdefault(row.label, row.folder) != row.folder:
                    raise DistillError(
                        f"{_file(root, split)}: label {row.label} stands for {names[row.label]} and for {row.folder} "
                        f"({row.picture}); expected one breed a label, the same in both lists."
                    )
        if len(names) < count:
            raise DistillError(
                f"root: the lists of {root} have {count} breeds under {len(names)} labels; expected one label a breed."
            )
        return tuple(names[label] for label in range(1, count + 1))


def _file(root: Path, split: str) -> Path:
    return root / LISTS / f"{split}_list.mat"
