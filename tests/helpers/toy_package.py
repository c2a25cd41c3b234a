"""A distribution laid out as an installer leaves it: importable, with its entry points beside it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from distill.registries import ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS
from distill.registry import Registry


def install(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    modules: Mapping[str, str],
    entry_points: Mapping[str, Mapping[str, str]],
    name: str = "toy-package",
) -> None:
    """Put one on the path for the time of a test.

    Args:
        place: a folder of its own.
        modules: source by module name.
        entry_points: by group: "module:attribute" by name.
    """
    place.mkdir(parents=True, exist_ok=True)
    for module, source in modules.items():
        (place / f"{module}.py").write_text(source, encoding="utf-8")
    information = place / f"{name.replace('-', '_')}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = [
        line
        for group, targets in entry_points.items()
        for line in (f"[{group}]", *(f"{key} = {target}" for key, target in targets.items()))
    ]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    registries = [one for one in (ANSWERS, OBJECTIVES, SOURCES, STUDENTS, TASKS, TEACHERS) if one.group in entry_points]
    for registry in registries:
        registry.names()  # looks now, as a process does once: what is put back after the test has no toy
    monkeypatch.syspath_prepend(str(place))
    for module in modules:
        monkeypatch.delitem(sys.modules, module, raising=False)
    for registry in registries:
        monkeypatch.setattr(registry, "_plugins", Registry(registry.kind, registry.group, {})._plugins)
