"""What a recipe's sections refuse of each other, before anything is prepared."""

from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.recipe.recipe import Prepare
from tests.helpers.running import complaint, read, write_recipe


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


@pytest.mark.parametrize(
    ("stages", "reason"),
    [
        ("[]", "at least one of probe, teach"),
        ("[transfer, transfer]", "each once"),
        ("[probe, teach, transfer]", "keep one of them"),
        ("[transfer, teach]", "put it first"),
        ("[teach]", "nothing trains the student"),
        ("[tech, transfer]", "one of probe, teach,"),
    ],
)
def test_stages_that_make_no_run(tiny: Path, stages: str, reason: str) -> None:
    assert reason in complaint(tiny, "--stages", stages)


def test_how_pictures_are_fitted(tiny: Path) -> None:
    assert read(tiny)[0].prepare.fit == "crop" and read(tiny, ["--prepare.fit", "pad"])[0].prepare.fit == "pad"
    said = complaint(tiny, "--prepare.fit", "squeeze")
    assert "prepare.fit" in said and "squeeze" in said and "crop" in said and "stretch" in said
    said = complaint(tiny, "--prepare.fit", "pad", "--prepare.align", "celeba")
    assert said.startswith("prepare.fit is pad, and prepare.align brings faces to their place instead")
    with pytest.raises(DistillError, match=r"prepare\.fit is 'squeeze', expected one of crop, stretch, pad"):
        Prepare(fit="squeeze")  # type: ignore[arg-type]


def test_a_black_box_cannot_be_taught(tiny: Path) -> None:
    black_box = ("--teacher", "onnx", "--teacher.file", "x.onnx", "--stages", "[teach, transfer]")
    assert "cannot be trained; leave `teach` out" in complaint(tiny, *black_box)


@pytest.mark.parametrize("interval", ["0.5", "1", "100"])
def test_the_best_of_passes_is_not_chosen_by_scores_inside_them(tiny: Path, interval: str) -> None:
    best = ["--transfer.keep", "best", "--trainer.val_check_interval"]
    said = complaint(tiny, *best, interval)
    assert f"trainer.val_check_interval is {interval}: it scores weights inside a pass, and transfer.keep: best" in said
    assert read(tiny, [*best, "1.0"])[0].transfer.keep == "best"
    assert read(tiny, ["--trainer.val_check_interval", interval])[0].transfer.keep == "last"


@pytest.mark.parametrize(("key", "value"), [("limit_val_batches", "0"), ("check_val_every_n_epoch", "50")])
def test_no_pass_is_best_where_none_is_validated(tiny: Path, key: str, value: str) -> None:
    arguments = [f"--trainer.{key}", value]
    said = complaint(tiny, "--transfer.keep", "best", *arguments)
    assert said.startswith(f"trainer.{key} is {value}")
    assert "no pass is validated, and transfer.keep is best. Leave it out, or set keep to last" in said
    assert read(tiny, arguments)[0].transfer.keep == "last"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--trainer.max_time", "nonsense"), "trainer.max_time is 'nonsense' ("),
        (("--trainer.max_time", "{secs: 3}"), "trainer.max_time is {'secs': 3} ("),
        (
            ("--task=embeddings", "--teacher=mobilefacenet", "--teacher.context.model=a", "--stages=[transfer]"),
            "teacher.context: joins a teacher of attributes, and the task is embeddings",
        ),
        (("--trainer.strategy", "ddp_spawn"), "trainer.strategy is ddp_spawn: when its processes end"),
    ],
)
def test_what_training_would_fail_of_is_refused_before_it(tiny: Path, arguments: tuple[str, ...], reason: str) -> None:
    assert complaint(tiny, *arguments).startswith(reason)
