"""What a student is asked to imitate: formulas over one picture each, and the objectives that weigh and sum them."""

from distill.objectives.correlation import Dist
from distill.objectives.decoupled import Dkd
from distill.objectives.directions import Cosine, SquaredEmbedding
from distill.objectives.logits import BernoulliKl, SoftmaxKl, SquaredLogits
from distill.objectives.objective import Answers, Objective, Targets
from distill.objectives.own import OwnLoss

__all__ = [
    "Answers",
    "BernoulliKl",
    "Cosine",
    "Dist",
    "Dkd",
    "Objective",
    "OwnLoss",
    "SoftmaxKl",
    "SquaredEmbedding",
    "SquaredLogits",
    "Targets",
]
