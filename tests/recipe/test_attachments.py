"""Loggers are told where to write unless they were told, in every spelling."""

from pathlib import Path

import pytest

from distill.recipe.attachments import STAGE, with_place, with_places
from tests.helpers.running import TINY, complaint, read, write_recipe

CSV = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": STAGE}}


@pytest.mark.parametrize(
    ("written", "placed"),
    [
        ("CSVLogger", {"class_path": "CSVLogger", "init_args": {"save_dir": STAGE}}),
        (CSV["class_path"], CSV),
        ({"class_path": "CSVLogger", "init_args": {"save_dir": "logs"}}, None),
        (["CSVLogger", True], [{"class_path": "CSVLogger", "init_args": {"save_dir": STAGE}}, True]),
        (True, None),
        (None, None),
        ("NoLogger", None),
        ("no.such.module.Logger", None),
    ],
)
def test_a_place_is_written_where_there_is_none(written: object, placed: object) -> None:
    assert with_place(written) == (written if placed is None else placed)


def test_a_command_line_may_still_say_where(tmp_path: Path) -> None:
    tiny = write_recipe(tmp_path)
    for arguments in (["--trainer.logger", "CSVLogger"], ["--trainer.logger=CSVLogger"]):
        assert read(tiny, arguments)[0].trainer["logger"]["init_args"]["save_dir"] == STAGE
        own = read(tiny, [*arguments, "--trainer.logger.save_dir", "logs", "--trainer.logger.name=a"])
        init = own[0].trainer["logger"]["init_args"]
        assert (init["save_dir"], init["name"]) == ("logs", "a")
    assert with_places(["--seed", "3", "--trainer.logger=false"]) == ["--seed", "3", "--trainer.logger=false"]


@pytest.mark.parametrize("logger", ["CSVLogger", {"class_path": "CSVLogger"}, ["CSVLogger", "TensorBoardLogger"]])
def test_a_resolved_recipe_reads_back(tmp_path: Path, logger: object) -> None:
    callbacks = ["LearningRateMonitor", {"class_path": "EarlyStopping", "init_args": {"monitor": "val_mAP"}}]
    trainer = {**TINY["trainer"], "logger": logger, "callbacks": callbacks}
    recipe, text = read(write_recipe(tmp_path, TINY | {"trainer": trainer}))
    again = tmp_path / "again" / "tiny.yaml"
    again.parent.mkdir()
    again.write_text(text)
    assert read(again) == (recipe, text)
    assert [one["class_path"].rpartition(".")[2] for one in recipe.trainer["callbacks"]] == [
        "LearningRateMonitor",
        "EarlyStopping",
    ]
    first = recipe.trainer["logger"][0] if isinstance(logger, list) else recipe.trainer["logger"]
    assert first == {**CSV, "init_args": {**first["init_args"], "save_dir": STAGE}}


def test_what_is_no_logger_is_refused_when_the_recipe_is_read(tmp_path: Path) -> None:
    tiny = write_recipe(tmp_path)
    assert "trainer.logger" in complaint(tiny, "--trainer.logger", "CSVLoger")
    assert "trainer.callbacks" in complaint(tiny, "--trainer.callbacks", "[CSVLogger]")
    assert "flush" in complaint(tiny, "--trainer.logger", "{class_path: CSVLogger, init_args: {flush: 3}}")
