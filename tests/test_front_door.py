"""What Python users import from `distill` itself."""

import subprocess
import sys

import pytest

import distill


def test_importing_it_waits_for_nothing_heavy() -> None:
    code = "import sys, distill; distill.STUDENTS.names(); print('torch' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_every_name_is_there() -> None:
    for name in distill.__all__:
        assert getattr(distill, name).__class__ and name in dir(distill)
    from distill.objectives import BernoulliKl

    assert isinstance(BernoulliKl(), distill.Objective)
    with pytest.raises(AttributeError, match="no attribute 'Recipes'"):
        _ = distill.Recipes
