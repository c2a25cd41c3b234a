"""A store that a former version wrote is read: the same rows, from a manifest whose outputs are a number."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from distill.answers import Probabilities
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.store.teacher import Stored
from tests.helpers.answering import VIEWS, shown
from tests.helpers.nets import CLASSES


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def former_store(place: Path, viewed: np.ndarray, whole: np.ndarray) -> dict[str, np.ndarray]:
    """Two views of pictures of rising hashes, 20 rows a file, and its rows by file name, as they were written then."""
    place.mkdir()
    generator = np.random.default_rng(0)
    files = {"pictures.npy": viewed, "whole.npy": whole}
    for kind, hashes in (("view-0000", viewed), ("view-0001", viewed), ("whole", whole)):
        for part, start in enumerate(range(0, len(hashes), 20)):
            rows = min(20, len(hashes) - start)
            files[f"{kind}-{part:05d}.npy"] = generator.normal(size=(rows, 3)).astype(np.float16)
    for name, content in files.items():
        np.save(place / name, content)
    pictures = hashlib.sha256(f"{('version 1',)}; {(20, 16)} {len(viewed)}".encode() + viewed.tobytes())
    pictures.update(whole.tobytes())
    manifest: dict[str, Any] = {
        "teacher": {
            "name": "conv",
            "fingerprint": "conv",
            "outputs": 3,
            "classes": list(CLASSES),
            "preprocess": {
                "height": 12,
                "width": 12,
                "interpolation": "bicubic",
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "crop": [0.0, 0.0, 1.0, 1.0],
            },
            "mult_adds": None,
            "parameters": 9,
        },
        "pictures": {
            "pixels": ["version 1"],
            "height": 20,
            "width": 16,
            "viewed": len(viewed),
            "whole": len(whole),
            "fingerprint": pictures.hexdigest(),
        },
        "seed": 5,
        "views": {
            "scale": [0.5, 1.0],
            "ratio": 1.15,
            "flip": 0.5,
            "brightness": 0.2,
            "contrast": 0.2,
            "saturation": 0.2,
            "mixup": 0.0,
            "cutmix": 0.0,
            "count": None,
        },
        "count": 2,
        "dtype": "float16",
        "top": None,
        "rows": 20,
        "view_policy": 1,
        "version": 1,
        "checksums": {name: sha256((place / name).read_bytes()) for name in files},
    }
    compact = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    text = json.dumps(manifest | {"sha256": sha256(compact.encode())}, indent=2)
    (place / "manifest.json").write_text(text + "\n")
    return files


def test_its_rows_are_the_answers_to_views_and_to_whole_pictures(labelled: Prepared, tmp_path: Path) -> None:
    pictures, test = shown(labelled), Pictures.of(labelled, "test")
    viewed, whole = pictures.viewed(), pictures.whole()
    files = former_store(tmp_path / "s", viewed, whole)
    teacher = Stored(root=tmp_path / "s").teacher(Probabilities(CLASSES))
    assert (teacher.name, teacher.shapes, teacher.outputs, teacher.classes) == ("conv", {"logits": (3,)}, 3, CLASSES)

    answers, transfer = teacher.answers_to(pictures.transfer, VIEWS, 5), pictures.transfer
    for view in range(2):
        rows = dict(
            zip(viewed.tolist(), np.vstack([files[f"view-{view:04d}-0000{part}.npy"] for part in (0, 1)]), strict=True)
        )
        expected = np.stack([rows[one] for one in transfer.hashes.tolist()])
        (decoded,) = answers(np.arange(len(transfer)), view).values()
        np.testing.assert_array_equal(decoded.numpy(), expected)  # type: ignore[union-attr]

    rows = dict(zip(whole.tolist(), np.vstack([files[f"whole-0000{part}.npy"] for part in (0, 1, 2)]), strict=True))
    expected = np.stack([rows[one] for one in test.hashes.tolist()]).astype(np.float32)
    np.testing.assert_array_equal(teacher.recall(test)["logits"].numpy(), expected)


def test_what_it_says_of_its_answers_is_written_again_as_it_was(labelled: Prepared, tmp_path: Path) -> None:
    pictures = shown(labelled)
    former_store(tmp_path / "s", pictures.viewed(), pictures.whole())
    store = Stored(root=tmp_path / "s").teacher(Probabilities(CLASSES)).store
    assert store.manifest.pictures == pictures.facts()
    store.manifest.write(tmp_path / "again.json")
    written, again = (
        json.loads(file.read_text()) for file in (tmp_path / "s" / "manifest.json", tmp_path / "again.json")
    )
    assert again == written
