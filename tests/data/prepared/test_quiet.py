"""A damaged picture is named in the ledger, and nothing is printed that names none."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DECODE = """
import sys
from pathlib import Path
from distill.data.prepared.decode import BadPicture, decode
for file in sys.argv[1:]:
    try:
        decode(Path(file), file)
    except BadPicture as bad:
        print(bad)
"""


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate"])
def test_libtiff_prints_nothing(compression: str, tmp_path: Path) -> None:
    buffer, generator = io.BytesIO(), np.random.default_rng(0)
    pixels = generator.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "TIFF", compression=compression)
    files = []
    for k in range(12):
        damaged = bytearray(buffer.getvalue())
        for place in generator.integers(8, len(damaged), 40):  # of pixels and, at the end, of the directory
            damaged[place] = int(generator.integers(256))
        files.append(tmp_path / f"{k}.tif")
        files[-1].write_bytes(damaged)
    done = subprocess.run([sys.executable, "-c", DECODE, *map(str, files)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) > 6  # the lines name their pictures
    assert all(line.startswith(str(tmp_path)) for line in done.stdout.splitlines())
