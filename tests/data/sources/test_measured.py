"""Pictures of a folder with the size that they came in."""

from pathlib import Path

import numpy as np
from PIL import Image

from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.folder import Folder
from distill.data.sources.measured import Measured
from distill.data.sources.source import Sample
from distill.data.targets import PICTURE_SIZE
from tests.helpers.listed import Listed


def test_sizes_are_those_of_the_upright_picture(tmp_path: Path) -> None:
    root = tmp_path / "photographs"
    root.mkdir()
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 50, 3), np.uint8))
    grey.save(root / "a.png")
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn
    grey.save(root / "b.jpg", exif=turned)
    prepared = prepare(Measured(Folder(root=root)), tmp_path / "set", Frame(16, 16, "stretch"))
    assert prepared.targets[PICTURE_SIZE.name].tolist() == [[20, 50], [50, 20]]


def test_a_damaged_picture_is_left_to_prepare_and_a_part_has_its_own_size(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"none")
    samples = (Sample("0", broken), Sample("1", np.zeros((7, 9, 3), np.uint8)), Sample("2", broken, box=(1, 2, 5, 9)))
    sizes = [sample.targets.get(PICTURE_SIZE.name) for sample in Measured(Listed(samples, ())).samples(1, 1)]
    assert sizes == [None, (7, 9), (7, 4)]
