"""LightningModules: `Distiller` learns from a teacher, `FineTuner` from labels."""

from distill.modules.distiller import Distiller
from distill.modules.fine_tuner import FineTuner
from distill.modules.optimization import Optimization

__all__ = ["Distiller", "FineTuner", "Optimization"]
