"""A probe on two networks: each sees the picture as it would alone, and a file holds both."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from distill.answers import Embedding, Probabilities
from distill.errors import DistillError
from distill.export.onnx import export_onnx
from distill.files.weights import write_weights
from distill.predictors.onnx_predictor import OnnxPredictor
from distill.predictors.torch_predictor import TorchPredictor
from distill.preprocess.preprocess import Preprocess
from teachers.mobilefacenet_teacher import Mobilefacenet, aligned_crop
from teachers.networks.attribute_probe import PICTURE
from teachers.networks.glimpse import Glimpse
from teachers.networks.mobilefacenet import FEATURES, MobileFaceNet
from teachers.timm_teacher import Timm


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Mobilefacenet:
    """Both networks at random, in files of their own."""
    place = tmp_path_factory.mktemp("pair")
    torch.manual_seed(0)
    write_weights(place / "face.safetensors", MobileFaceNet())
    write_weights(place / "context.safetensors", timm.create_model("test_resnet", num_classes=7))
    context = Timm("test_resnet", weights=place / "context.safetensors", height=40, width=32)
    return Mobilefacenet(weights=place / "face.safetensors", context=context)


def test_each_sees_the_picture_in_its_own_way(pair: Mobilefacenet) -> None:
    network = pair.network(5, new_head=True).eval()
    seen: list[torch.Tensor] = []
    network.classifier.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    pictures = torch.randint(0, 256, (2, 218, 178, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    preprocess = pair.preprocess(network)
    assert preprocess == PICTURE
    network(preprocess(pictures))
    face, whole = seen[0][:, :FEATURES], seen[0][:, FEATURES:]
    scale = network.normalization.eps
    alone = Preprocess(112, 96, "bilinear", (127.5 / 255,) * 3, (128 / 255,) * 3, aligned_crop())
    with torch.no_grad():
        expected = network.backbone.features(alone.normalize(alone.scale(pictures)))
        torch.testing.assert_close(face, expected / (1 + scale) ** 0.5, atol=1e-4, rtol=1e-4)
        assert pair.context is not None
        context, contract = pair.context.trainable(Embedding())
        expected = context.eval()(contract.normalize(contract.scale(pictures)))
        torch.testing.assert_close(whole, expected / (1 + scale) ** 0.5, atol=1e-4, rtol=1e-4)


def test_each_has_an_order_of_channels_of_its_own(pair: Mobilefacenet) -> None:
    assert pair.context is not None
    network = replace(pair, channels="bgr").network(5, new_head=True)
    assert (network.context.face.preprocess.channels, network.context.whole.preprocess.channels) == ("bgr", "rgb")
    network = replace(pair, context=replace(pair.context, channels="bgr")).network(5, new_head=True)
    assert (network.context.face.preprocess.channels, network.context.whole.preprocess.channels) == ("rgb", "bgr")


def test_one_file_holds_both(pair: Mobilefacenet, tmp_path: Path) -> None:
    network = pair.network(5, new_head=True).eval()
    write_weights(tmp_path / "teacher.safetensors", network)
    assert pair.context is not None
    gone = replace(pair.context, weights=tmp_path / "gone.safetensors")
    teacher = replace(pair, weights=tmp_path / "teacher.safetensors", context=gone).load(5)
    assert teacher.name == "mobilefacenet + test_resnet"
    pixels = torch.rand(2, 3, 218, 178) * 255
    with torch.no_grad():
        torch.testing.assert_close(teacher(pixels)["logits"], network(pixels))


def test_it_exports_as_a_black_box(pair: Mobilefacenet, tmp_path: Path) -> None:
    network = pair.network(3, new_head=True).eval()
    kind, preprocess = Probabilities(("a", "b", "c")), pair.preprocess(network)
    export_onnx(tmp_path / "t.onnx", network, preprocess, kind, picture=(109, 89))
    pictures = np.random.default_rng(0).integers(0, 256, (3, 109, 89, 3), dtype=np.uint8)
    ours = TorchPredictor(network, preprocess, kind, normalize=True, name="t")(pictures)["probabilities"]
    np.testing.assert_allclose(OnnxPredictor(tmp_path / "t.onnx")(pictures)["probabilities"], ours, atol=1e-5)


def test_only_the_head_learns(pair: Mobilefacenet) -> None:
    network = pair.network(5, new_head=True).train()
    assert {name for name, one in network.named_parameters() if one.requires_grad} == {
        "classifier.weight",
        "classifier.bias",
    }
    assert network.context is not None and not network.context.network.training


def test_weights_without_the_context_are_refused(pair: Mobilefacenet, tmp_path: Path) -> None:
    alone = replace(pair, context=None).network(5, new_head=True)
    write_weights(tmp_path / "alone.safetensors", alone)
    with pytest.raises(DistillError, match="weights for another network"):
        replace(pair, weights=tmp_path / "alone.safetensors").load(5)


def test_a_glimpse_is_the_resize_used_everywhere() -> None:
    preprocess = Preprocess(20, 30, "bicubic", (0.4, 0.5, 0.6), (0.2, 0.3, 0.1), (0.1, 0.2, 0.5, 0.6))
    pictures = torch.randint(0, 256, (2, 64, 48, 3), dtype=torch.uint8)
    found = Glimpse(preprocess, 64, 48)(pictures.permute(0, 3, 1, 2).float())
    torch.testing.assert_close(found, preprocess.normalize(preprocess.scale(pictures)), atol=1e-4, rtol=1e-4)


def test_another_look_at_the_picture_is_another_teacher(pair: Mobilefacenet, tmp_path: Path) -> None:
    write_weights(tmp_path / "teacher.safetensors", pair.network(5, new_head=True).eval())
    assert pair.context is not None
    taught, context = replace(pair, weights=tmp_path / "teacher.safetensors"), pair.context
    others = [
        replace(taught, crop=(0.0, 0.0, 1.0, 0.5)),
        replace(taught, context=replace(context, height=48)),
        replace(taught, context=replace(context, mean=(0.9, 0.9, 0.9))),
        replace(taught, context=replace(context, interpolation="bicubic")),
    ]
    prints = [one.load(5).fingerprint() for one in (taught, taught, *others)]
    assert prints[0] == prints[1] and len(set(prints)) == 5
    networks = [repr(one.network(5, new_head=False)) for one in (taught, *others)]
    assert len(set(networks)) == 5
