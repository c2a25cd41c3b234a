"""A small LFW, and the same people and pairs in every layout that faces are published in."""

import io
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from distill.evaluation.pairs import Pair, read_pairs
from tests.helpers.record_io import write_faces


def small_lfw(root: Path, people: int = 4, each: int = 3) -> Path:
    """Pictures of noise in LFW's layout, with two folds of as many pairs of each kind as there are people."""
    for person in range(people):
        for number in range(1, each + 1):
            pixels = np.random.default_rng((person, number)).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            file = root / f"P{person}" / f"P{person}_{number:04d}.jpg"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file, quality=95)
    lines = [f"2\t{people}"]
    for fold in range(2):
        lines += [f"P{person}\t{1 + fold}\t{2 + fold}" for person in range(people)]
        lines += [f"P{person}\t{1 + fold}\tP{(person + 1) % people}\t{1 + fold}" for person in range(people)]
    (root / "pairs.txt").write_text("\n".join(lines) + "\n")
    return root


def pairs_of(lfw: Path) -> list[Pair]:
    return read_pairs(lfw / "pairs.txt")


def pictures_of(lfw: Path) -> Path:
    return lfw / "images" if (lfw / "images").is_dir() else lfw


def as_lines(lfw: Path, place: Path) -> Path:
    """A line a pair, the label first; the pictures numbered, as AgeDB-30's are passed on. The root is theirs."""
    pairs = pairs_of(lfw)
    numbers = _numbered(lfw, place / "agedb_30_112x112", pairs)
    lines = [
        f"{int(pair.same)} agedb_30_112x112/{numbers[pair.first]} agedb_30_112x112/{numbers[pair.second]}"
        for pair in pairs
    ]
    (place / "agedb_30_ann.txt").write_text("\n".join(lines) + "\n")
    return place / "agedb_30_112x112"


def as_couples(lfw: Path, place: Path) -> Path:
    """Two lines a pair, all genuine ones with their fold before the others, as CALFW."""
    pairs = pairs_of(lfw)
    numbers = _numbered(lfw, place / "aligned images", pairs)
    lines = []
    for same in (True, False):
        for pair in pairs:
            if pair.same == same:
                label = pair.fold if same else 0
                lines += [f"{numbers[pair.first]} {label}", f"{numbers[pair.second]} {label}"]
    (place / "pairs_CALFW.txt").write_text("\n".join(lines) + "\n")
    return place


def as_cfp(lfw: Path, place: Path) -> Path:
    """What stands first in a pair as frontal pictures, what stands second as profiles."""
    pairs, sides = pairs_of(lfw), ("frontal", "profile")
    numbers: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for side, (folder, letter) in enumerate(zip(sides, "FP", strict=True)):
        lines = []
        for name in sorted({(pair.first, pair.second)[side] for pair in pairs}):
            person, file = name.split("/")
            target = place / "Data" / "Images" / person / folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((pictures_of(lfw) / name).read_bytes())
            numbers[side][name] = len(lines) + 1
            lines.append(f"{len(lines) + 1} ../Data/Images/{person}/{folder}/{file}")
        (place / "Protocol").mkdir(exist_ok=True)
        (place / "Protocol" / f"Pair_list_{letter}.txt").write_text("\n".join(lines) + "\n")
    for fold in {pair.fold for pair in pairs}:
        folder = place / "Protocol" / "Split" / "FP" / f"{fold:02d}"
        folder.mkdir(parents=True)
        for kind, same in (("same", True), ("diff", False)):
            chosen = [pair for pair in pairs if pair.fold == fold and pair.same == same]
            lines = [f"{numbers[0][pair.first]},{numbers[1][pair.second]}" for pair in chosen]
            (folder / f"{kind}.txt").write_text("\n".join(lines) + "\n")
    return place


def as_pickle(lfw: Path, place: Path) -> Path:
    """As InsightFace publishes: a pickle of encoded pictures, two for each pair, and whether they are of one person."""
    pictures, pairs = pictures_of(lfw), pairs_of(lfw)
    both = [(pictures / name).read_bytes() for pair in pairs for name in (pair.first, pair.second)]
    place.mkdir(parents=True, exist_ok=True)
    (place / "lfw.bin").write_bytes(pickle.dumps((both, [pair.same for pair in pairs]), protocol=2))
    return place / "lfw.bin"


def as_archive(lfw: Path, place: Path) -> Path:
    """The same as arrays."""
    both, same = pickle.loads(as_pickle(lfw, place).read_bytes())
    file = place / "lfw.npz"
    np.savez(
        file,
        data=np.frombuffer(b"".join(both), np.uint8),
        ends=np.cumsum([len(picture) for picture in both]),
        same=np.array(same),
    )
    return file


def as_templates(lfw: Path, place: Path) -> Path:
    """Each picture a template, of two media that show it once and twice: their mean is the picture's own."""
    pairs = pairs_of(lfw)
    numbers = _numbered(lfw, place / "loose_crop", pairs)
    template = {name: 10 * number + 7 for number, name in enumerate(numbers)}
    rows = [f"{numbers[name]} {template[name]} {media}" for name in numbers for media in (1, 2, 2)]
    lines = [f"{template[pair.first]} {template[pair.second]} {int(pair.same)}" for pair in pairs]
    (place / "meta").mkdir()
    (place / "meta" / "ijbc_face_tid_mid.txt").write_text("\n".join(rows) + "\n")
    (place / "meta" / "ijbc_template_pair_label.txt").write_text("\n".join(lines) + "\n")
    return place


def as_records(lfw: Path, place: Path) -> tuple[Path, list[str]]:
    """Every picture of every person in a .rec file; and the names of these pictures, that of record 1 first."""
    people = sorted(folder for folder in pictures_of(lfw).iterdir() if folder.is_dir())
    files = [sorted(person.iterdir()) for person in people]
    write_faces(place / "train.rec", [[file.read_bytes() for file in own] for own in files])
    return place, [f"{file.parent.name}/{file.name}" for own in files for file in own]


LAYOUTS: dict[str, Callable[[Path, Path], Path]] = {
    "agedb_30": as_lines,
    "calfw": as_couples,
    "cfp_fp": as_cfp,
    "insightface": as_archive,
}
"""By the name of a set of pairs of pictures, from LFW and a place for the set to its root."""


def _numbered(lfw: Path, folder: Path, pairs: Sequence[Pair]) -> dict[str, str]:
    """The pictures of pairs under other names, in one folder."""
    folder.mkdir(parents=True)
    numbers: dict[str, str] = {}
    for name in sorted({name for pair in pairs for name in (pair.first, pair.second)}):
        numbers[name] = f"{len(numbers)}.jpg"
        (folder / numbers[name]).write_bytes((pictures_of(lfw) / name).read_bytes())
    return numbers


def random_jpeg(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream := io.BytesIO(), "JPEG")
    return stream.getvalue()
