"""Public face recognisers as teachers of embeddings: their files, complete or refused, and what they see."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from distill.answers import Embedding, Probabilities
from distill.errors import DistillError
from distill.files.weights import write_weights
from distill.preprocess.preprocess import WHOLE
from teachers.networks.inception_resnet_v1 import InceptionResNetV1
from teachers.networks.iresnet import IResNet
from teachers.recognizer_teacher import InceptionResnetV1, Iresnet, Recognizer


@pytest.fixture(scope="module")
def facenet(tmp_path_factory: pytest.TempPathFactory) -> InceptionResnetV1:
    """A network at random with a classifier of people, as the public checkpoints have one."""
    torch.manual_seed(0)
    classifier = {"logits.weight": torch.zeros(7, 512), "logits.bias": torch.zeros(7)}
    file = tmp_path_factory.mktemp("facenet") / "vggface2.pt"
    torch.save(InceptionResNetV1().state_dict() | classifier, file)
    return InceptionResnetV1(weights=file)


@pytest.fixture(scope="module")
def arcface(tmp_path_factory: pytest.TempPathFactory) -> Iresnet:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("arcface") / "backbone.pth"
    torch.save(IResNet(18).state_dict(), file)
    return Iresnet("iresnet18", file)


def pixels(size: int) -> torch.Tensor:
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * 255


def test_facenet_answers_as_its_own_network(facenet: InceptionResnetV1) -> None:
    teacher = facenet.teacher(Embedding())
    network, _ = facenet.trainable(Embedding())
    with torch.no_grad():
        expected = network.eval()((pixels(160) - 127.5) / 128)
    torch.testing.assert_close(teacher(pixels(160))["embedding"], expected, rtol=1e-3, atol=1e-4)
    assert (teacher.outputs, teacher.classes, teacher.name) == (512, None, "inception_resnet_v1")
    assert (teacher.preprocess.height, teacher.preprocess.width, teacher.preprocess.crop) == (160, 160, WHOLE)


def test_arcface_answers_as_its_own_network(arcface: Iresnet) -> None:
    teacher = arcface.teacher(Embedding())
    network = IResNet(18)
    assert arcface.weights is not None
    network.load_state_dict(torch.load(arcface.weights, weights_only=True))
    with torch.no_grad():
        expected = network.eval()((pixels(112) - 127.5) / 127.5)
    torch.testing.assert_close(teacher(pixels(112))["embedding"], expected, rtol=1e-3, atol=1e-4)
    assert (teacher.outputs, teacher.classes, teacher.name) == (512, None, "iresnet18")
    assert (teacher.preprocess.height, teacher.preprocess.width, teacher.preprocess.crop) == (112, 112, WHOLE)


def test_frozen_unless_it_is_to_be_trained(arcface: Iresnet) -> None:
    teacher = arcface.teacher(Embedding())
    nn.ModuleList([teacher]).train()
    assert not any(module.training for module in teacher.modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert not teacher(pixels(112).requires_grad_())["embedding"].requires_grad
    assert teacher(pixels(112))["embedding"].dtype == torch.float32
    network, preprocess = arcface.trainable(Embedding())
    assert network.training and network.get_parameter("conv1.weight").requires_grad
    assert preprocess == teacher.preprocess


def test_a_crop_is_kept_and_told_apart(arcface: Iresnet) -> None:
    box = (0.1, 0.2, 0.7, 0.6)
    whole, again, cropped = (one.teacher(Embedding()) for one in (arcface, arcface, replace(arcface, crop=box)))
    assert cropped.preprocess.crop == box
    assert cropped.fingerprint() != whole.fingerprint() == again.fingerprint()


@pytest.mark.parametrize("recipe", [InceptionResnetV1(), Iresnet()])
def test_weights_must_be_given(recipe: Recognizer) -> None:
    with pytest.raises(DistillError, match=rf"teacher\.weights: none given, and {recipe.name} has none"):
        recipe.teacher(Embedding())
    with pytest.raises(DistillError, match="gives embeddings of faces, and this recipe needs 40 classes"):
        recipe.teacher(Probabilities(tuple(f"c{number}" for number in range(40))))


def test_weights_of_another_network(facenet: InceptionResnetV1, arcface: Iresnet, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"vggface2\.pt: weights for another network"):
        replace(arcface, weights=facenet.weights).teacher(Embedding())
    with pytest.raises(
        DistillError, match=r"backbone\.pth: weights for another network; \d+ tensors do not fit: layer"
    ):
        replace(arcface, name="iresnet50").teacher(Embedding())
    network = IResNet(18)
    nn.init.constant_(network.fc.bias, float("nan"))
    write_weights(tmp_path / "broken.safetensors", network)
    with pytest.raises(DistillError, match=r"broken weights: fc\.bias holds NaN"):
        replace(arcface, weights=tmp_path / "broken.safetensors").teacher(Embedding())
    with pytest.raises(DistillError, match=r"absent\.pth: no such weights file"):
        replace(arcface, weights=tmp_path / "absent.pth").teacher(Embedding())


def test_a_recogniser_of_bgr_is_shown_bgr(arcface: Iresnet) -> None:
    rgb, bgr = arcface.teacher(Embedding()), replace(arcface, channels="bgr").teacher(Embedding())
    expected = rgb(pixels(112).flip(1))["embedding"]
    torch.testing.assert_close(bgr(pixels(112))["embedding"], expected, rtol=1e-3, atol=1e-4)
    assert bgr.fingerprint() != rgb.fingerprint()
