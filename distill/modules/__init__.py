"""LightningModules: `Distiller` learns from a teacher, `BoxDistiller` from the inside of a detector as well,
`FineTuner` from labels, `BoxLearner` from boxes of the data, `MetricLearner` from who is shown."""

from distill.modules.box_distiller import BoxDistiller
from distill.modules.box_learner import BoxLearner
from distill.modules.distiller import Distiller
from distill.modules.fine_tuner import FineTuner
from distill.modules.metric_learner import MetricLearner
from distill.modules.optimization import Optimization

__all__ = ["BoxDistiller", "BoxLearner", "Distiller", "FineTuner", "MetricLearner", "Optimization"]
