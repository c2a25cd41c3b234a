"""Photographs in VOC's layout that show rectangles of two colours, and a recipe of boxes that runs in seconds."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIDE, CLASSES = 64, ("blue", "red")
PARTS = {"train": 24, "val": 4, "test": 12}


def rectangles(number: int) -> list[tuple[str, int, int, int, int]]:
    """Class and first and last column and row, from 1 as VOC counts, of a picture's one or two rectangles."""
    generator = np.random.default_rng(number)
    found = []
    for k in range(1 + number % 2):
        width, height = generator.integers(14, 26, 2).tolist()
        left, top = min(int(generator.integers(1, 31)) + 32 * k, SIDE - width), int(generator.integers(1, 38))
        found.append((CLASSES[int(generator.integers(2))], left, top, left + width - 1, top + height - 1))
    return found


def voc_of_rectangles(root: Path) -> Path:
    """The folders; deterministic."""
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (root / folder).mkdir(parents=True)
    number = 0
    for part, count in PARTS.items():
        names = []
        for _ in range(count):
            name = f"{number:06d}"
            picture = np.random.default_rng(1000 + number).integers(60, 120, (SIDE, SIDE, 3), dtype=np.uint8)
            objects = []
            for colour, x1, y1, x2, y2 in rectangles(number):
                picture[y1 - 1 : y2, x1 - 1 : x2] = (230, 30, 30) if colour == "red" else (30, 30, 230)
                sides = "".join(
                    f"<{key}>{side}</{key}>"
                    for key, side in zip(("xmin", "ymin", "xmax", "ymax"), (x1, y1, x2, y2), strict=True)
                )
                objects.append(
                    f"<object><name>{colour}</name><difficult>0</difficult><bndbox>{sides}</bndbox></object>"
                )
            Image.fromarray(picture).save(root / "JPEGImages" / f"{name}.png")
            size = f"<size><width>{SIDE}</width><height>{SIDE}</height><depth>3</depth></size>"
            (root / "Annotations" / f"{name}.xml").write_text(f"<annotation>{size}{''.join(objects)}</annotation>")
            names.append(name)
            number += 1
        (root / f"ImageSets/Main/{part}.txt").write_text("\n".join(names))
    return root


def recipe_of_rectangles(root: Path) -> dict[str, Any]:
    """A teacher that is taught, a student of its boxes, and a file of it."""
    stage = {
        "epochs": 2,
        "batch_size": 8,
        "optimization": {"learning_rate": 0.003},
        "views": {"scale": [0.8, 1.0], "brightness": 0.0, "contrast": 0.0, "saturation": 0.0},
    }
    return {
        "task": "boxes",
        "seed": 1,
        "stages": ["teach", "transfer"],
        "data": {"name": "voc", "root": str(root)},
        "prepare": {"height": SIDE, "width": SIDE, "fit": "stretch"},
        "teacher": {"name": "ssd_mobilenet_v1", "width": 0.25, "resolution": SIDE},
        "student": {"name": "ssd_mobilenet_v1", "width": 0.1, "resolution": SIDE},
        "objective": {"name": "boxes"},
        "teach": stage | {"epochs": 30, "optimization": {"learning_rate": 0.01}},  # else it is sure of nothing
        "transfer": stage,
        "evaluate": {"resamples": 20, "chance": "accept"},  # so little may teach nothing
        "export": {"formats": ["onnx"]},
        "trainer": {"accelerator": "cpu", "devices": 1},
    }
