"""What a reader must know before any figure of a run: models within chance, and stages that were trained badly."""

from collections.abc import Mapping
from typing import Any

from distill.report.results import Results, models_of


def within_chance(role: str, model: Mapping[str, Any]) -> str | None:
    """A sentence on a model whose score is that of blind guesses; None of any other."""
    if not model.get("at_chance"):
        return None
    metric, score = next(iter(model["metrics"].items()))
    return f"The {role} is within chance: {metric} {score:.4f}, where blind guesses have {model['by_chance']:.4f}."


def doubts_of(results: Results) -> list[str]:
    """Those of a run, in sentences, the gravest first.

    Args:
        results: the content of results.json.
    """
    doubts = [said for role, model in models_of(results).items() if (said := within_chance(role, model))]
    return doubts + [stage["doubt"] for stage in results["stages"] if "doubt" in stage]
