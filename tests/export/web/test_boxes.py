"""Boxes in the page: each thing once, as Python finds it, framed where it is and listed."""

import shutil
from pathlib import Path

import numpy as np

from distill.answers import Boxes
from distill.answers.located import SHOWN_FROM
from distill.answers.suppression import suppressed
from distill.export.web.web import ANSWERS_FILE, PAGE, PAGE_FILES
from tests.helpers.browser import browser, served

CLASSES = ("n02085620-cat_small", "dog", "car")


def test_what_is_found_is_framed_and_listed(tmp_path: Path) -> None:
    for name in PAGE_FILES:
        shutil.copyfile(PAGE / name, tmp_path / name)
    assert Boxes.page is not None
    shutil.copyfile(Boxes.page, tmp_path / ANSWERS_FILE)
    generator = np.random.default_rng(0)
    low = generator.uniform(-0.1, 0.7, (60, 2))
    boxes = np.concatenate([low, low + generator.uniform(0.05, 0.6, (60, 2))], axis=1).astype(np.float32)
    scores = (generator.uniform(size=(60, 3)) ** 2).astype(np.float32)
    found, sureness, classes = suppressed(boxes[None], scores[None], least=SHOWN_FROM)
    assert 10 < len(sureness.rows) < (scores >= SHOWN_FROM).sum()  # some are suppressed
    with browser() as chromium, served(tmp_path) as address:
        page = chromium.new_page()
        page.goto(f"{address}/index.html")
        shown = page.evaluate(
            """async ([answers, contract]) => {
                 const { found, draw, show, about } = await import("./answers.js");
                 const picture = document.createElement("div");
                 picture.className = "picture";
                 picture.style.cssText = "width: 200px; height: 100px; display: block";
                 picture.append(...draw(answers, contract));
                 document.body.prepend(picture);
                 const origin = picture.getBoundingClientRect();
                 const edges = [...picture.children].map((frame) => {
                   const { left, top, right, bottom } = frame.getBoundingClientRect();
                   return [left - origin.left, top - origin.top, right - origin.left, bottom - origin.top];
                 });
                 const lines = show(answers, contract)[0].querySelectorAll("li");
                 const nothing = show([answers[0], answers[1].map(() => 0.1)], contract)[0].textContent;
                 return {
                   found: found(answers, contract),
                   edges,
                   heights: [...picture.children].map((frame) => +getComputedStyle(frame).zIndex),
                   labels: [...picture.children].map((frame) => frame.textContent),
                   lines: [...lines].map(({ dataset }) => dataset.value),
                   nothing,
                   about: about(contract, "small"),
                 };
               }""",
            [[boxes.ravel().tolist(), scores.ravel().tolist()], {"classes": CLASSES}],
        )
        page.close()
    assert [one["c"] for one in shown["found"]] == classes.rows.tolist()
    np.testing.assert_allclose([one["score"] for one in shown["found"]], sureness.rows, rtol=1e-6)
    np.testing.assert_allclose([float(value) for value in shown["lines"]], sureness.rows, rtol=1e-6)
    np.testing.assert_allclose(shown["edges"], found.rows.clip(0, 1) * [200, 100, 200, 100], atol=0.1)
    assert shown["heights"] == list(range(len(sureness.rows), 0, -1))  # the surest is on top
    assert shown["labels"][0].startswith(("cat small", "dog", "car")) and "%" in shown["labels"][0]
    assert "Nothing is found" in shown["nothing"] and "3 classes" in shown["about"]
