"""Every package says what lives in it, and every module has its tests at the mirrored place, or here why not."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("distill", "teachers", "students")

TESTED_AT = {
    # Every kind of answers is held to the same promises.
    "distill/answers/attributes.py": "answers/test_kinds.py",
    "distill/answers/boxes.py": "answers/test_kinds.py",
    "distill/answers/classes.py": "answers/test_kinds.py",
    "distill/answers/detections.py": "answers/test_kinds.py",
    "distill/answers/embeddings.py": "answers/test_kinds.py",
    "distill/answers/kind.py": "answers/test_kinds.py",
    "distill/answers/labelled.py": "answers/test_kinds.py",
    "distill/answers/located.py": "answers/test_kinds.py",
    # What is printed, recounted and found is one story of cells.
    "distill/audit/detectors.py": "audit/test_audit.py",
    "distill/audit/findings.py": "audit/test_audit.py",
    "distill/audit/networks.py": "audit/test_audit.py",
    "distill/audit/printed.py": "audit/test_audit.py",
    "distill/audit/recount.py": "audit/test_audit.py",
    # What is timed shows only in the command's figures.
    "distill/benchmarks/boxes.py": "commands/test_bench.py",
    "distill/benchmarks/cells.py": "commands/test_bench.py",
    "distill/benchmarks/export.py": "commands/test_bench.py",
    "distill/benchmarks/loops.py": "commands/test_bench.py",
    "distill/benchmarks/ways.py": "commands/test_bench.py",
    "distill/benchmarks/work.py": "commands/test_bench.py",
    "distill/commands/arguments.py": "test_errors.py",
    "distill/commands/leaks.py": "data/duplicates/test_leaks.py",
    "distill/commands/run.py": "test_cli.py",
    # A count is the sum of its layers, and a picture of it is drawn by the command.
    "distill/cost/layers.py": "cost/test_network.py",
    "distill/cost/memory.py": "cost/test_network.py",
    "distill/cost/picture.py": "commands/test_cost.py",
    "distill/cost/separable.py": "commands/test_cost.py",
    "distill/data/duplicates/report.py": "tasks/classes/test_task.py",
    "distill/data/prepared/kept.py": "data/prepared/test_unfinished.py",
    "distill/data/prepared/loading.py": "data/prepared/test_prepare.py",
    # What is drawn shows in the pictures alone.
    "distill/data/rendered/beings.py": "data/rendered/test_scenes.py",
    "distill/data/rendered/breeds.py": "data/rendered/test_dogs.py",
    "distill/data/rendered/dice.py": "data/rendered/test_dogs.py",
    "distill/data/rendered/dog.py": "data/rendered/test_dogs.py",
    "distill/data/rendered/face_attributes.py": "data/rendered/test_faces.py",
    "distill/data/rendered/figures.py": "data/rendered/test_scenes.py",
    "distill/data/rendered/ground.py": "data/rendered/test_scenes.py",
    "distill/data/rendered/kennel.py": "data/rendered/test_dogs.py",
    "distill/data/rendered/outdoors.py": "data/rendered/test_places.py",
    "distill/data/rendered/portrait.py": "data/rendered/test_faces.py",
    "distill/data/rendered/rasterizer.py": "data/rendered/test_dogs.py",
    "distill/data/rendered/scene.py": "data/rendered/test_faces.py",
    "distill/data/rendered/sitters.py": "data/rendered/test_faces.py",
    "distill/data/rendered/street.py": "data/rendered/test_scenes.py",
    "distill/data/rendered/things.py": "data/rendered/test_scenes.py",
    "distill/data/rendered/towns.py": "data/rendered/test_places.py",
    # Parts that sources are made of.
    "distill/data/sources/bounding_box.py": "data/sources/test_stanford_dogs.py",
    "distill/data/sources/degrees.py": "data/sources/test_coordinates.py",
    "distill/data/sources/gps.py": "data/sources/test_coordinates.py",
    "distill/data/sources/csv_rows.py": "data/sources/table/test_table.py",
    "distill/data/sources/held_out.py": "data/sources/test_class_folders.py",
    "distill/data/sources/listing.py": "data/sources/test_folder.py",
    "distill/data/sources/marked.py": "data/sources/test_coco.py",
    "distill/data/sources/mat_list.py": "data/sources/test_stanford_dogs.py",
    "distill/data/sources/objects_column.py": "data/sources/test_hub.py",
    "distill/data/sources/parts.py": "data/sources/test_class_folders.py",
    "distill/data/sources/table/labels.py": "data/sources/table/test_table.py",
    "distill/data/sources/table/parts.py": "data/sources/table/test_table.py",
    "distill/data/sources/table/pictures.py": "data/sources/table/test_table.py",
    "distill/data/sources/table/reading.py": "data/sources/table/test_table.py",
    "distill/data/sources/source.py": "data/prepared/test_prepare.py",
    "distill/data/views/batch.py": "data/views/test_loader.py",
    "distill/files/pickled.py": "files/test_checkpoint.py",
    # Every format is written and opened by the same tests.
    "distill/export/coreml.py": "export/test_runtimes.py",
    "distill/export/executorch.py": "export/test_runtimes.py",
    "distill/export/formats.py": "export/test_runtimes.py",
    "distill/export/openvino.py": "export/test_runtimes.py",
    "distill/predictors/executorch_predictor.py": "export/test_runtimes.py",
    "distill/predictors/file_predictor.py": "export/test_runtimes.py",
    "distill/predictors/open.py": "export/test_runtimes.py",
    "distill/predictors/openvino_predictor.py": "export/test_runtimes.py",
    "distill/predictors/openvino_session.py": "export/test_runtimes.py",
    "distill/predictors/graph_session.py": "predictors/test_onnx.py",
    "distill/predictors/litert_session.py": "predictors/test_litert_predictor.py",
    "distill/predictors/onnx_metadata.py": "predictors/test_onnx.py",
    "distill/predictors/onnx_predictor.py": "predictors/test_onnx.py",
    "distill/predictors/onnx_session.py": "predictors/test_onnx.py",
    "distill/predictors/predictor.py": "predictors/test_torch_predictor.py",
    "distill/formatting.py": "commands/test_cost.py",
    "distill/modules/fine_tuner.py": "modules/test_training.py",
    "distill/objectives/boxes/classes.py": "objectives/boxes/test_imitation.py",
    "distill/objectives/boxes/geometry.py": "objectives/boxes/test_matching.py",
    "distill/objectives/boxes/labels.py": "objectives/boxes/test_imitation.py",
    "distill/objectives/boxes/wanted.py": "objectives/boxes/test_imitation.py",
    "distill/objectives/directions.py": "objectives/test_objective.py",
    "distill/objectives/precision.py": "objectives/test_logits.py",
    "distill/recipe/complaints.py": "recipe/test_parser.py",
    "distill/recipe/stages.py": "recipe/test_parser.py",
    "distill/recipe/written.py": "recipe/test_parser.py",
    # What is read, enrolled and looked up shows in what the command writes.
    "distill/gallery/enrolment.py": "commands/test_gallery.py",
    "distill/gallery/manifest.py": "gallery/test_gallery.py",
    "distill/gallery/model.py": "commands/test_gallery.py",
    "distill/gallery/photographs.py": "commands/test_gallery.py",
    "distill/gallery/searching.py": "commands/test_gallery.py",
    "distill/gallery/speeds.py": "commands/test_bench.py",
    "distill/gallery/strangers.py": "commands/test_gallery.py",
    # What is asked of a file, and how, shows in what the command finds.
    "distill/inspection/aims.py": "commands/test_init_tasks.py",
    "distill/inspection/candidates.py": "commands/test_inspect.py",
    "distill/inspection/contract.py": "commands/test_init.py",
    "distill/inspection/detector_subject.py": "commands/test_inspect_detectors.py",
    "distill/inspection/draft.py": "commands/test_init.py",
    "distill/inspection/graph_subject.py": "commands/test_inspect.py",
    "distill/inspection/inspection.py": "commands/test_inspect.py",
    "distill/inspection/look.py": "commands/test_init_tasks.py",
    "distill/inspection/network_subject.py": "commands/test_inspect.py",
    "distill/inspection/progress.py": "commands/test_inspect.py",
    "distill/inspection/steady.py": "commands/test_inspect.py",
    "distill/inspection/subject.py": "commands/test_inspect.py",
    # A report is looked at as a page, a card or lines of a terminal.
    "distill/report/data_uris.py": "report/test_page.py",
    "distill/report/files.py": "report/test_page.py",
    "distill/report/plots.py": "report/test_page.py",
    "distill/report/snippets.py": "report/test_card.py",
    "distill/report/terminal.py": "report/test_page.py",
    "distill/run/stages.py": "run/test_pipeline.py",
    # A store is written and read whole.
    "distill/store/asking.py": "store/test_writer.py",
    "distill/store/building.py": "store/test_writer.py",
    "distill/store/estimate.py": "store/test_writer.py",
    "distill/store/manifest.py": "store/test_writer.py",
    "distill/store/previous.py": "store/test_writer.py",
    "distill/store/store.py": "store/test_writer.py",
    "distill/sweep/axes.py": "sweep/test_page.py",
    "distill/sweep/directory.py": "sweep/test_jobs.py",
    "distill/sweep/pairs.py": "sweep/test_recipes.py",
    "distill/sweep/shared.py": "commands/test_sweep.py",
    "distill/sweep/speeds.py": "sweep/test_summary.py",
    "distill/sweep/trade_off.py": "sweep/test_page.py",
    "distill/sweep/words.py": "sweep/test_page.py",
    # A task is a run of it.
    "distill/tasks/attributes/entries.py": "report/test_results.py",
    "distill/tasks/classes/entries.py": "report/test_results.py",
    "distill/tasks/embeddings/entries.py": "report/test_results.py",
    "distill/tasks/boxes/checks.py": "tasks/boxes/test_task.py",
    "distill/tasks/boxes/entries.py": "tasks/boxes/test_report.py",
    "distill/tasks/places/checks.py": "tasks/places/test_task.py",
    "distill/tasks/places/coastlines.py": "tasks/places/test_task.py",
    "distill/tasks/places/entries.py": "tasks/places/test_task.py",
    "distill/tasks/places/judging.py": "tasks/places/test_task.py",
    "distill/tasks/places/pictures.py": "tasks/places/test_task.py",
    "distill/tasks/places/plots.py": "tasks/places/test_task.py",
    "distill/tasks/places/report.py": "tasks/places/test_task.py",
    "distill/tasks/attributes/judging.py": "run/test_pipeline.py",
    "distill/tasks/attributes/metric.py": "run/test_pipeline.py",
    "distill/tasks/attributes/task.py": "run/test_pipeline.py",
    "distill/tasks/classes/judging.py": "tasks/classes/test_task.py",
    "distill/tasks/classes/opinions.py": "tasks/classes/test_noisy_labels.py",
    "distill/tasks/embeddings/judging.py": "tasks/embeddings/test_task.py",
    "distill/tasks/embeddings/people.py": "tasks/embeddings/test_task.py",
    "distill/tasks/judging.py": "run/test_gate.py",
    "distill/tasks/pictures.py": "run/test_pipeline.py",
    "distill/tasks/teaching.py": "run/test_pipeline.py",
    "distill/tasks/labelled.py": "run/test_pipeline.py",
    "distill/tasks/task.py": "run/test_gate.py",
    "teachers/asking_teacher.py": "teachers/test_mirrored_teacher.py",
    "teachers/mobilefacenet_teacher.py": "teachers/networks/test_mobilefacenet.py",
    "teachers/networks/glimpse.py": "teachers/networks/test_attribute_probe.py",
    "teachers/networks/torchvision_detector.py": "teachers/test_torchvision_teacher.py",
    "teachers/teacher.py": "teachers/test_timm_teacher.py",
    "students/pyramid.py": "students/test_ssd.py",
    "students/ssdlite.py": "students/test_ssd.py",
    "students/body.py": "students/test_head.py",
    "students/timm_student.py": "students/test_student.py",
    "students/manifest.py": "students/test_files.py",
    "students/naming.py": "students/test_student.py",
}
"""By module, the file that tests it in place of one of its own."""

UNTESTED = {
    "distill/__main__.py": "calls the command line",
    "distill/export/litert.py": "its converter wants an older torch than the rest, in an environment of its own",
}
"""By module, why no test runs it."""


def modules() -> list[Path]:
    return sorted(file.relative_to(ROOT) for package in PACKAGES for file in (ROOT / package).rglob("*.py"))


def mirrored(module: Path) -> Path:
    """Where the tests of a module stand: those of `distill/` without that folder."""
    folders = module.parts[1:-1] if module.parts[0] == "distill" else module.parts[:-1]
    return ROOT.joinpath("tests", *folders, f"test_{module.name}")


@pytest.mark.parametrize("package", [str(file.parent) for file in modules() if file.name == "__init__.py"])
def test_a_package_says_what_lives_in_it(package: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text()))
    assert said and said.splitlines()[0].endswith((".", ",")) and len(said.split()) > 5


def test_every_folder_of_modules_is_a_package() -> None:
    assert [str(file.parent) for file in modules() if not (ROOT / file.parent / "__init__.py").exists()] == []


def test_every_module_has_its_tests_or_is_listed() -> None:
    names = {file.as_posix() for file in modules() if file.name != "__init__.py" and not mirrored(file).exists()}
    assert names == TESTED_AT.keys() | UNTESTED.keys()


@pytest.mark.parametrize("test", sorted(set(TESTED_AT.values())))
def test_what_the_list_names_is_there(test: str) -> None:
    assert (ROOT / "tests" / test).is_file()
