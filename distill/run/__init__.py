"""What a run does: its stages in order, the training of each, and the gate that every exported file has to pass."""

from distill.run.pipeline import run

__all__ = ["run"]
