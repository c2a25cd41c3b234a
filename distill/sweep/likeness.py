"""A student on labels beside the teacher's: trained alike, or what differs, in words."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from distill.recipe.recipe import TEACHER_STAGES, Recipe
from distill.report.results import Results

_OF_RESULTS = {"epochs", "batch_size", "optimization.learning_rate", "optimization.warmup"}
"""Settings that results.json has as they were in the end, with what the recipe left out."""
_NO_MATTER = {"checkpoint_steps", "loss", "teacher_precision"}
_MOST = 6  # settings that are named


def like_transfer(recipe: Recipe, said: Collection[str]) -> list[str]:
    """Arguments that train a student on labels as `transfer` trains it on the teacher's answers.

    Args:
        said: the keys that somebody wrote; of `fine_tune`, these stay as they are.
    """
    if "transfer" not in recipe.stages:
        return []
    ours, own = dict(_flat(asdict(recipe.transfer))), dict(_flat(asdict(recipe.fine_tune)))
    keys = [key for key in own if key in ours and f"fine_tune.{key}" not in said]
    return [f"--fine_tune.{key}={value if isinstance(value := ours[key], str) else json.dumps(value)}" for key in keys]


def differing(recipes: tuple[Recipe, Recipe], results: tuple[Results, Results]) -> list[str]:
    """How the training of a student on labels differs from that of the teacher's, in words; empty where they are alike.

    Args:
        recipes, results: of the teacher's student, and of the one on labels.
    """
    trained = [[stage["training"] for stage in one["stages"] if _of_student(stage)] for one in results]
    if not all(trained):
        return []
    words = []
    shown = [sum(stage["shown"] for stage in stages) for stages in trained]
    if shown[0] != shown[1]:
        words.append(f"{shown[0]:,} pictures shown against {shown[1]:,}")
    last = [stages[-1] for stages in trained]
    for key, name in (("batch_size", "a batch of"), ("learning_rate", "a rate of"), ("warmup", "a warm-up of")):
        if (ours := last[0][key]) != (theirs := last[1][key]):  # type: ignore[literal-required]
            words.append(f"{name} {ours:g} against {theirs:g}")
    settings = [dict(_flat(asdict(one.stage(one.stages[-1])))) for one in recipes]
    for key in sorted((settings[0].keys() & settings[1].keys()) - _OF_RESULTS - _NO_MATTER):
        if settings[0][key] != settings[1][key]:
            words.append(f"{key} {json.dumps(settings[0][key])} against {json.dumps(settings[1][key])}")
    return words


def sentence_of(unlike: Sequence[str]) -> str:
    """What differs, in the sentence that a comparison begins with; empty where nothing does."""
    if not unlike:
        return ""
    more = f"; and {len(unlike) - _MOST} more" if len(unlike) > _MOST else ""
    return f"Not like for like: the teacher's students had {'; '.join(unlike[:_MOST])}{more} of those on labels."


def _of_student(stage: Mapping[str, Any]) -> bool:
    return stage["name"] not in TEACHER_STAGES and "training" in stage


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
