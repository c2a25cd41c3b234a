"""What a recipe leaves out of a stage, by the pictures and the passes."""

import dataclasses

import pytest

from distill.modules.optimization import Optimization
from distill.recipe.left_out import batch_size_of, chosen_of, facts_of, settled, steps_of, warmup_of
from distill.recipe.stages import Stage, Transfer
from distill.recipe.written import load, merge, overlay, recipe_names


@pytest.mark.parametrize(
    ("pictures", "epochs", "batch"),
    [(2420, 3, 16), (2420, 10, 16), (2420, 14, 32), (2420, 30, 64), (100_000, 40, 64), (10, 3, 10), (1, 1, 1)],
)
def test_batches_are_as_large_as_leaves_a_thousand_steps(pictures: int, epochs: int, batch: int) -> None:
    assert batch_size_of(pictures, epochs) == batch
    if 16 < batch < 64:
        assert pictures // batch * epochs >= 1000 > pictures // (2 * batch) * epochs


def test_steps_are_those_of_whole_batches() -> None:
    assert steps_of(2420, 64, 3) == 37 * 3 and steps_of(10, 16, 3) == 0


def test_the_warm_up_is_a_share_of_a_long_run_and_more_of_a_short_one() -> None:
    assert warmup_of(100) == warmup_of(0) == 0.2
    assert warmup_of(1000) == 0.1
    assert warmup_of(100_000) == 0.05


def test_what_is_said_stays_and_the_rest_is_chosen() -> None:
    said = Transfer(epochs=3, batch_size=32, optimization=Optimization(learning_rate=0.5, warmup=0.3))
    assert settled(said, 2420, trained=False) == said and chosen_of(said, said) == []
    left = Transfer(epochs=3)
    for trained in (False, True):
        chosen = settled(left, 2420, trained)
        assert dataclasses.replace(chosen, batch_size=None, optimization=left.optimization) == left
        words = chosen_of(left, chosen)
        assert [word.split()[0] for word in words] == [
            "batch_size",
            "optimization.learning_rate",
            "optimization.warmup",
        ]
    rates = [settled(left, 2420, trained).optimization.learning_rate or 0 for trained in (True, False)]
    assert 0 < rates[0] < rates[1]


def test_the_rate_follows_the_batch_by_its_root() -> None:
    rates = [settled(Stage(batch_size=size), 10_000, False).optimization.learning_rate or 0 for size in (16, 64)]
    assert rates[1] / rates[0] == pytest.approx(2, rel=0.02)


def test_facts_of_a_stage() -> None:
    stage = settled(Stage(epochs=2, batch_size=8, optimization=Optimization(ema=0.9, learning_rate=1.0)), 20, False)
    facts = facts_of(stage, 20)
    assert facts == {
        "epochs": 2,
        "batch_size": 8,
        "steps": 4,
        "shown": 32,
        "learning_rate": 1.0,
        "warmup": 0.2,
        "ema": 0.9,
    }


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("data", [None, "celeba", "folder", "stanford_dogs"])
def test_the_recipes_that_ship_leave_nothing_out(name: str, data: str | None) -> None:
    content = load(name)
    if data is not None:
        content = merge(content, overlay(name, data))
    for stage in content["stages"]:
        if stage == "probe":
            continue
        section = content[stage]
        assert {"epochs", "batch_size"} <= section.keys(), stage
        assert {"learning_rate", "warmup"} <= section["optimization"].keys(), stage
