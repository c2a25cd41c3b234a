"""What a student is asked to imitate: formulas over one picture each, and their weighted sum."""

from distill.objectives.objective import Objective

__all__ = ["Objective"]
