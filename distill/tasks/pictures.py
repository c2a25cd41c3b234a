"""The first role of a task: which pictures are learnt from and scored on, and what must be known of them."""

from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from distill.data.duplicates.contradictions import NearContradiction, near_contradictions
from distill.data.prepared.pictures import Pictures
from distill.data.sources.listing import Stateful
from distill.errors import DistillError
from distill.recipe.recipe import Recipe
from distill.tasks.advice import having_validation
from distill.tasks.sets import Sets, open_sets

AGREEMENT_PICTURES = 2000
"""Transfer pictures that agreement is measured on; more would not move the means."""
SHOWN = 4  # contradictions that the terminal names

console = Console(stderr=True, markup=False, emoji=False)


class TaskPictures:
    """The pictures of a run, prepared when they are first asked for.

    Args:
        directory: where they are prepared.
    """

    def __init__(self, recipe: Recipe, directory: Path) -> None:
        self.recipe, self.directory = recipe, directory

    @cached_property
    def sets(self) -> Sets:
        """The pictures by what they are used for.

        Raises:
            DistillError: a source is unusable, or says too little for this task.
        """
        sets = open_sets(self.recipe, self.directory)
        self.check_sets(sets)
        return sets

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of what is told apart; None where it has none."""
        return None

    @property
    def scored(self) -> tuple[Pictures, ...]:
        """All that models are scored on, beside the transfer pictures."""
        return self.sets.validation, self.sets.test

    def check_sets(self, sets: Sets) -> None:
        """Refuse pictures that this cannot be learnt from or scored on.

        Raises:
            DistillError: naming the section and what it lacks.
        """
        self.check_best(sets)

    def check_best(self, sets: Sets) -> None:
        """Refuse a stage whose best pass no validation pictures could tell."""
        stages = [name for name in self.recipe.stages if name != "probe" and self.recipe.stage(name).keep == "best"]
        if stages and not len(sets.prepared.indices("validation")):
            raise DistillError(
                f"{stages[0]}.keep is best, and {self.recipe.data.name} has no validation pictures to tell the "
                f"best pass by. Set it to last, or {having_validation(self.recipe.data)}."
            )

    @cached_property
    def near_contradictions(self) -> list[NearContradiction]:
        """Pairs of labelled pictures that are one photograph, and not labelled as one; nobody draws a picture twice."""
        return near_contradictions(self.sets.prepared) if isinstance(self.recipe.data, Stateful) else []

    def say_contradictions(self) -> None:
        """Name pairs of pictures that are labelled in contradiction, and used all the same."""
        pairs = self.near_contradictions
        if pairs:
            named = "".join(f"\n  {pair}" for pair in pairs[:SHOWN]) + ("\n  ..." * (len(pairs) > SHOWN))
            console.print(
                f"data: {len(pairs)} pairs of pictures look like one photograph saved twice and are labelled in two "
                f"ways; they are used as they are, and named in results.json:{named}",
                soft_wrap=True,
            )

    def transfer_sample(self) -> Pictures:
        """Some of the transfer pictures, to measure agreement on."""
        transfer = self.sets.transfer
        return transfer.every(max(1, -(-len(transfer) // AGREEMENT_PICTURES)))

    def describe(self) -> dict[str, Any]:
        """The `data` entry of results.json."""
        facts = self.sets.describe(self.recipe.data.name)
        if pairs := self.near_contradictions:
            facts["near_contradictions"] = [list(pair) for pair in pairs]
        return facts
