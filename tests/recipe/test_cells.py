"""What a recipe says of cells that the Earth cannot be cut into."""

from pathlib import Path
from typing import Any

import pytest

from distill.errors import DistillError
from distill.recipe.cells import CellSettings


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"most": 5, "least": 6}, "cells.most is 5 and cells.least 6, expected 1 <= least <= most photographs"),
        ({"smoothing": -1.0}, "cells.smoothing is -1.0, expected 0 or more widths of a cell"),
        ({"tokens": Path("[1004]")}, r"cells.tokens is '\[1004\]': tokens of digits alone .* Quote them"),
    ],
)
def test_wrong_keys_are_refused(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(DistillError, match=said):
        CellSettings(**keys)
