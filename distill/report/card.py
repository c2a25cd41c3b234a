"""README.md: the model card of a run, with the front matter the Hugging Face hub reads.

Like the page it shows results.json, and beside that what the student's manifest says of its input and the recipe of its
licences. Where something is not known, it says so.
"""

import re
from pathlib import Path
from typing import Any

from distill import formatting
from distill.answers.kind import Kind
from distill.data.sources.hub import Hub
from distill.evaluation.metric_names import chief_metric, differing_metric
from distill.faces.settings import Detect
from distill.files.atomic import atomic_path
from distill.files.run_directory import CARD
from distill.recipe.recipe import Recipe
from distill.report import snippets
from distill.report.doubts import doubts_of
from distill.report.face_snippet import from_photograph
from distill.report.page import FITS, headline
from distill.report.results import ExportedFile, Results, models_of
from distill.report.templates import template
from students.manifest import StudentManifest

TEMPLATE = Path(__file__).with_name("card.md")
_WITH_DISTILL = """\
from pathlib import Path

from distill.data.prepared.decode import decode
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import fit

predictor = open_predictor(Path("{file}"))
picture = fit(decode(Path("picture.jpg"), "picture.jpg"), *predictor.picture, predictor.fit)
{answers} = predictor(picture[None]).values()
"""
_FLIPS = {
    "none": "Scores and thresholds are of the embedding of the picture alone.",
    "average": "Thresholds are of the picture alone; scores are of the average of it and its mirror image.",
    "concatenation": "Thresholds are of the picture alone; scores are of it and its mirror image, end to end.",
}


def write_card(run: Path, results: Results, recipe: Recipe, manifest: StudentManifest) -> None:
    """Write the card of one run.

    Args:
        run: its directory; what the card names lies in it.
        results: the content of results.json.

    Raises:
        DistillError: the place cannot be written to.
    """
    student, teacher = results["student"], results.get("teacher")
    difference = student.get("difference")
    weights = recipe.student.weights
    card = template(TEMPLATE).render(
        front_matter=front_matter(results, recipe, manifest),
        headline=headline(results),
        rendered=_rendered(results),
        results=results,
        data=results["data"],
        student=student,
        teacher=teacher,
        sorted_top=recipe.pretrain.teacher_top if "pretrain" in recipe.stages else None,
        manifest=manifest,
        answers=manifest.answers,
        kind_template=str(manifest.answers.template),
        preprocess=manifest.preprocess,
        fit=FITS[manifest.fit],
        tall=manifest.picture[0],
        wide=manifest.picture[1],
        with_distill=_WITH_DISTILL.format(file=_shown_file(results), answers=snippets.answers_of(manifest.answers)),
        reading_picture=snippets.reading_picture(manifest),
        from_photograph=from_photograph(recipe.detect, manifest, _onnx_file(results)),
        reading_answers=snippets.reading_answers(manifest.answers),
        files=_files(results, manifest.answers),
        measured_on=f"{formatting.count(student['counts']['pictures'])} pictures ({student['split']})",
        metrics=list(student["metrics"]),
        rows=_rows(results),
        difference=difference,
        differing=differing_metric(difference) if difference else None,
        groups=results.get("groups") or [],
        per_class=student.get("per_class") or {},
        unmeasured=student.get("unmeasured") or [],
        unchosen=student.get("thresholds_unchosen") or [],
        none_below=(results.get("cut_offs") or {}) if manifest.answers.largest else None,
        flips=_FLIPS[recipe.evaluate.flips],
        start="random weights" if weights is None else Path(weights).name,
        card=recipe.card,
        limits=_limits(results, recipe, manifest),
    )
    with atomic_path(run / CARD) as temporary:
        temporary.write_text(re.sub(r"\n{3,}", "\n\n", card), encoding="utf-8")


def front_matter(results: Results, recipe: Recipe, manifest: StudentManifest) -> str:
    """What the hub lists and searches by: YAML between two lines of dashes."""
    from huggingface_hub import EvalResult, ModelCardData

    task, task_name = manifest.answers.hub_task
    data, student = results["data"]["name"], results["student"]
    if isinstance(recipe.data, Hub) and recipe.data.path and not Path(recipe.data.path).exists():
        data = recipe.data.path
    chief = chief_metric(student["metrics"])
    scored = [(name, name, value) for name, value in student["metrics"].items()]
    scored += [
        (chief, f"{chief} of {file['file']}", file["metrics"][chief])
        for file in results["exports"]
        if chief in file["metrics"]
    ]
    content = ModelCardData(
        license=recipe.card.license or "unknown",
        tags=["knowledge-distillation", "mobilenet", *dict.fromkeys(file["format"] for file in results["exports"])],
        datasets=[data],
        metrics=list(student["metrics"]),
        pipeline_tag=task,
        model_name=student["name"],
        eval_results=[
            EvalResult(
                task_type=task,
                task_name=task_name,
                dataset_type=data,
                dataset_name=data,
                dataset_split=student["split"],
                metric_type=metric,
                metric_name=name,
                metric_value=round(value, 6),
            )
            for metric, name, value in scored
        ],
    )
    return f"---\n{content.to_yaml()}\n---\n"


def _rendered(results: Results) -> bool:
    return bool(results["data"]["name"].startswith("rendered"))


def _shown_file(results: Results) -> str:
    """The file that the first example loads: the first format that this library runs, or the torch student."""
    return next((file["file"] for file in results["exports"] if file["format"] not in ("web", "coreml")), "student")


def _onnx_file(results: Results) -> str | None:
    return next((file["file"] for file in results["exports"] if file["format"] == "onnx"), None)


def _files(results: Results, kind: Kind) -> list[dict[str, Any]]:
    files = []
    for export in results["exports"]:
        language, code = snippets.loading(export["format"], export["file"], kind) or (None, None)
        files.append({**export, "language": language, "code": code})
    return files


def _rows(results: Results) -> list[dict[str, Any]]:
    """Teacher, student and files, each with its scores and its size."""
    student = results["student"]
    rows: list[dict[str, Any]] = [
        {**model, "label": f"{role} {model['name']}", "bytes": None} for role, model in models_of(results).items()
    ]
    sizes = {"parameters": student["parameters"], "mult_adds": student["mult_adds"]}
    for file in results["exports"]:
        rows.append({**sizes, **file, "label": f"{file['file']}{_gate(file)}"})
    return rows


def _gate(file: ExportedFile) -> str:
    """What became of a file, and the tolerance it was held to."""
    if file["passed"] is None:
        return ""
    tolerance = formatting.points(file["tolerance"])
    return f", passed, within {tolerance}" if file["passed"] else f", failed its gate of {tolerance}"


def _limits(results: Results, recipe: Recipe, manifest: StudentManifest) -> list[str]:
    """What the scores do not say."""
    limits = [
        *doubts_of(results),
        "Scores hold for pictures like those they were measured on; another camera or framing may give others.",
    ]
    align = recipe.prepare.align
    if align is not None:
        template = "CelebA's" if isinstance(align, Detect) and align.to == "celeba" else "ArcFace's 112 x 112"
        limits.append(
            f"Faces were brought to {template} template before they were shown. The files hold no detector and no "
            "alignment: bring faces there first, as `distill predict FILE PHOTOGRAPHS --align.file DETECTOR` does."
        )
    else:
        limits.append("The files hold no detector: show what the training pictures show, framed as they are.")
    limits.append("Intervals take pictures for independent; several of one person make the true ones a little wider.")
    if results.get("groups"):
        limits.append(
            "Groups are those of the data's labels, which are what annotators saw, not what people say of themselves."
        )
    limits += manifest.answers.limits()
    if any(file["passed"] is False for file in results["exports"]):
        limits.append("A file that failed its gate scores differently from the student; do not ship it.")
    return limits
