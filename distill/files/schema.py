"""Plain JSON held against the typed dictionaries that document it."""

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

from distill.errors import DistillError

_OF_TYPE: dict[Any, tuple[type, ...]] = {float: (float, int), int: (int,), str: (str,), bool: (bool,)}
_SPOKEN: dict[Any, str] = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}


def check_schema(path: Path, content: Any, schema: Any, remedy: str) -> None:
    """Refuse what a file holds where it is not of its schema; keys that it does not document may stand beside.

    Args:
        schema: a typed dictionary, or a type of `list`, `dict`, `float`, `int`, `str`, `bool`, `None` and their unions.
        remedy: what to do, as a sentence; what is to be deleted among it.

    Raises:
        DistillError: naming the file, the first key that is wrong, what was found and expected, and the remedy.
    """
    for wrong in misfits(content, schema):
        raise DistillError(f"{path}: {wrong}. {remedy}")


def misfits(content: Any, schema: Any, place: str = "", closed: bool = False) -> Iterator[str]:
    """Each place where the content is not what the schema says: a key that lacks, or a type.

    Args:
        place: of the content in its file.
        closed: whether a key that is not documented is one as well.
    """
    origin = get_origin(schema)
    if origin in (Required, NotRequired):
        yield from misfits(content, get_args(schema)[0], place, closed)
    elif schema is Any:
        return
    elif is_typeddict(schema):
        yield from _of_keys(content, schema, place, closed)
    elif origin in (Union, types.UnionType):
        if all(any(True for _ in misfits(content, one, place, closed)) for one in get_args(schema)):
            yield f"{_at(place)} {content!r:.60}, which is none of what it may be"
    elif origin is list:
        if not isinstance(content, list):
            yield f"{_at(place)} {content!r:.60}, expected a list"
            return
        for number, one in enumerate(content):
            yield from misfits(one, get_args(schema)[0], f"{place}[{number}]", closed)
    elif origin is dict:
        if not isinstance(content, dict):
            yield f"{_at(place)} {content!r:.60}, expected keys and values"
            return
        for key, one in content.items():
            yield from misfits(one, get_args(schema)[1], _key(place, key), closed)
    elif schema is type(None):
        if content is not None:
            yield f"{_at(place)} {content!r:.60}, expected null"
    elif not isinstance(content, _OF_TYPE[schema]) or (schema is not bool and isinstance(content, bool)):
        yield f"{_at(place)} {content!r:.60}, expected {_SPOKEN[schema]}"


def _of_keys(content: Any, schema: Any, place: str, closed: bool) -> Iterator[str]:
    if not isinstance(content, dict):
        yield f"{_at(place)} {content!r:.60}, expected keys and values"
        return
    kinds = get_type_hints(schema)
    yield from (f"{_key(place, key)} is missing" for key in sorted(schema.__required_keys__ - content.keys()))
    for key, one in content.items():
        if key in kinds:
            yield from misfits(one, kinds[key], _key(place, key), closed)
        elif closed:
            yield f"{_key(place, key)} is not documented"


def _key(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _at(place: str) -> str:
    return f"{place} is" if place else "holds"
