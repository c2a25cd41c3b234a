"""report.html: one file that needs no network, no script and no other file.

The page shows results.json and nothing that is not in it, but for the curves, the pictures and the recipe's text. A
part that a run did not produce (there may be no teacher) is left out. What one task alone has to say comes
as sections, which it hands over.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill import formatting
from distill.evaluation.metric_names import chief_metric, differing_metric, is_error, spoken
from distill.files.atomic import atomic_path
from distill.preprocess.preprocess import PADDING
from distill.report.data_uris import svg_uri
from distill.report.doubts import doubts_of, within_chance
from distill.report.files import files_section
from distill.report.plots import curve_plot
from distill.report.results import ModelResults, NearDuplicates, Results, models_of
from distill.report.section import Section, section_parts
from distill.report.templates import template

TEMPLATE = Path(__file__).with_name("page.html")
FITS = {
    "crop": "its largest centred box of that shape",
    "stretch": "all of it, whatever its shape,",
    "pad": f"all of it, in its own shape and centred on grey ({PADDING}),",
    "pad_corner": f"all of it, in its own shape and in the upper left corner of grey ({PADDING}),",
}
"""What of a picture becomes a prepared one, by `prepare.fit`."""


def write_report(
    path: Path,
    results: Results,
    curves: Mapping[str, Sequence[Mapping[str, float]]],
    sections: Sequence[Section] = (),
    recipe_text: str = "",
) -> None:
    """Write the page of one run.

    Args:
        path: of the page; written whole or not at all.
        results: the content of results.json.
        curves: from a stage's name to its records, each a `step` beside any of `loss`, `val_mAP`, ...
        sections: the task's own, in the order they stand in.
        recipe_text: the resolved recipe as YAML.

    Raises:
        DistillError: the place cannot be written to.
    """
    from markupsafe import Markup  # templates have escaped what they were given

    models = models_of(results)
    page = template(TEMPLATE).render(
        results=results,
        headline=headline(results),
        doubts=doubts_of(results),
        taken=results.get("input"),
        fit=FITS[results["input"]["fit"]] if "input" in results else "",
        cut_offs=results.get("cut_offs"),
        rendered=results["data"]["name"].startswith("rendered"),
        models=models,
        metrics=_metric_names(list(models.values())),
        rows=_model_rows(models),
        resampled=any(model.get("per_class") for model in models.values()),
        files=Markup(files_section(results["exports"])),
        below_files=section_parts(sections, "files"),
        below_agreement=section_parts(sections, "agreement"),
        agreement=_agreement(results.get("agreement") or {}),
        curves=_curves(curves),
        recipe_text=recipe_text,
        added=next((chief_metric(stage["test"]["metrics"]) for stage in results["stages"] if "test" in stage), None),
        duplicates=_duplicates(results.get("near_duplicates"), models),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def headline(results: Results) -> str:
    """The outcome in a sentence, by the chief metric; of a student at chance, that."""
    student, teacher = results["student"], results.get("teacher")
    if nothing := within_chance("student", student):
        return nothing
    name = chief_metric(student["metrics"])
    reached = student["metrics"][name]
    sentence = f"The student reaches {spoken(name, reached)}"
    if teacher and (target := teacher["metrics"].get(name)) and not is_error(name):
        sentence += f", {formatting.per_cent(reached / target)} of the teacher's {target:.3f}"
    if teacher and student["mult_adds"] and teacher["mult_adds"]:
        sentence += f", at {formatting.per_cent(student['mult_adds'] / teacher['mult_adds'])} of its mult-adds"
    return sentence + "."


def _metric_names(models: Sequence[ModelResults]) -> list[str]:
    """Every metric that some model has, in order of appearance."""
    return list(dict.fromkeys(name for model in models for name in model["metrics"]))


def _model_rows(models: Mapping[str, ModelResults]) -> list[dict[str, Any]]:
    """The lines of the main table: teacher and student."""
    rows = []
    for role, model in models.items():
        difference = model.get("difference")
        differing = differing_metric(difference) if difference else None
        rows.append({**model, "role": role, "differing": differing, "counted": _counted(model["counts"])})
    return rows


def _counted(counts: Mapping[str, Any]) -> list[str]:
    """What a model was measured on, in words; counts of each class have a table of their own."""
    return [
        f"{formatting.count(number)} {name.replace('_', ' ')}"
        for name, number in counts.items()
        if isinstance(number, int)
    ]


def _duplicates(duplicates: NearDuplicates | None, models: Mapping[str, ModelResults]) -> dict[str, Any] | None:
    """Scores with and without the pictures that are near duplicates of training pictures, a line a model."""
    if not duplicates:
        return None
    others = {"teacher": duplicates.get("teacher"), "student": duplicates.get("student")}
    rows = []
    for role, model in models.items():
        name = chief_metric(model["metrics"])
        without = others.get(role)
        rows.append(
            {
                "role": role,
                "metric": name,
                "all": (model["metrics"][name], model["intervals"].get(name)),
                "without": (without["metrics"][name], without["intervals"].get(name)) if without else None,
            }
        )
    return {**duplicates, "rows": rows}


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
