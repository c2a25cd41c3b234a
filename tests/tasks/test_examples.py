"""Pictures on the page with what the student sees in them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.report.page import write_report
from distill.tasks.examples import Examples
from tests.helpers.pages import Page
from tests.helpers.results import CLASSES, HOSTILE, full_results


def some_examples() -> Examples:
    generator = np.random.default_rng(0)
    return Examples(
        pictures=generator.integers(0, 256, (2, 12, 10, 3), dtype=np.uint8),
        classes=CLASSES,
        probabilities=np.array([[0.01, 0.97, 0.55], [0.88, 0.05, 0.33]]),
        labels=np.array([[0, 1, -1], [0, 1, 0]], dtype=np.int8),
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    path = tmp_path_factory.mktemp("run") / "report.html"
    write_report(path, full_results(), {}, [some_examples().section("attributes")])
    return Page(path)


def test_the_most_probable_come_first_beside_their_labels(page: Page) -> None:
    assert "The most probable attributes of each picture." in page.text
    assert "✓ Smiling 0.97 ? " + HOSTILE + " 0.55 ✗ Bald 0.01" in page.text


def test_pictures_are_embedded_to_the_pixel(page: Page) -> None:
    decoded = [np.asarray(Image.open(io.BytesIO(image))) for image in page.images() if image.startswith(b"\x89PNG")]
    np.testing.assert_array_equal(np.stack(decoded), some_examples().pictures)


def test_hostile_names_stay_text(page: Page) -> None:
    assert "script" not in page.tags
    assert page.open == []


def test_five_of_many_classes_are_named(tmp_path: Path) -> None:
    many = Examples(
        np.zeros((1, 2, 2, 3), np.uint8),
        [f"class_{c}" for c in range(9)],
        np.linspace(0.1, 0.9, 9)[None],
        np.zeros((1, 9), np.int8),
    )
    (shown,) = many.section("classes").variables["examples"]
    assert [one["name"] for one in shown["predictions"]] == [f"class_{c}" for c in (8, 7, 6, 5, 4)]
