"""What the project's pages are made of: their blocks, links and anchors, and the command lines in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ANSWERS = ROOT / "distill" / "answers"
TEMPLATES = {  # of pages that runs write
    ROOT / "distill" / "report" / "card.md",
    *_ANSWERS.glob("*.md"),
} - {_ANSWERS / "README.md"}
FOLDERS = ("distill", "recipes", "students", "teachers", "tests")

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Every page of the tree, the README first."""
    below = {path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md")}
    return [ROOT / "README.md", *sorted(below - TEMPLATES)]


def name(page: Path) -> str:
    """What a page is called in a test's name."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Its fenced blocks of one language."""
    text = page.read_text(encoding="utf-8")
    return [content for found, content in _FENCED.findall(text) if found == language]


def prose(page: Path) -> str:
    """All but its fenced blocks."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def code_spans(page: Path) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def links(page: Path) -> list[str]:
    """Targets of its links and pictures, but for those of the web."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target for target in targets if "://" not in target]


def followed(page: Path, target: str) -> tuple[Path, str]:
    """The file a link of a page leads to, and its anchor."""
    file, _, anchor = target.partition("#")
    return ((page.parent / file).resolve() if file else page), anchor


def anchors(page: Path) -> set[str]:
    """Those that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each command in its `sh` blocks; variables are those that were set above on the page.

    Raises:
        KeyError: a variable is not set above.
    """
    variables: dict[str, str] = {}
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            expanded = re.sub(r"\$(\w+)", lambda found: variables[found[1]], line)
            if assignment := re.fullmatch(r'(\w+)="([^"]*)"', expanded):
                variables[assignment[1]] = assignment[2]
                continue
            for command in expanded.split(" && "):
                if words := shlex.split(command, comments=True):
                    yield words
