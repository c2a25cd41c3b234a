"""Places in the page: the likeliest cells by their coordinates, and the radius that Python gives the same guess."""

import shutil
from pathlib import Path

import numpy as np

from distill.answers.places import Places
from distill.export.web.web import ANSWERS_FILE, PAGE, PAGE_FILES
from tests.helpers.browser import browser, served

EARTH = Places(
    ("476d07", "6b12ae", "6e1b", "71a5", "00b3", "94d4"),
    latitudes=(48.20651, -33.8568, -18.14, -13.83, 5.6, -0.18),
    longitudes=(16.36551, 151.2153, 178.44, -171.77, 0.0, -78.48),
    sure_from=(0.0, 0.4, 0.8),
    radii=(2100.4, 320.0, 12.3),
)


def test_the_likeliest_cells_and_how_far_such_guesses_lay_off(tmp_path: Path) -> None:
    for name in PAGE_FILES:
        shutil.copyfile(PAGE / name, tmp_path / name)
    assert EARTH.page is not None
    shutil.copyfile(EARTH.page, tmp_path / ANSWERS_FILE)
    shares = np.random.default_rng(0).dirichlet(np.full(6, 0.4), 12).astype(np.float32)
    shares = np.concatenate([shares, [[0.4, 0.3, 0.3, 0, 0, 0]]]).astype(np.float32)  # on the border of two groups
    facts = EARTH.facts()
    with browser() as chromium, served(tmp_path) as address:
        page = chromium.new_page()
        page.goto(f"{address}/index.html")
        shown, bare, about = page.evaluate(
            """async ([pictures, contract, unheld]) => {
                 const { show, about } = await import("./answers.js");
                 const said = (answers, facts) => {
                   const [list, ...rest] = show([answers], facts);
                   const lines = [...list.querySelectorAll("li")];
                   const named = lines.map(({ dataset }) => [dataset.name, +dataset.value]);
                   return [named, rest.map(({ textContent }) => textContent)];
                 };
                 const all = pictures.map((one) => said(one, contract));
                 return [all, said(pictures[0], unheld), about(contract, "64 x 64")];
               }""",
            [shares.tolist(), facts, facts | {"sure_from": None, "radii": None}],
        )
        page.close()
    radii = set()
    for row, (lines, held) in zip(shares, shown, strict=True):
        order = np.argsort(-row, kind="stable")[:5]
        assert [value for _, value in lines] == row[order].tolist()
        for (name, _), cell in zip(lines, order, strict=True):
            latitude, north, longitude, east = name.replace("\u00b0", "").split()
            place = np.array([float(latitude), float(longitude)]) * [1 - 2 * (north == "S"), 1 - 2 * (east == "W")]
            np.testing.assert_allclose(place, EARTH.table[cell], atol=5.1e-4)
        radius = EARTH.row({"probabilities": row})[3]
        radii.add(radius)
        assert held == [f"Nine in ten guesses as sure lay within {float(radius):.0f} km."]
    assert len(radii) == 3
    assert len(bare[0]) == 5 and bare[1] == []
    assert "among 6 cells of the Earth" in about and "did not agree to be located" in about
