"""What to do about a data source, in keys that it has: another's would be refused."""

from distill.data.sources.source import Source


def choosing_classes(source: Source | None) -> str:
    """How some of a source's classes are chosen, and their order."""
    if source is None:
        return "data.attributes does, where the data's source has that key"
    if _has(source, "attributes"):
        return "data.attributes chooses some and their order"
    return f"{source.name} takes its classes from the pictures it lists, in the order of their names: leave out others"


def having_validation(source: Source) -> str:
    """How a source comes to pictures to validate on."""
    if _has(source, "validation"):
        return "share some out (data.validation)"
    return f"give data of which some are for validation; {source.name} has no key that shares some out"


def _has(source: Source, key: str) -> bool:
    return hasattr(source, key)
