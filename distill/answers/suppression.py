"""From many overlapping boxes to one for each thing: non-maximum suppression, the same behind every runtime.

Shapes: N pictures, K boxes of an answer, C classes, D detections of all pictures.
"""

import numpy as np

from distill.data.targets import Ragged

LEAST = 0.01
"""The score from which a box is looked at."""
CANDIDATES = 400
"""Boxes of a class and picture that are looked at, the surest: before training all of them are as sure."""


def suppressed(
    boxes: np.ndarray, scores: np.ndarray, iou: float = 0.6, most: int = 100, least: float = LEAST
) -> tuple[Ragged, Ragged, Ragged]:
    """What is found in each picture; in each class by itself, so that two classes may be found at one place.

    Args:
        boxes: (N, K, 4), x1, y1, x2, y2 as shares of the picture.
        scores: (N, K, C), from 0 to 1.
        iou: of two boxes of a class that overlap by more than this, the less sure is dropped.
        most: detections of a picture that are kept, the surest.
        least: the score from which a box is looked at.

    Returns:
        float32 boxes (D, 4), float32 scores (D,), int16 classes (D,); of each picture the surest first.
    """
    import torch
    from torchvision.ops import batched_nms

    parts = []
    for places, sureness in zip(boxes, scores, strict=True):
        looked_at = min(CANDIDATES, len(sureness))
        surest = np.argsort(-sureness, axis=0, kind="stable")[:looked_at]  # (K, C)
        box, kind = surest.T.ravel(), np.repeat(np.arange(sureness.shape[1]), looked_at)
        enough = sureness[box, kind] >= least
        box, kind = box[enough], kind[enough]
        score = sureness[box, kind].astype(np.float32)
        found = places[box].astype(np.float32).reshape(-1, 4)
        kept = batched_nms(*(torch.from_numpy(part) for part in (found, score, kind)), iou).numpy()
        kept = np.sort(kept)
        kept = kept[np.argsort(-score[kept], kind="stable")][:most]
        parts.append((found[kept], score[kept], kind[kept].astype(np.int16)))
    offsets = np.cumsum([0, *(len(score) for _, score, _ in parts)], dtype=np.int64)
    empty = (np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int16))
    columns = [np.concatenate(column) for column in zip(empty, *parts, strict=True)]
    return Ragged(columns[0], offsets), Ragged(columns[1], offsets), Ragged(columns[2], offsets)
