"""Names of things: listed without imports, brought by packages that may be broken or at odds."""

import subprocess
import sys
from pathlib import Path

import pytest

from distill.errors import DistillError
from distill.registry import Registry, UnknownNameError
from tests.helpers.toy_package import install

GROUP = "distill.test_shapes"
OWN = {"square": "collections:OrderedDict", "disc": "collections:ChainMap", "poly_*": "collections:deque"}


def shapes() -> Registry:
    return Registry("shape", GROUP, OWN)


def test_own_things_are_imported_when_they_are_asked_for() -> None:
    import collections

    registry = Registry("shape", GROUP, OWN | {"absent": "no_such_module:Thing"})
    assert registry.names() == ["absent", "disc", "poly_*", "square"]
    assert registry.get("square") is collections.OrderedDict
    with pytest.raises(ModuleNotFoundError):  # our own mistake, which is no user's
        registry.get("absent")


def test_a_pattern_stands_for_its_family() -> None:
    import collections

    registry = shapes()
    assert registry.get("poly_5") is collections.deque
    registry.add("poly_6", dict)
    assert registry.get("poly_6") is dict and registry.get("poly_7") is collections.deque


def test_an_unknown_name_is_answered_with_the_nearest_and_all() -> None:
    with pytest.raises(UnknownNameError) as caught:
        shapes().get("sqare")
    assert str(caught.value) == (
        "no shape is called 'sqare'. Did you mean square? Expected one of disc, poly_*, square."
    )
    with pytest.raises(UnknownNameError, match=r"'x'\. Expected one of disc"):
        shapes().get("x")


def test_a_package_brings_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    targets = {"star": "toy_shapes:Star", "moon": "toy_shapes:Moon", "sun": "toy_broken:Sun"}
    modules = {"toy_shapes": "class Star: points = 5\n", "toy_broken": "raise RuntimeError('no\\n GPU')\n"}
    install(tmp_path, monkeypatch, modules, {GROUP: targets, "another.group": {"x": "y:z"}})
    registry = shapes()
    assert registry.names() == ["disc", "moon", "poly_*", "square", "star", "sun"]
    assert not {"toy_shapes", "toy_broken"} & sys.modules.keys()
    assert registry.get("star").points == 5
    broken = r"shape 'sun': package toy-package brings it as toy_broken:Sun, .* \(RuntimeError: no GPU\)"
    with pytest.raises(DistillError, match=broken):
        registry.get("sun")
    with pytest.raises(DistillError, match=r"package toy-package brings it as toy_shapes:Moon, .*AttributeError"):
        registry.get("moon")
    assert registry.get("square").__name__ == "OrderedDict"  # the others work


def test_two_packages_of_one_name_are_both_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("toy-one", "toy-two"):
        install(tmp_path / name, monkeypatch, {}, {GROUP: {"star": "math:pi", "disc": "math:e"}}, name)
    registry = shapes()
    with pytest.raises(DistillError, match=r"^shape 'star': package toy-(one|two) and package toy-(one|two) both"):
        registry.get("star")
    with pytest.raises(DistillError, match=r"^shape 'disc': distill and package toy-(one|two) and package"):
        registry.get("disc")
    assert registry.get("square").__name__ == "OrderedDict"


def test_code_adds_a_name_that_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, {}, {GROUP: {"star": "math:pi"}})
    registry = shapes()
    registry.add("heart", dict)
    registry.add("heart", dict)  # a notebook's cell, run again
    assert registry.get("heart") is dict and "heart" in registry.names()
    for name, owner in (("square", "distill"), ("star", "package toy-package"), ("heart", "builtins.dict")):
        with pytest.raises(DistillError, match=rf"shape '{name}': {owner} has one already\. Call builtins\.list oth"):
            registry.add(name, list)


def test_the_module_needs_nothing_heavy() -> None:
    code = "import sys, distill.registry; print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
