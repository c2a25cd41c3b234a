"""Plain JSON held against the typed dictionaries that document it."""

import types
from collections.abc import Iterator
from typing import Any, NotRequired, Required, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

_OF_TYPE: dict[Any, tuple[type, ...]] = {float: (float, int), int: (int,), str: (str,), bool: (bool,)}


def together(name: str, *schemas: Any) -> Any:
    """A schema of all keys of several."""
    keys = {
        key: kind if key in schema.__required_keys__ else NotRequired[kind]
        for schema in schemas
        for key, kind in get_type_hints(schema).items()
    }
    return TypedDict(name, keys)  # type: ignore[operator]


def misfits(content: Any, schema: Any, place: str = "") -> Iterator[str]:
    """Each place where the content is not what the schema says: a key that lacks, or is not documented, or a type."""
    origin = get_origin(schema)
    if origin in (Required, NotRequired):
        yield from misfits(content, get_args(schema)[0], place)
    elif schema is Any:
        return
    elif is_typeddict(schema):
        yield from _of_keys(content, schema, place)
    elif origin in (Union, types.UnionType):
        if all(any(True for _ in misfits(content, one, place)) for one in get_args(schema)):
            yield f"{place}: {content!r:.60} is none of {schema}"
    elif origin is list:
        if not isinstance(content, list):
            yield f"{place}: is no list"
            return
        for number, one in enumerate(content):
            yield from misfits(one, get_args(schema)[0], f"{place}[{number}]")
    elif origin is dict:
        if not isinstance(content, dict):
            yield f"{place}: is no object"
            return
        for key, one in content.items():
            yield from misfits(one, get_args(schema)[1], f"{place}.{key}")
    elif schema is type(None):
        if content is not None:
            yield f"{place}: is not null"
    elif not isinstance(content, _OF_TYPE[schema]) or (schema is not bool and isinstance(content, bool)):
        yield f"{place}: {content!r:.60} is no {schema.__name__}"


def _of_keys(content: Any, schema: Any, place: str) -> Iterator[str]:
    if not isinstance(content, dict):
        yield f"{place}: is no object"
        return
    kinds = get_type_hints(schema)
    yield from (f"{place}.{key}: lacks" for key in sorted(schema.__required_keys__ - content.keys()))
    for key, one in content.items():
        if key in kinds:
            yield from misfits(one, kinds[key], f"{place}.{key}")
        else:
            yield f"{place}.{key}: is not documented"
