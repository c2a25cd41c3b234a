"""Small prepared sets that the tests of data and modules share."""

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
