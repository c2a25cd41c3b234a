"""Metrics by their names, as evaluators give them: which is said first, how it reads, of which less is better."""

import re
from collections.abc import Mapping
from typing import Any

_TAR_AT_FAR = re.compile(r"tar@far=(.+)", re.IGNORECASE)


def chief_metric(metrics: Mapping[str, float]) -> str:
    """TAR at the first FAR where there is one, for accuracy of pairs hides the rare false accept; else the first.

    Args:
        metrics: from a metric's name to its value, at least one.
    """
    return next((name for name in metrics if _TAR_AT_FAR.fullmatch(name)), next(iter(metrics)))


def spoken(name: str, value: float) -> str:
    """A metric in a sentence: mAP 0.631, TAR 0.981 at FAR 1e-2."""
    far = _TAR_AT_FAR.fullmatch(name)
    return f"TAR {value:.3f} at FAR {far[1]}" if far else f"{name} {value:.3f}"


def is_error(name: str) -> bool:
    """Whether less of it is better, so that a share of the teacher's says nothing good."""
    return name.lower() in ("eer", "calibration error", "median error, km")


def differing_metric(difference: Mapping[str, Any]) -> str:
    """The metric that a paired difference was taken of: the key beside `interval`."""
    return next(name for name in difference if name != "interval")
