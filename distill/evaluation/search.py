"""The most alike pictures of a gallery, by faiss.

faiss runs on OpenMP threads: a process forked after a search hangs in its next one, so data workers must be spawned.

Shapes: N probes, G gallery pictures, D embedding dimensions, k neighbours.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

# Up to here exact search takes about 20 ms a query at 128 dimensions on one core.
FLAT_LIMIT = 1_000_000
# Links of a node and the candidates kept while building and searching: recall about 0.97 at a million pictures.
HNSW_LINKS, HNSW_CANDIDATES = 32, 200

Index = Literal["flat", "hnsw"]


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of each probe by falling cosine.

    Attributes:
        cosines: float32 (N, k), -infinity where there is none.
        rows: int64 (N, k), of the gallery, -1 where there is none.
    """

    cosines: np.ndarray
    rows: np.ndarray


class Gallery:
    """Unit vectors to search in.

    Args:
        unit: float32 (G, D) of unit length.
        flat_limit: pictures up to which the search is exact (`flat`); above, it is a graph (`hnsw`), which misses a few
            per cent of the neighbours and answers in well under a millisecond.
    """

    def __init__(self, unit: np.ndarray, flat_limit: int = FLAT_LIMIT) -> None:
        import faiss

        self.size, dimensions = unit.shape
        self.index: Index = "flat" if self.size <= flat_limit else "hnsw"
        if self.index == "flat":
            self._faiss: Any = faiss.IndexFlatIP(dimensions)
        else:
            self._faiss = faiss.IndexHNSWFlat(dimensions, HNSW_LINKS, faiss.METRIC_INNER_PRODUCT)
            self._faiss.hnsw.efConstruction = HNSW_CANDIDATES
        self._faiss.add(np.ascontiguousarray(unit, dtype=np.float32))

    def others(self, unit: np.ndarray, own: np.ndarray, k: int) -> Neighbours:
        """The k pictures most like each probe, its own left out.

        Args:
            unit: float32 (N, D) of unit length.
            own: int (N,), the row of each probe's own picture in the gallery.
            k: at most G - 1.
        """
        if self.index == "hnsw":
            self._faiss.hnsw.efSearch = max(HNSW_CANDIDATES, 2 * (k + 1))
        cosines, rows = self._faiss.search(np.ascontiguousarray(unit, dtype=np.float32), k + 1)
        cosines[rows < 0] = -np.inf
        kept = rows != own[:, None]
        # where the own picture is not among them, the last of the one too many goes instead
        kept[kept.all(axis=1), -1] = False
        return Neighbours(*(values[kept].reshape(len(unit), k) for values in (cosines, rows)))
