"""What is said of a key that a recipe may not have."""

import pytest

from distill.recipe.keys import Keys

KEYS = Keys(
    [
        "prepare.width",
        "seed",
        "student.name",
        "student.resolution",
        "student.width",
        "transfer.epochs",
        "transfer.optimization.learning_rate",
        "transfer.views.zoom",
        "workers",
    ],
    {"student": "mobilenet_v1"},
)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("student.widht", "(student.name is mobilenet_v1). Did you mean student.width? Valid: student.name, "),
        ("student.colour", "(student.name is mobilenet_v1). Valid: student.name, "),
        ("transfer.epoch", ". Did you mean transfer.epochs? Valid: transfer.epochs, "),
        ("transfer.learning_rate", ". Did you mean transfer.optimization.learning_rate? Valid: transfer.epochs, "),
        ("transfer.views.zom", ". Did you mean transfer.views.zoom? Valid: transfer.views.zoom."),
        ("wokers", ". Did you mean workers? Valid: prepare, seed, student, transfer, workers."),
        ("studnet.width", ". Did you mean student.width? Valid: prepare, "),
        ("width", ". Did you mean prepare.width or student.width? Valid: prepare, "),
        ("x", ". Valid: prepare, "),
    ],
)
def test_an_unknown_key_is_answered_with_the_nearest_first(key: str, said: str) -> None:
    assert KEYS.unknown(key).startswith(f"unknown key {key}") and said in KEYS.unknown(key)


def test_keys_inside_a_section() -> None:
    assert KEYS.within("transfer.views") == ["transfer.views.zoom"] and KEYS.within("trans") == []
