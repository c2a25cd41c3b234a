"""The closed form equals scikit-learn's ridge and logistic regression, and touches nothing but the classifier."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from distill.data.prepared.frame import Frame
from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepare import prepare
from distill.data.prepared.prepared import Prepared
from distill.data.sources.source import Sample, Split
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.files.weights import weights_checksum
from distill.preprocess.preprocess import Preprocess
from distill.recipe.stages import Probe
from distill.run.probe import fit_probe

SIDE = 8
UNCHANGED = Views(scale=(1.0, 1.0), ratio=1.0, flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0)
PREPROCESS = Preprocess.imagenet(SIDE, SIDE)


@dataclass(frozen=True)
class Linear:
    """Noise whose attributes are noisy linear functions of it, one of them rare."""

    never: str | None = None
    name: str = "linear"

    def classes(self) -> tuple[str, ...]:
        return ("Even", "Rare", "Hard")

    def samples(self, height: int, width: int) -> Iterator[Sample]:
        random = np.random.default_rng(5)
        directions = random.normal(size=(SIDE * SIDE * 3, 3))
        splits: tuple[tuple[Split, int], ...] = (("train", 300), ("validation", 200))
        for split, count in splits:
            for number in range(count):
                picture = random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
                score = (picture.ravel() / 255 - 0.5) @ directions / 4 + random.normal(size=3) * (0.3, 0.3, 2.0)
                labels = (score > (0, 1.2, 0)).astype(int) * [name != self.never for name in self.classes()]
                yield Sample(f"{split} {number}", picture, tuple(labels.tolist()), split=split)


class Network(nn.Module):
    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.Flatten())
        self.classifier = nn.Linear(54, outputs)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.classifier(self.backbone(pixels))

    def get_classifier(self) -> nn.Module:
        return self.classifier


def linear_set(place: Path, source: Linear) -> Prepared:
    return prepare(source, place, Frame(SIDE, SIDE), workers=1)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return linear_set(tmp_path_factory.mktemp("linear") / "set", Linear())


def splits(prepared: Prepared) -> tuple[Pictures, Pictures]:
    return Pictures.of(prepared, "train"), Pictures.of(prepared, "validation")


def new_network() -> Network:
    torch.manual_seed(1)
    return Network()


def features_of(network: Network, pictures: Pictures) -> np.ndarray:
    network.eval()
    everything = torch.from_numpy(pictures.gather(np.arange(len(pictures))))
    with torch.no_grad():
        return network.backbone(PREPROCESS(everything)).double().numpy()


def mean_ap(labels: np.ndarray, scores: np.ndarray) -> float:
    return float(np.mean([average_precision_score(labels[:, c], scores[:, c]) for c in range(labels.shape[1])]))


def test_it_is_scikit_learns_ridge_with_the_strength_best_on_validation(prepared: Prepared) -> None:
    train, validation = splits(prepared)
    network = new_network()
    x, seen = features_of(network, train), features_of(network, validation)
    scaler = StandardScaler().fit(x)
    strengths = (0.01, 0.1, 1.0, 30.0)
    candidates = [
        # Penalty per picture; views equal to their pictures change nothing.
        Ridge(alpha=strength * len(x)).fit(scaler.transform(x), train.labels).predict(scaler.transform(seen))
        for strength in strengths
    ]
    scores = [mean_ap(validation.labels, candidate) for candidate in candidates]
    expected = candidates[int(np.argmax(scores))]
    assert len(set(scores)) == len(strengths)  # so that the choice matters

    settings = Probe(passes=1, batch_size=64, views=UNCHANGED, ridge=strengths)
    fit_probe(network, PREPROCESS, train, validation, settings, seed=0)
    with torch.no_grad():
        logits = network.classifier(torch.from_numpy(seen).float()).double().numpy()
    assert mean_ap(validation.labels, logits) == pytest.approx(max(scores), abs=1e-6)
    for c in range(3):
        assert np.corrcoef(logits[:, c], expected[:, c])[0, 1] > 0.99999
        platt = LogisticRegression(C=1e6).fit(expected[:, c : c + 1], validation.labels[:, c])
        np.testing.assert_allclose(logits[:, c], platt.decision_function(expected[:, c : c + 1]), atol=0.02)


def test_probabilities_match_frequencies_on_validation(prepared: Prepared) -> None:
    train, validation = splits(prepared)
    network = new_network()
    fit_probe(network, PREPROCESS, train, validation, Probe(passes=1, views=UNCHANGED), seed=0)
    seen = torch.from_numpy(features_of(network, validation)).float()
    probabilities = network.classifier(seen).sigmoid().detach().numpy()
    np.testing.assert_allclose(probabilities.mean(0), validation.labels.mean(0), atol=2e-3)
    for c in range(3):
        order = np.argsort(probabilities[:, c])
        for half in np.array_split(order, 2):
            assert probabilities[half, c].mean() == pytest.approx(validation.labels[half, c].mean(), abs=0.06)


def test_only_the_classifier_changes_and_the_views_matter(prepared: Prepared) -> None:
    train, validation = splits(prepared)
    networks = [new_network().train() for _ in range(3)]
    for network, passes, seed in zip(networks, (1, 1, 3), (0, 0, 0), strict=True):
        fit_probe(network, PREPROCESS, train, validation, Probe(passes=passes, batch_size=50), seed)
    untouched = new_network()
    for network in networks:
        assert weights_checksum(network.backbone) == weights_checksum(
            untouched.backbone
        )  # BatchNorm's statistics among it
        assert not network.training and not network.classifier._forward_pre_hooks
    assert weights_checksum(networks[0]) == weights_checksum(networks[1]) != weights_checksum(networks[2])


def test_the_size_of_the_batches_does_not_matter(prepared: Prepared) -> None:
    train, validation = splits(prepared)
    logits = []
    for size in (7, 300):
        network = new_network()
        fit_probe(network, PREPROCESS, train, validation, Probe(passes=2, batch_size=size), seed=0)
        logits.append(network.classifier(torch.from_numpy(features_of(network, validation)).float()))
    torch.testing.assert_close(*logits, atol=1e-3, rtol=1e-3)


def test_a_network_that_does_not_end_in_a_linear_is_refused(prepared: Prepared) -> None:
    network = new_network()
    network.classifier = nn.Sequential(nn.Linear(54, 3))  # type: ignore[assignment]  # what some networks have
    with pytest.raises(DistillError, match=r"ends in a Sequential, and only a Linear.*`teach`"):
        fit_probe(network, PREPROCESS, *splits(prepared), Probe(), seed=0)


def test_an_attribute_without_positives_is_refused(tmp_path: Path) -> None:
    pictures = splits(linear_set(tmp_path / "set", Linear(never="Rare")))
    network = new_network()
    before = weights_checksum(network)
    with pytest.raises(DistillError, match=r"train pictures need both values of Rare.*Leave that class out"):
        fit_probe(network, PREPROCESS, *pictures, Probe(), seed=0)
    assert weights_checksum(network) == before


def test_unknown_labels_are_refused(train: Pictures, validation: Pictures) -> None:
    with pytest.raises(DistillError, match="need both values of Bald, all known"):
        fit_probe(new_network(), PREPROCESS, train, validation, Probe(), seed=0)


@pytest.mark.parametrize("broken", [0.0, float("nan")])
def test_features_that_say_nothing_are_refused(prepared: Prepared, broken: float) -> None:
    network = new_network()
    conv = network.backbone[0]
    assert isinstance(conv, nn.Conv2d) and conv.bias is not None
    with torch.no_grad():
        conv.weight.fill_(0.0)
        conv.bias.fill_(broken)
    with pytest.raises(DistillError, match="probe"):
        fit_probe(network, PREPROCESS, *splits(prepared), Probe(), seed=0)
