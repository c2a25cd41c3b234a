"""Small prepared sets that the tests of data and modules share, and the environment that all tests have in common."""

# ruff: noqa: E402  # the environment is set before anything that reads it is imported
import os

# Before anything reads them. What somebody has set changes how lines are broken, colours, whom a library asks and how
# many threads a process begins with; tests that are of one of these set it themselves.
for _name in ("HF_HUB_OFFLINE", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "PYTHONIOENCODING"):
    os.environ.pop(_name, None)
for _name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.pop(_name, None)
os.environ |= {"COLUMNS": "80", "LINES": "24"}

import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Split
from distill.host import settle
from tests.helpers.noise import Noise, prepare_noise

settle()
torch.set_num_threads(1)  # the tensors of these tests are so small that threads would only wait for each other


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """33 pictures to train on, 9 to validate on, 4 to test on, of three attributes."""
    splits: tuple[tuple[Split, int], ...] = (("train", 33), ("validation", 9), ("test", 4))
    return prepare_noise(tmp_path_factory.mktemp("sets") / "labelled", Noise(1, splits, ("Bald", "Male", "Smiling")))


@pytest.fixture(scope="session")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """13 pictures of which nothing is known."""
    return prepare_noise(tmp_path_factory.mktemp("sets") / "unlabelled", Noise(2, (("train", 13),)))


@pytest.fixture(scope="session")
def train(labelled: Prepared) -> Pictures:
    return Pictures.of(labelled, "train")


@pytest.fixture(scope="session")
def validation(labelled: Prepared) -> Pictures:
    return Pictures.of(labelled, "validation")
