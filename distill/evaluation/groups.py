"""Scores by group: whether a model serves the pictures that show an attribute as well as those that do not.

Both groups are measured on the attributes that have a positive and a negative picture in each, or the two means would
be of different questions. Even so average precision falls with the share of positives, which differs between groups:
models are compared within a group, and groups with care.

Shapes: N pictures, C attributes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from distill.evaluation.attributes import evaluate_attributes


def group_scores(
    answers: Mapping[str, np.ndarray],
    labels: np.ndarray,
    classes: Sequence[str],
    by: Sequence[str],
    *,
    seed: int,
    resamples: int,
) -> list[dict[str, Any]]:
    """mAP of each model among the pictures that show an attribute, and among those that do not.

    Args:
        answers: from a model's role to its scores, float (N, C).
        labels: int8 (N, C): 1 present, 0 absent, -1 unknown; a picture is in neither group where it is unknown.
        by: the attributes to divide by; one that is not labelled, or leaves nothing that both groups can be measured
            on, is passed over.

    Returns:
        Two entries an attribute: `attribute`, `shown`, `pictures`, the number of `attributes` measured, and under
        `models` by role `mAP` and its `interval`.
    """
    entries = []
    for name in by:
        if name not in classes:
            continue
        column = list(classes).index(name)
        groups = {shown: labels[:, column] == shown for shown in (True, False)}
        measurable = np.all([_has_both(labels[rows]) for rows in groups.values()], axis=0)
        columns = np.flatnonzero(measurable)
        if not len(columns):
            continue
        kept = [classes[c] for c in columns.tolist()]
        for shown, rows in groups.items():
            models = {}
            for role, values in answers.items():
                scores = evaluate_attributes(
                    values[rows][:, columns], labels[rows][:, columns], kept, seed=seed, resamples=resamples
                )
                models[role] = {"mAP": scores.mean_average_precision, "interval": list(scores.interval)}
            pictures = int(rows.sum())
            entries.append(
                {"attribute": name, "shown": shown, "pictures": pictures, "attributes": len(kept), "models": models}
            )
    return entries


def _has_both(labels: np.ndarray) -> np.ndarray:
    """bool (C,): whether an attribute has a positive and a negative picture."""
    return (labels == 1).any(axis=0) & (labels == 0).any(axis=0)
