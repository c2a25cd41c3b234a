"""The front door: what Python users import, loaded when it is asked for, so that `import distill` waits for no torch.

The registries name what a recipe may choose from. A package adds to them by Python entry points of the groups
`distill.students`, `distill.teachers`, `distill.sources`, `distill.objectives`, `distill.tasks` and `distill.answers`;
code adds to them in its own process:

    from distill import STUDENTS

    STUDENTS.add("tinynet", TinyNet)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from distill.errors import DistillError

if TYPE_CHECKING:
    from distill.modules.distiller import Distiller
    from distill.objectives.objective import Objective
    from distill.predictors.open import open_predictor
    from distill.preprocess.preprocess import Preprocess
    from distill.recipe.recipe import Recipe
    from distill.registries import ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS

__all__ = [
    "ANSWERS",
    "OBJECTIVES",
    "SOURCES",
    "STUDENTS",
    "TASKS",
    "TEACHERS",
    "DistillError",
    "Distiller",
    "Objective",
    "Preprocess",
    "Recipe",
    "open_predictor",
]

_HOMES = {
    "Distiller": "distill.modules.distiller",
    "Objective": "distill.objectives.objective",
    "Preprocess": "distill.preprocess.preprocess",
    "Recipe": "distill.recipe.recipe",
    "open_predictor": "distill.predictors.open",
} | dict.fromkeys(("ANSWERS", "OBJECTIVES", "SOURCES", "STUDENTS", "TASKS", "TEACHERS"), "distill.registries")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'distill' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
