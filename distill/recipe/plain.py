"""YAML as recipes have it: keys and values, lists, text and numbers. What YAML has beyond that is refused by name.

A tag makes an object of a value, an anchor can stand inside itself or multiply a thousandfold, and brackets can be
nested deeper than Python calls itself: nothing that a recipe could mean, and each of them ends a reader that trusts it.
"""

import re
from dataclasses import dataclass

import yaml
from jsonargparse import get_loader, set_loader

from distill.errors import echo
from distill.files.text import no_text

MODE = "recipe"
"""The name under which jsonargparse reads values by `_value`."""
_DEEPEST = 32
_MOST_VALUES = 100_000
_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_DATE = "tag:yaml.org,2002:timestamp"


class NotPlainError(yaml.YAMLError):
    """It is YAML, and not of a recipe's kind. The message names the key."""


class PlainLoader(yaml.SafeLoader):
    """Refuses a key that is written twice, of which YAML's would keep the last. A date is text as it is written."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as in the class above
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _DATE]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        seen = set()
        for key, _ in node.value:
            written = str(key.value)
            if written in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{written} is written twice", key.start_mark)
            seen.add(written)
        return super().construct_mapping(node, deep)


def load(text: str) -> object:
    """Keys, values and lists of YAML text.

    Raises:
        yaml.YAMLError: it is no YAML, or has a key twice; a `NotPlainError` where it has what no recipe has.
    """
    text = _joined(text)
    _check(text, "")
    return yaml.load(text, PlainLoader)


def check_value(key: str, text: str) -> None:
    """Refuse a value of one key that has what no recipe has; one that is no YAML at all is left to its type.

    Raises:
        NotPlainError: naming the key.
    """
    try:
        _check(_joined(text), key)
    except NotPlainError:
        raise
    except yaml.YAMLError:
        return


def _value(text: str) -> object:
    """One value, as jsonargparse reads it, checked before."""
    text = _joined(text)
    _check(text, "")
    return get_loader("yaml")(text)


set_loader(MODE, _value, (yaml.YAMLError,))


def _joined(text: str) -> str:
    """With one escape for a character that JSON writes as two, which YAML would leave apart."""
    return _PAIR.sub(lambda pair: f"\\U{_code(int(pair[1], 16), int(pair[2], 16)):08x}", text)


def _code(high: int, low: int) -> int:
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)


@dataclass
class _Open:
    """A mapping or a list that has begun.

    Attributes:
        key: what its values stand under.
        mapping: whether it is one.
        anchor: its name, where it has one, and `before`: the values that were counted when it began.
        wants_key: whether a key of the mapping is next.
    """

    key: str
    mapping: bool
    anchor: str | None
    before: int
    wants_key: bool


def _check(text: str, key: str) -> None:
    """Refuse what no recipe has: before anything is composed, which calls itself for each level.

    Args:
        key: that the text is the value of; empty of a whole file.
    """
    loader, levels = PlainLoader(text), [_Open(key, False, None, 0, False)]
    sizes: dict[str, int] = {}
    values = 0
    try:
        while loader.check_event():
            event, level = loader.get_event(), levels[-1]
            if isinstance(event, yaml.CollectionEndEvent):
                levels.pop()
                if level.anchor is not None:
                    sizes[level.anchor] = values - level.before
                continue
            if not isinstance(event, yaml.NodeEvent):
                continue
            named = level.key or "the file"
            is_key, level.wants_key = level.wants_key, level.mapping and not level.wants_key
            if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
                raise NotPlainError(f"{named}: has the YAML tag {echo(event.tag)}, expected a value without a tag.")
            if isinstance(event, yaml.AliasEvent):
                if any(level.anchor == event.anchor for level in levels):
                    raise NotPlainError(f"{named}: the anchor {echo(event.anchor)} contains itself.")
                values += sizes.get(str(event.anchor), 0)
            elif isinstance(event, yaml.CollectionStartEvent):
                if is_key:
                    raise NotPlainError(f"{named}: a list or mapping stands in place of a key.")
                mapping = isinstance(event, yaml.MappingStartEvent)
                levels.append(_Open(level.key, mapping, event.anchor, values, mapping))
                if len(levels) > _DEEPEST:
                    raise NotPlainError(f"{named}: is nested more than {_DEEPEST - 1} levels deep.")
            elif isinstance(event, yaml.ScalarEvent):
                if is_key:
                    parent = levels[-2].key
                    level.key = f"{parent}.{event.value}" if parent else event.value
                _check_scalar(loader, event, named if is_key else level.key)
            values += 1
            if values > _MOST_VALUES:
                raise NotPlainError(f"{named}: holds more than {_MOST_VALUES:,} values, those behind anchors included.")
    finally:
        loader.dispose()


def _check_scalar(loader: PlainLoader, event: yaml.ScalarEvent, key: str) -> None:
    named = f"{key} is {echo(event.value)}" if key else echo(event.value)
    if code := no_text(event.value):
        raise NotPlainError(f"{named}: {code} in it is no character of text. Leave it out.")
    tag = loader.resolve(yaml.ScalarNode, event.value, event.implicit)
    try:
        loader.construct_object(yaml.ScalarNode(tag, event.value))
    except (ValueError, OverflowError) as error:
        kind = tag.rpartition(":")[2]
        raise NotPlainError(f"{named}: looks like a YAML {kind} and is none. Put text in quotes.") from error
