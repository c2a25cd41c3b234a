"""MobileFaceNet: the published network, a probe that leaves it alone, and the box it looks at."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from distill.answers import Embedding, Probabilities
from distill.cost import count
from distill.errors import DistillError
from distill.export.onnx import export_onnx
from distill.files.weights import write_weights
from distill.modules.optimization import Optimization, parameter_groups
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.torch_predictor import TorchPredictor
from teachers.mobilefacenet_teacher import TEMPLATE_CROP, Mobilefacenet, aligned_crop
from teachers.networks.attribute_probe import AttributeProbe
from teachers.networks.mobilefacenet import FEATURES, MobileFaceNet


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Mobilefacenet:
    """A recogniser at random, kept as public checkpoints are."""
    torch.manual_seed(0)
    network = MobileFaceNet()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
    file = tmp_path_factory.mktemp("recognizer") / "recognizer.ckpt"
    torch.save({"epoch": 1, "net_state_dict": network.state_dict()}, file)
    return Mobilefacenet(weights=file)


def pixels(seed: int = 0, count: int = 2) -> torch.Tensor:
    return torch.randn(count, 3, 112, 96, generator=torch.Generator().manual_seed(seed))


def test_cost_by_table_1() -> None:
    """Added up by hand from table 1; the paper says 0.99 M parameters at 112 x 112."""
    mult_adds = 9 * 3 * 64 * 56 * 48 + 9 * 64 * 56 * 48
    parameters = 9 * 3 * 64 + 9 * 64 + 2 * 3 * 64
    height, width, channels = 56, 48, 64
    for expansion, out, repeats, first in (
        (2, 64, 5, 2),
        (4, 128, 1, 2),
        (2, 128, 6, 1),
        (4, 128, 1, 2),
        (2, 128, 2, 1),
    ):
        for stride in (first, *[1] * (repeats - 1)):
            wide = expansion * channels
            mult_adds += channels * wide * height * width
            height, width = height // stride, width // stride
            mult_adds += (9 * wide + wide * out) * height * width
            parameters += channels * wide + 9 * wide + wide * out + 2 * 3 * wide + 2 * out
            channels = out
    mult_adds += 128 * 512 * 42 + 42 * 512 + 512 * 128
    parameters += 128 * 512 + 3 * 512 + 42 * 512 + 2 * 512 + 512 * 128 + 2 * 128
    found = count(MobileFaceNet(), 112, 96)
    assert (found.mult_adds, found.parameters) == (mult_adds, parameters)
    assert 0.99e6 < found.parameters < 1.01e6


def test_features_hold_every_depth() -> None:
    torch.manual_seed(0)
    network = MobileFaceNet().eval()
    kept: dict[int, torch.Tensor] = {}
    for i in (4, 8, 11, 14):
        network.blocks[i].register_forward_hook(lambda _, __, output, i=i: kept.update({i: output}))
    with torch.no_grad():
        features, embedding = network.features(pixels()), network(pixels())
    assert (features.shape, embedding.shape) == ((2, FEATURES), (2, 128))
    torch.testing.assert_close(features[:, -128:], embedding)
    assert [tuple(kept[i].shape[1:]) for i in (4, 8, 11, 14)] == [(64, 28, 24), *[(128, 14, 12)] * 2, (128, 7, 6)]
    torch.testing.assert_close(features[:, 64:128], kept[4].flatten(2).max(dim=2).values)
    nose = kept[14][:, :, 3:6, 2:4].mean(dim=(2, 3))  # third row, middle column of four by three
    start = 128 + 256 + 128 + 12 * 128 + 128
    torch.testing.assert_close(features[:, start : start + 12 * 128].view(2, 128, 4, 3)[:, :, 2, 1], nose)


def test_only_the_head_learns(recognizer: Mobilefacenet) -> None:
    network = recognizer.network(5, new_head=True)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert network.train() is network and nn.ModuleList([network]).train().training
    assert not any(module.training for module in network.backbone.modules())
    assert network.training and network.normalization.training and network.classifier.training
    configured = Optimization(learning_rate=0.1, weight_decay=0.5).build(network, steps=1)
    loss = network(pixels(count=4)).square().sum()
    loss.backward()
    configured["optimizer"].step()
    after = network.state_dict()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    normalization = {f"normalization.{key}" for key in ("running_mean", "running_var", "num_batches_tracked")}
    assert changed == {"classifier.weight", "classifier.bias"} | normalization
    assert not network.eval().training and not network.normalization.training


def test_frozen_parameters_are_not_decayed() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1))
    network[0].requires_grad_(False)
    network[1].requires_grad_(False)
    decayed, others = parameter_groups(network)
    assert [id(one) for one in decayed] == [id(network[2].weight)]
    assert [id(one) for one in others] == [id(network[2].bias)]


def test_dropout_is_before_the_classifier(recognizer: Mobilefacenet) -> None:
    network = recognizer.network(5, new_head=True, drop_rate=0.999999)
    torch.testing.assert_close(network(pixels()), network.classifier.bias.expand(2, 5))
    assert not torch.equal(network.eval()(pixels()), network.classifier.bias.expand(2, 5))


def test_a_taught_teacher_comes_back(recognizer: Mobilefacenet, tmp_path: Path) -> None:
    network = recognizer.network(5, new_head=True)
    network(pixels(count=4))  # moves the head's statistics
    write_weights(tmp_path / "teacher.safetensors", network)
    recipe = replace(recognizer, weights=tmp_path / "teacher.safetensors", classes=tuple("abcde"))
    teacher = recipe.load(5)
    raw = pixels().mul(40).add(127.5).clamp(0, 255)
    with torch.no_grad():
        torch.testing.assert_close(teacher(raw)["logits"], network.eval()((raw - 127.5) / 128), rtol=1e-3, atol=1e-4)
    assert (teacher.name, teacher.classes) == ("mobilefacenet", tuple("abcde"))
    assert not any(module.training for module in teacher.train().modules())
    assert teacher.fingerprint() == recipe.load(5).fingerprint()
    assert teacher.fingerprint() != replace(recipe, crop=(0.0, 0.0, 1.0, 1.0)).load(5).fingerprint()
    with pytest.raises(DistillError, match=r"its classifier has other outputs: .*\(5, 4864\), expected \(7, 4864\)"):
        recipe.load(7)


def test_weights_that_do_not_fit(recognizer: Mobilefacenet, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"teacher\.weights: none given"):
        Mobilefacenet().network(5, new_head=True)
    with pytest.raises(DistillError, match=r"absent\.ckpt: no such weights file"):
        replace(recognizer, weights=tmp_path / "absent.ckpt").network(5, new_head=True)
    with pytest.raises(DistillError, match="no classifier in it"):
        recognizer.load(5)
    write_weights(tmp_path / "other.safetensors", nn.Linear(3, 3))
    with pytest.raises(DistillError, match="weights for another network"):
        replace(recognizer, weights=tmp_path / "other.safetensors").network(5, new_head=True)
    with pytest.raises(DistillError, match=r"drop_path_rate is 0\.1"):
        recognizer.network(5, new_head=True, drop_path_rate=0.1)


def test_a_new_head_is_said(recognizer: Mobilefacenet, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        recognizer.network(5, new_head=True)
    assert "a new classifier of 5 outputs, at random" in caplog.text


def test_input_contract(recognizer: Mobilefacenet) -> None:
    preprocess = recognizer.preprocess(recognizer.network(5, new_head=True))
    assert (preprocess.height, preprocess.width, preprocess.crop) == (112, 96, aligned_crop())
    levels = torch.tensor([0.0, 127.5, 255.0]).view(3, 1, 1, 1).expand(3, 3, 1, 1)
    torch.testing.assert_close(preprocess.normalize(levels), (levels - 127.5) / 128)
    own = replace(recognizer, crop=(0.1, 0.2, 0.3, 0.4))
    assert own.preprocess(own.network(5, new_head=True)).crop == (0.1, 0.2, 0.3, 0.4)


def test_a_celeba_face_lands_on_the_template() -> None:
    """Two eyes and two corners of the mouth, whole CelebA pixels to the 112 x 96 input: within two pixels."""
    top, left, height, width = aligned_crop()
    places = (
        ((69.5, 111), (38.3, 51.7)),
        ((108.5, 111), (73.5, 51.5)),
        ((72, 152), (41.5, 92.4)),
        ((106, 152), (70.7, 92.2)),
    )
    offsets = []
    for (column, row), (wanted_column, wanted_row) in places:
        found_column = ((column + 0.5) / 178 - left) / width * 96 - 0.5 + 8
        found_row = ((row + 0.5) / 218 - top) / height * 112 - 0.5
        offsets.append((found_column - wanted_column, found_row - wanted_row))
    assert np.abs(offsets).max() < 2
    np.testing.assert_allclose(np.mean(offsets, axis=0), 0, atol=1e-9)
    assert height * 218 / 112 == pytest.approx(width * 178 / 96), "a pixel stays square"


def test_the_exported_file_sees_the_same_box(recognizer: Mobilefacenet, tmp_path: Path) -> None:
    network = recognizer.network(5, new_head=True)
    preprocess = recognizer.preprocess(network)
    kind = Probabilities(tuple("abcde"))
    export_onnx(tmp_path / "teacher.onnx", network, preprocess, kind, picture=(109, 89))
    exported = OnnxPredictor(tmp_path / "teacher.onnx")
    assert exported.preprocess.crop == preprocess.crop
    pictures = np.random.default_rng(0).integers(0, 256, (3, 109, 89, 3), dtype=np.uint8)
    expected = TorchPredictor(network, preprocess, kind, normalize=True, name="probe")(pictures)
    np.testing.assert_allclose(exported(pictures)["probabilities"], expected["probabilities"], atol=1e-5)


def test_the_probe_takes_gradients_only_for_its_head() -> None:
    torch.manual_seed(0)
    network = AttributeProbe(MobileFaceNet(), 3)
    entered = pixels().requires_grad_()
    network(entered).sum().backward()
    assert entered.grad is None
    assert {name for name, parameter in network.named_parameters() if parameter.grad is not None} == {
        "classifier.weight",
        "classifier.bias",
    }


def test_an_embedder_is_the_recogniser_alone(recognizer: Mobilefacenet) -> None:
    teacher = recognizer.teacher(Embedding())
    network = MobileFaceNet()
    assert recognizer.weights is not None
    network.load_state_dict(torch.load(recognizer.weights, weights_only=True)["net_state_dict"])
    raw = pixels().mul(40).add(127.5).clamp(0, 255)
    with torch.no_grad():
        torch.testing.assert_close(teacher(raw)["embedding"], network.eval()((raw - 127.5) / 128), rtol=1e-3, atol=1e-4)
    assert (teacher.outputs, teacher.classes, teacher.name) == (128, None, "mobilefacenet")
    assert not any(module.training for module in teacher.train().modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    trained, preprocess = recognizer.trainable(Embedding())
    assert trained.training and all(parameter.requires_grad for parameter in trained.parameters())
    assert preprocess == teacher.preprocess


def test_an_embedder_sees_columns_8_to_104_of_an_aligned_picture(recognizer: Mobilefacenet) -> None:
    preprocess = recognizer.teacher(Embedding()).preprocess
    assert preprocess.crop == TEMPLATE_CROP == (0.0, 8 / 112, 1.0, 96 / 112)
    aligned = torch.randint(0, 256, (2, 112, 112, 3), dtype=torch.uint8)
    assert torch.equal(preprocess.resize(aligned), aligned[:, :, 8:104])
    own = replace(recognizer, crop=(0.1, 0.2, 0.3, 0.4))
    assert own.teacher(Embedding()).preprocess.crop == (0.1, 0.2, 0.3, 0.4)


def test_an_embedder_of_bgr_is_shown_bgr(recognizer: Mobilefacenet) -> None:
    rgb, bgr = recognizer.teacher(Embedding()), replace(recognizer, channels="bgr").teacher(Embedding())
    raw = pixels().mul(40).add(127.5).clamp(0, 255)
    torch.testing.assert_close(bgr(raw)["embedding"], rgb(raw.flip(1))["embedding"], rtol=1e-3, atol=1e-4)


def test_an_embedder_is_taken_out_of_a_classifier(recognizer: Mobilefacenet, tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"teacher\.weights: none given"):
        Mobilefacenet().teacher(Embedding())
    write_weights(tmp_path / "taught.safetensors", recognizer.network(5, new_head=True))
    taught = replace(recognizer, weights=tmp_path / "taught.safetensors").teacher(Embedding())
    own = recognizer.teacher(Embedding())
    torch.testing.assert_close(taught(pixels())["embedding"], own(pixels())["embedding"], atol=0, rtol=0)
