"""A browser folder as its users meet it: behind a plain static server, in a headless Chromium."""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


@contextmanager
def served(directory: Path) -> Iterator[str]:
    """The address of a directory, as `python -m http.server` serves it."""
    handler = functools.partial(_Quiet, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on the path")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """An open page, what it complained of, and whom it asked."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def give(self, zone: str, files: list[Path], shown: str) -> None:
        """Choose files in a zone, and wait until as many elements are shown."""
        self.page.set_input_files(f"#{zone} input", [str(file) for file in files])
        # Two minutes: on a busy machine fifty pictures took more than the default half.
        self.page.wait_for_selector(f"{shown}:nth-child({len(files)})", state="attached", timeout=120_000)

    def answers(self) -> dict[str, dict[str, float]]:
        """From a picture's file to what the page says of each class or face, in the order shown."""
        return self.page.evaluate(
            """() => {
                 const lines = (article) => [...article.querySelectorAll("li")];
                 const values = (article) => lines(article).map(({ dataset }) => [dataset.name, +dataset.value]);
                 const articles = [...document.querySelectorAll("article")];
                 return Object.fromEntries(articles.map((one) => [one.dataset.file, Object.fromEntries(values(one))]));
               }"""
        )


@contextmanager
def visit(chromium: Any, address: str) -> Iterator[Visit]:
    """Open a page and wait until its student is loaded; it must complain of nothing and ask no other host."""
    page = chromium.new_page()
    found = Visit(page)
    page.on("console", lambda message: found.complaints.append(message.text))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("request", lambda request: found.requests.append(request.url))
    page.goto(address)
    page.wait_for_selector("#page", state="visible")
    yield found
    page.close()
    assert found.complaints == []
    assert found.requests and all(url.startswith((address, f"blob:{address}", "data:")) for url in found.requests)
