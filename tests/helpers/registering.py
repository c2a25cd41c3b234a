"""Names that only some tests may see."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from distill import registries
from distill.registry import Registry


@contextmanager
def registered(register: Callable[[], None]) -> Iterator[None]:
    """What `register` adds to the registries is there within."""
    every = [value for value in vars(registries).values() if isinstance(value, Registry)]
    before = [dict(registry._added) for registry in every]
    register()
    try:
        yield
    finally:
        for registry, added in zip(every, before, strict=True):
            registry._added = added
