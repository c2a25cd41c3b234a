"""LightningModules: `Distiller` learns from a teacher, `FineTuner` from labels, `BoxLearner` from boxes of the data,
`MetricLearner` from who is shown."""

from distill.modules.box_learner import BoxLearner
from distill.modules.distiller import Distiller
from distill.modules.fine_tuner import FineTuner
from distill.modules.metric_learner import MetricLearner
from distill.modules.optimization import Optimization

__all__ = ["BoxLearner", "Distiller", "FineTuner", "MetricLearner", "Optimization"]
