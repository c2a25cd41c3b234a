"""Views: random crops, flips, colours and mixtures as pure functions of (seed, picture, view number).

Drawing a view (numbers) is separate from cutting it (pixels, `distill.data.views.cutting`): numbers are drawn on the
CPU by the loader and are the same to the bit everywhere.

Shapes: N batch, H W pixels of the prepared pictures.
"""

import math
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from distill.data.views.philox import Purpose, permutation, uniform, words
from distill.errors import DistillError

POLICY = 1
"""Of what is drawn here and cut in `distill.data.views.cutting`; raised with any change: answers to views are kept."""


@dataclass(frozen=True)
class Views:
    """How views are drawn; the keys of a stage's `views` section.

    Attributes:
        scale: smallest and largest share of the picture's area a crop covers, before a side that its stretch makes
            longer than the picture's is shortened to it.
        ratio: largest stretch of the crop's shape against the picture's own; drawn log-uniformly from 1/ratio..ratio.
        flip: probability of mirroring left and right.
        brightness, contrast, saturation: largest relative change, each drawn from 1 - x..1 + x.
        mixup: largest weight of the picture mixed in, drawn from 0..mixup; 0 mixes nothing.
        cutmix: largest share of the view that a box of another one covers, drawn from 0..cutmix; 0 covers nothing.
        zoom_out: probability that a view shows all of the picture small, on grey, in place of a crop.
        zoom: how many times the picture's sides such a view's are at most; drawn from 1..zoom.
        keep_object: probability that a crop is moved to hold the centre of one of the picture's boxes; see
            `distill.data.views.objects`.
        count: number of different views of a picture; pass e shows view e mod count. None: every pass a new one.
    """

    scale: tuple[float, float] = (0.7, 1.0)
    ratio: float = 1.15
    flip: float = 0.5
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    mixup: float = 0.0
    cutmix: float = 0.0
    zoom_out: float = 0.0
    zoom: float = 4.0
    keep_object: float = 0.0
    count: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise DistillError(f"views.scale is {list(self.scale)}, expected 0 < smallest <= largest <= 1.")
        if self.ratio < 1:
            raise DistillError(f"views.ratio is {self.ratio}, expected at least 1.")
        for key in ("flip", "brightness", "contrast", "saturation", "zoom_out", "keep_object"):
            if not 0 <= getattr(self, key) <= 1:
                raise DistillError(f"views.{key} is {getattr(self, key)}, expected a number from 0 to 1.")
        if not 1 <= self.zoom < math.inf:
            raise DistillError(f"views.zoom is {self.zoom}, expected at least 1: sides of the view by the picture's.")
        if not 0 <= self.mixup <= 0.5:
            raise DistillError(f"views.mixup is {self.mixup}, expected a weight from 0 to 0.5.")
        if not 0 <= self.cutmix <= 1:
            raise DistillError(f"views.cutmix is {self.cutmix}, expected a share from 0 to 1.")
        if self.mixup and self.cutmix:
            raise DistillError(
                f"views.mixup is {self.mixup} and views.cutmix {self.cutmix}: a view is mixed in one way. Set one to 0."
            )
        if self.count is not None and self.count < 1:
            raise DistillError(f"views.count is {self.count}, expected at least 1, or null for a new view each pass.")

    @property
    def mixes(self) -> bool:
        """Whether a view shows a second picture of the set, so that it depends on which pictures there are."""
        return self.mixup > 0 or self.cutmix > 0

    def facts(self) -> dict[str, Any]:
        """The fields, for JSON and keys. What draws nothing is left out where it came later than the others: what was
        known before it existed stays known."""
        facts = asdict(self)
        if not self.zoom_out:
            del facts["zoom_out"], facts["zoom"]
        if not self.keep_object:
            del facts["keep_object"]
        return facts

    def number(self, epoch: int) -> int:
        """The view that pass ``epoch`` shows."""
        return epoch if self.count is None else epoch % self.count


@dataclass(frozen=True)
class Draw:
    """The numbers of N views.

    Attributes:
        box: float32 (N, 4), top, left, height, width in pixels of the prepared picture; larger than it of a view that
            is zoomed out.
        zoomed: bool (N,), which these are.
        flip: bool (N,).
        color: float32 (N, 3), factors of brightness, contrast and saturation.
    """

    box: np.ndarray
    zoomed: np.ndarray
    flip: np.ndarray
    color: np.ndarray


def draw(views: Views, seed: int, hashes: np.ndarray, view: int, height: int, width: int) -> Draw:
    """Draw view number ``view`` of pictures known by ``hashes`` (uint64 (N,)), H x W pixels large."""
    raw = words(seed, hashes, view, Purpose.GEOMETRY)
    u = uniform(raw)
    area = views.scale[0] + (views.scale[1] - views.scale[0]) * u[:, 0]
    stretch = _stretch(views.ratio, raw[:, 1])
    share_y = np.minimum(1.0, np.sqrt(area / stretch))
    share_x = np.minimum(1.0, np.sqrt(area * stretch))
    box = np.stack(
        [
            height * (1 - share_y) * u[:, 2],
            width * (1 - share_x) * u[:, 3],
            height * share_y,
            width * share_x,
        ],
        axis=1,
    )
    zoomed = np.zeros(len(hashes), bool)
    if views.zoom_out:
        zoomed, wide = _zoomed(views, seed, hashes, view)
        box = np.where(zoomed[:, None], wide * (height, width, height, width), box)
    c = uniform(words(seed, hashes, view, Purpose.COLOR))
    jitter = np.array([views.brightness, views.contrast, views.saturation])
    return Draw(
        box=box.astype(np.float32),
        zoomed=zoomed,
        flip=c[:, 3] < views.flip,
        color=(1 + jitter * (2 * c[:, :3] - 1)).astype(np.float32),
    )


def _zoomed(views: Views, seed: int, hashes: np.ndarray, view: int) -> tuple[np.ndarray, np.ndarray]:
    """Which views are zoomed out, bool (N,), and the boxes they would have, (N, 4) as shares of the picture.

    The expansion of SSD (Liu et al. 2016, arXiv 1512.02325): the picture lies anywhere on a ground that has up to
    ``views.zoom`` times its sides.
    """
    u = uniform(words(seed, hashes, view, Purpose.ZOOM))
    sides = 1 + (views.zoom - 1) * u[:, 1]
    return u[:, 0] < views.zoom_out, np.stack([(1 - sides) * u[:, 2], (1 - sides) * u[:, 3], sides, sides], axis=1)


def _stretch(ratio: float, raw: np.ndarray) -> np.ndarray:
    """ratio ** (2u - 1) for u = `uniform` (raw), float64.

    By square roots and products alone: those IEEE 754 rounds in one way, where the last bit of a power depends on the
    processor and on who compiled numpy.
    """
    octets = np.ascontiguousarray(raw, dtype="<u4").view(np.uint8).reshape(-1, 4)
    low, second, third, high = (table[octet] for table, octet in zip(_powers(ratio), octets.T, strict=True))
    return low * second * (third * high)


@lru_cache
def _powers(ratio: float) -> np.ndarray:
    """float64 (4, 256): what each octet of a word, the lowest first, contributes to `_stretch`.

    Bit i of the word stands for the 2^(32 - i)-th root of ratio ** 2.
    """
    roots = [ratio * ratio]
    for _ in range(33):
        roots.append(math.sqrt(roots[-1]))
    tables = np.ones((4, 256))
    for bit, root in enumerate(reversed(roots[1:33])):
        table, place = tables[bit // 8], 1 << bit % 8
        table[place : 2 * place] = table[:place] * root
    tables[0] *= roots[33] / ratio  # the half that `uniform` adds, and the start of the range
    return tables


def partners(seed: int, hashes: np.ndarray, view: int) -> np.ndarray:
    """Whom each picture of the whole set is mixed with: int64 (N,), a permutation.

    It is drawn over the set, not over a batch, so that a view does not depend on the batch size.
    """
    partner = np.empty(len(hashes), dtype=np.int64)
    partner[np.argsort(hashes, kind="stable")] = permutation(seed, hashes, view, Purpose.PARTNER)
    return partner


def mixing_weights(views: Views, seed: int, hashes: np.ndarray, view: int) -> np.ndarray:
    """The weight of the partner: float32 (N,), uniform on 0..views.mixup."""
    return (views.mixup * uniform(words(seed, hashes, view, Purpose.MIXING))[:, 0]).astype(np.float32)


def patches(views: Views, seed: int, hashes: np.ndarray, view: int) -> np.ndarray:
    """Where the partner's view covers one's own: float32 (N, 4), top, left, height, width as shares of the view.

    CutMix (Yun et al. 2019, arXiv 1905.04899), with the box's area uniform on 0..views.cutmix and all places inside
    the view equally likely. The paper's may hang over the edge, and what hangs over is lost.
    """
    u = uniform(words(seed, hashes, view, Purpose.PATCH))
    side = np.sqrt(views.cutmix * u[:, 0])
    return np.stack([(1 - side) * u[:, 1], (1 - side) * u[:, 2], side, side], axis=1).astype(np.float32)
