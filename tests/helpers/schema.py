"""One schema of several."""

from typing import Any, NotRequired, TypedDict, get_type_hints


def together(name: str, *schemas: Any) -> Any:
    """A schema of all keys of several."""
    keys = {
        key: kind if key in schema.__required_keys__ else NotRequired[kind]
        for schema in schemas
        for key, kind in get_type_hints(schema).items()
    }
    return TypedDict(name, keys)  # type: ignore[operator]
