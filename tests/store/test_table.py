"""The table holds the rows of the files."""

from pathlib import Path

import numpy as np

from distill.data.prepared.prepared import Prepared
from distill.store.table import to_dataset
from tests.helpers.answering import TwoHeads, shown, store


def test_a_view_and_whole_pictures(labelled: Prepared, tmp_path: Path) -> None:
    written = store(tmp_path / "s", shown(labelled), dtype="float16")
    table = to_dataset(written, 1)
    kept = np.concatenate([np.load(written.directory / f"view-0001-{part:05d}.npy") for part in range(4)])
    assert table["picture"][:] == np.load(written.directory / "pictures.npy").tolist()
    np.testing.assert_array_equal(np.array(table["logits"][:], np.float16), kept)
    assert len(to_dataset(written, None)) == 46
    table.to_parquet(tmp_path / "view.parquet")  # every column has a type that files can hold


def test_several_tensors_have_a_column_each(labelled: Prepared, tmp_path: Path) -> None:
    written = store(tmp_path / "s", shown(labelled), TwoHeads())
    table = to_dataset(written, 1)
    kept = np.concatenate([np.load(written.directory / f"view-0001-{part:05d}.npy") for part in range(4)])
    assert table.column_names == ["picture", "logits", "plane"] and kept["plane"].shape[1:] == (3, 2)
    for name in ("logits", "plane"):
        np.testing.assert_array_equal(np.array(table[name][:], np.float32), [row.ravel() for row in kept[name]])
