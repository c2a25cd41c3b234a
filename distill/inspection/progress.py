"""What a search shows while it goes on."""

from collections.abc import Callable

from rich.console import Console

from distill import formatting
from distill.inspection.search import Measured


def progress() -> Callable[[Measured], None]:
    """Each hypothesis in a line on the error stream as it is measured, numbered."""
    console = Console(stderr=True, markup=False, emoji=False, highlight=False)
    count = 0

    def told(one: Measured) -> None:
        nonlocal count
        count += 1
        found = f"refused: {one.refusal}" if one.verdict is None else formatting.score(one.score)
        console.print(f"{count:3} {one.hypothesis}: {found}", soft_wrap=True)

    return told
