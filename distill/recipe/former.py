"""The recipe that a run directory keeps, as a former version resolved it.

There every objective and every student had the keys of all of them. What stands at its default said nothing; anything
else is left to be refused as an unknown key.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from distill.recipe.variants import DEFAULTS, variant

_DEFAULTS: dict[str, dict[str, Any]] = {
    "objective": {
        "temperature": 1.0,
        "label_weight": 0.0,
        "standardize": False,
        "target_weight": 1.0,
        "others_weight": 8.0,
        "distance_weight": 0.0,
        "angle_weight": 0.0,
    },
    "student": {"width": 1.0, "variant": "separable", "activation": "relu"},
}


def as_now(content: Mapping[str, Any]) -> dict[str, Any]:
    """The same content without the keys that its variants lack and that said nothing."""
    now = dict(content)
    for section, defaults in _DEFAULTS.items():
        if isinstance(written := content.get(section), dict):
            own = {field.name for field in fields(variant(section, written.get("name", DEFAULTS[section])))}
            now[section] = {
                key: value
                for key, value in written.items()
                if key in own or key not in defaults or value != defaults[key]
            }
    return now
