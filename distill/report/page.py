"""report.html: one file that needs no network, no script and no other file.

The page shows results.json and nothing that is not in it, but for the curves, the pictures and the recipe's text. A
part that a run did not produce (an evaluation may have no teacher) is left out.

Shapes: K pictures shown, C classes, H W pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from distill import formatting
from distill.files.atomic import atomic_path
from distill.report.data_uris import picture_uri, svg_uri
from distill.report.files import file_parts
from distill.report.metrics import chief_metric, differing_metric, is_error, spoken
from distill.report.plots import SCORES, curve_plot, per_class_plot
from distill.report.templates import template
from distill.tasks.classes.report import ClassPictures, class_parts
from distill.tasks.embeddings.report import Pairs, embedding_parts

TOP_PREDICTIONS = 5


@dataclass(frozen=True)
class Examples:
    """Pictures shown with what the student saw in them.

    Attributes:
        pictures: uint8 (K, H, W, 3), RGB.
        classes: C names.
        probabilities: float (K, C), of the student.
        labels: int8 (K, C): 1 present, 0 absent, -1 unknown.
    """

    pictures: np.ndarray
    classes: Sequence[str]
    probabilities: np.ndarray
    labels: np.ndarray


def write_report(
    path: Path,
    results: Mapping[str, Any],
    curves: Mapping[str, Sequence[Mapping[str, float]]],
    examples: Examples | None = None,
    recipe_text: str = "",
    pairs: Pairs | None = None,
    classes: ClassPictures | None = None,
) -> None:
    """Write the page of one run.

    Args:
        path: of the page; written whole or not at all.
        results: the content of results.json.
        curves: from a stage's name to its records, each a `step` beside any of `loss`, `val_mAP`, ...
        examples: pictures to show.
        recipe_text: the resolved recipe as YAML.
        pairs: the hardest pairs, of an embedding task.
        classes: pictures of what is confused, mistaken and doubted, of exclusive classes.

    Raises:
        DistillError: the place cannot be written to.
    """
    models = {role: results[role] for role in ("teacher", "student") if results.get(role)}
    page = template("page.html").render(
        results=results,
        headline=headline(results),
        rendered=results["data"]["name"].startswith("rendered"),
        models=models,
        metrics=_metric_names(list(models.values())),
        rows=_model_rows(models),
        per_class=_per_class(models),
        unmeasured=_unmeasured(models),
        agreement=_agreement(results.get("agreement") or {}),
        curves=_curves(curves),
        examples=_example_rows(examples) if examples else [],
        recipe_text=recipe_text,
        added=next(
            (chief_metric(stage["test"]["metrics"]) for stage in results.get("stages", []) if "test" in stage), None
        ),
        duplicates=_duplicates(results.get("near_duplicates"), models),
        **file_parts(results.get("exports", [])),
        **embedding_parts(results, pairs),
        **class_parts(results, classes),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def headline(results: Mapping[str, Any]) -> str:
    """The outcome in a sentence, by the chief metric."""
    teacher, student = results.get("teacher") or {}, results.get("student") or {}
    scores = [
        (role, model["metrics"]) for role, model in (("student", student), ("teacher", teacher)) if model.get("metrics")
    ]
    if not scores:
        return "Nothing was scored."
    role, metrics = scores[0]
    name = chief_metric(metrics)
    reached, target = metrics[name], teacher.get("metrics", {}).get(name)
    sentence = f"The {role} reaches {spoken(name, reached)}"
    if role == "teacher":
        return sentence + "."
    if target and not is_error(name):
        sentence += f", {formatting.per_cent(reached / target)} of the teacher's {target:.3f}"
    if student.get("mult_adds") and teacher.get("mult_adds"):
        sentence += f", at {formatting.per_cent(student['mult_adds'] / teacher['mult_adds'])} of its mult-adds"
    return sentence + "."


def _metric_names(models: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every metric that some model has, in order of appearance."""
    return list(dict.fromkeys(name for model in models for name in model.get("metrics") or {}))


def _model_rows(models: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of the main table: teacher and student."""
    blank = dict.fromkeys(("metrics", "intervals", "counts", "split", "parameters", "mult_adds"))
    rows = [{**blank, **model, "role": role, "label": model.get("name", "")} for role, model in models.items()]
    for row in rows:
        row["differing"] = differing_metric(row["difference"]) if row.get("difference") else None
        row["counted"] = _counted(row["counts"] or {})
    return rows


def _counted(counts: Mapping[str, Any]) -> list[str]:
    """What a model was measured on, in words; counts of each class have a table of their own."""
    return [
        f"{formatting.count(number)} {name.replace('_', ' ')}"
        for name, number in counts.items()
        if isinstance(number, int)
    ]


def _per_class(models: Mapping[str, Any]) -> dict[str, Any] | None:
    """The plot of each class's score and the lines of its table, best student first."""
    measured = {role: model["per_class"] for role, model in models.items() if model.get("per_class")}
    if not measured:
        return None
    last = list(measured.values())[-1]
    # Of attributes, present or not, order is what counts; of classes that exclude each other, the answer.
    quantity = "accuracy" if all("accuracy" in values for values in last.values()) else "ap"
    names = sorted(last, key=lambda name: last[name][quantity], reverse=True)
    return {
        "kind": "class" if quantity == "accuracy" else "attribute",
        "quantity": quantity,
        "score": SCORES[quantity],
        "roles": list(measured),
        "plot": svg_uri(per_class_plot(measured, quantity)),
        "rows": [
            {
                "name": name,
                "pictures": last[name].get("pictures", last[name].get("positives")),
                "models": [classes.get(name) for classes in measured.values()],
            }
            for name in names
        ],
    }


def _duplicates(found: Mapping[str, Any] | None, models: Mapping[str, Any]) -> dict[str, Any] | None:
    """Scores with and without the pictures that are near duplicates of training pictures, a line a model."""
    if not found:
        return None
    rows = []
    for role, model in models.items():
        name = chief_metric(model["metrics"])
        without = found.get(role)
        rows.append(
            {
                "role": role,
                "metric": name,
                "all": (model["metrics"][name], model["intervals"].get(name)),
                "without": (without["metrics"][name], without["intervals"].get(name)) if without else None,
            }
        )
    return {**found, "rows": rows}


def _unmeasured(models: Mapping[str, Any]) -> list[str]:
    """Attributes some model could not be measured on, each once."""
    return list(dict.fromkeys(name for model in models.values() for name in model.get("unmeasured") or ()))


def _agreement(splits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Agreement turned to one line a measure, one column a split."""
    if not splits:
        return None
    names = dict.fromkeys(name for values in splits.values() for name in values if name != "pictures")
    return {
        "splits": [(name, values.get("pictures")) for name, values in splits.items()],
        "rows": [(name.replace("_", " "), [values.get(name) for values in splits.values()]) for name in names],
    }


def _curves(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> list[dict[str, Any]]:
    """A plot for each quantity of each stage that was recorded at all."""
    plots = []
    for stage, records in curves.items():
        for name in dict.fromkeys(name for record in records for name in record if name != "step"):
            values = [record[name] for record in records if record.get(name) is not None]
            if not values:
                continue
            plots.append(
                {
                    "stage": stage,
                    "quantity": name,
                    "first": values[0],
                    "last": values[-1],
                    "plot": svg_uri(curve_plot(records, name)),
                }
            )
    return plots


def _example_rows(examples: Examples) -> list[dict[str, Any]]:
    """Each picture with its most probable attributes, and whether the label agrees."""
    verdicts = {1: "right", 0: "wrong", -1: "unknown"}
    rows = []
    for picture, probabilities, labels in zip(examples.pictures, examples.probabilities, examples.labels, strict=True):
        top = np.argsort(-probabilities, kind="stable")[:TOP_PREDICTIONS]
        predictions = [
            {"name": examples.classes[c], "probability": float(probabilities[c]), "verdict": verdicts[int(labels[c])]}
            for c in top
        ]
        rows.append({"picture": picture_uri(picture), "predictions": predictions})
    return rows
