"""A written page, read again."""

import base64
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """Text, tags, sources and texts for those who cannot see, of a page."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())
        for typeset, plain in (("\N{NARROW NO-BREAK SPACE}", " "), ("\N{MINUS SIGN}", "-"), ("\N{EN DASH}", "--")):
            self.text = self.text.replace(typeset, plain)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def images(self) -> list[bytes]:
        sources = [attributes["src"] or "" for tag, attributes in self.attributes if tag == "img"]
        return [base64.b64decode(source.split(";base64,")[1], validate=True) for source in sources]
