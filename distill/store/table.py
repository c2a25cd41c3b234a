"""A store as a table of the `datasets` library, for programs that read those."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from distill.store.store import Store

if TYPE_CHECKING:
    import datasets


def to_dataset(store: Store, view: int | None) -> "datasets.Dataset":
    """The answers to one view, or (None) to whole pictures, in memory.

    Returns:
        a row a picture: `picture`, its content hash (uint64), and `logits`; of a store of the largest logits, `logits`,
        `classes` and `log_rest` as `distill.objectives.top` has them; of several tensors the
        numbers of each, end to end, under its name.
    """
    import datasets
    import pyarrow as pa

    hashes = store.whole if view is None else store.viewed
    rows = np.arange(len(hashes))
    answers = store.whole_answers(rows) if view is None else store.view_answers(rows, view)
    parts: dict[str, Any] = {name: answers[name] for name in answers.dtype.names or ()} or {"logits": answers}
    columns = {"picture": pa.array(hashes)}
    for name, values in parts.items():
        columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), math.prod(values.shape[1:]))
    return datasets.Dataset(pa.table(columns))
