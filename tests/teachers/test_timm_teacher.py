"""A timm network as a teacher: frozen for good, its weights complete or refused."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from distill.answers import Embedding
from distill.errors import DistillError
from distill.files.weights import write_weights
from distill.preprocess.preprocess import Preprocess
from teachers.teacher import read_classes
from teachers.timm_teacher import Timm
from teachers.torch_teacher import TorchTeacher

MODEL = "test_resnet"  # timm's own network for tests, 160 pixels


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Timm:
    torch.manual_seed(0)
    network = timm.create_model(MODEL, num_classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean)
    file = tmp_path_factory.mktemp("teacher") / "teacher.safetensors"
    write_weights(file, network)
    return Timm(model=MODEL, weights=file, height=48, width=40)


def pixels(seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, 48, 40, generator=torch.Generator().manual_seed(seed)) * 255


def test_frozen_for_good(recipe: Timm) -> None:
    teacher = recipe.load(5)
    holder = nn.ModuleList([teacher])
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    assert teacher.train() is teacher
    holder.train()
    assert not any(module.training for module in teacher.modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    pictures = pixels().requires_grad_()
    logits = teacher(pictures)["logits"]
    assert not logits.requires_grad and logits.dtype == torch.float32
    assert all(torch.equal(tensor, before[name]) for name, tensor in teacher.state_dict().items())


def test_answers_as_timms_own_network(recipe: Timm) -> None:
    network = timm.create_model(MODEL, num_classes=5, checkpoint_path=str(recipe.weights)).eval()
    mean, std = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1), torch.tensor([0.5, 0.6, 0.7]).view(3, 1, 1)
    teacher = replace(recipe, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7)).load(5)
    with torch.no_grad():
        expected = network((pixels() / 255 - mean) / std)
    torch.testing.assert_close(teacher(pixels())["logits"], expected, rtol=1e-4, atol=1e-5)


def test_input_contract_is_timms_unless_the_recipe_says_otherwise(recipe: Timm) -> None:
    cfg = timm.get_pretrained_cfg(MODEL)
    plain = replace(recipe, height=None, width=None).load(5).preprocess
    assert plain == Preprocess(*cfg.input_size[1:], cfg.interpolation, cfg.mean, cfg.std)
    assert plain.height == 160
    own = replace(recipe, interpolation="bilinear", mean=(0.1, 0.2, 0.3), std=(0.6, 0.7, 0.8)).load(5).preprocess
    assert own == Preprocess(48, 40, "bilinear", (0.1, 0.2, 0.3), (0.6, 0.7, 0.8))
    assert replace(recipe, crop=(0.1, 0.2, 0.5, 0.6)).load(5).preprocess.crop == (0.1, 0.2, 0.5, 0.6)


def test_a_network_of_bgr_is_shown_bgr(recipe: Timm) -> None:
    rgb = replace(recipe, mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    bgr, network = replace(rgb, channels="bgr").load(5), rgb.network(5, new_head=False).eval()
    mean, std = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1), torch.tensor([0.5, 0.6, 0.7]).view(3, 1, 1)
    with torch.no_grad():
        expected = network(((pixels() / 255 - mean) / std)[:, [2, 1, 0]])
    torch.testing.assert_close(bgr(pixels())["logits"], expected, rtol=1e-4, atol=1e-5)
    assert bgr.fingerprint() != rgb.load(5).fingerprint()
    assert ", bgr, " in bgr.contract


def test_other_outputs_are_refused(recipe: Timm) -> None:
    with pytest.raises(DistillError, match=r"its classifier has other outputs: .*\(5, .*expected \(7,"):
        recipe.load(7)
    with pytest.raises(DistillError, match="1000 outputs, expected 7"):
        replace(recipe, weights=None).load(7)


def test_a_new_head_is_for_training_and_is_said(recipe: Timm, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        network = recipe.network(7, new_head=True, drop_rate=0.2, drop_path_rate=0.1)
    assert "a new classifier of 7 outputs, at random: fc.weight, fc.bias" in caplog.text
    assert network.training and all(parameter.requires_grad for parameter in network.parameters())
    assert network.drop_rate == 0.2
    old = recipe.network(5, new_head=False).state_dict()
    assert all(torch.equal(tensor, old[name]) for name, tensor in network.state_dict().items() if "fc." not in name)


def test_arguments_reach_timm_and_wrong_ones_are_refused(recipe: Timm) -> None:
    with pytest.raises(DistillError, match=r"teacher\.model_args: test_resnet does not take .*colour"):
        replace(recipe, model_args={"colour": 1}).load(5)
    with pytest.raises(DistillError, match=r"test_resnet cannot be built with model_args {'act_layer': 'colour'} \(K"):
        Timm("test_resnet", weights="scratch", model_args={"act_layer": "colour"}).network(5, new_head=True)
    same = Timm("mobilenetv2_035", model_args={"pad_type": "same"})
    built = timm.create_model("mobilenetv2_035", pad_type="same")
    assert type(built.conv_stem).__name__ == "Conv2dSame"
    with pytest.raises(DistillError, match="no pretrained weights"):
        same.network(1000, new_head=False)


def test_padding_of_other_tools(tmp_path: Path) -> None:
    torch.manual_seed(0)
    built = timm.create_model("mobilenetv2_035", num_classes=5, pad_type="same").eval()
    write_weights(tmp_path / "same.safetensors", built)
    recipe = Timm("mobilenetv2_035", weights=tmp_path / "same.safetensors", height=48, width=40)
    same, symmetric = replace(recipe, model_args={"pad_type": "same"}).load(5), recipe.load(5)
    with torch.no_grad():
        expected = built(same.preprocess.normalize(pixels()))
    torch.testing.assert_close(same(pixels())["logits"], expected, rtol=1e-4, atol=1e-6)
    assert same.name == "mobilenetv2_035 pad_type=same"
    assert same.fingerprint() != symmetric.fingerprint()


def test_unknown_networks(recipe: Timm) -> None:
    with pytest.raises(DistillError, match=r"Close to it: .*mobilenetv2_100"):
        replace(recipe, model="mobilenet2_100").load(5)
    with pytest.raises(DistillError, match=r"no weights 'none' of resnet18\. There are: .*resnet18\.a1_in1k"):
        replace(recipe, model="resnet18.none").load(5)


def test_a_network_of_one_size_only(recipe: Timm) -> None:
    with pytest.raises(DistillError, match="test_vit takes only 160 x 160"):
        vit = Timm("test_vit", height=48, width=40)
        vit.preprocess(timm.create_model("test_vit"))
    vit = Timm("test_vit", height=48, width=48, model_args={"img_size": 48})
    assert vit.preprocess(timm.create_model("test_vit", img_size=48)).height == 48


def test_fingerprint_follows_weights_and_preprocessing(recipe: Timm) -> None:
    first = recipe.load(5)
    assert first.fingerprint() == recipe.load(5).fingerprint()
    prints = {first.fingerprint()}
    prints.add(replace(recipe, mean=(0.1, 0.2, 0.3)).load(5).fingerprint())
    prints.add(replace(recipe, height=64).load(5).fingerprint())
    changed = recipe.network(5, new_head=False)
    changed.get_parameter("fc.bias").data[0] += 1e-6
    prints.add(TorchTeacher(changed, first.preprocess, 5, None, first.name).fingerprint())
    assert len(prints) == 4


def test_class_names(recipe: Timm, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("Smiling\n\nÄngstlich \n", encoding="utf-8")
    (tmp_path / "classes.json").write_text('["a", "b"]')
    (tmp_path / "broken.json").write_text("{}")
    assert read_classes(tmp_path / "classes.txt") == ("Smiling", "Ängstlich")
    assert read_classes(tmp_path / "classes.json") == ("a", "b")
    assert read_classes(("a",)) == ("a",)
    assert read_classes(None) is None
    for name in ("broken.json", "absent.txt", "absent.json"):
        with pytest.raises(DistillError, match=name):
            read_classes(tmp_path / name)
    assert replace(recipe, classes=tuple("abcde")).load(5).classes == tuple("abcde")
    with pytest.raises(DistillError, match="2 names for the 5 outputs"):
        replace(recipe, classes=tmp_path / "classes.json").load(5)


def test_an_embedder_gives_pooled_features(recipe: Timm) -> None:
    network = timm.create_model(MODEL, num_classes=5, checkpoint_path=str(recipe.weights)).eval()
    teacher = recipe.teacher(Embedding())
    with torch.no_grad():
        normalized = teacher.preprocess.normalize(pixels())
        expected = network.forward_head(network.forward_features(normalized), pre_logits=True)
    torch.testing.assert_close(teacher(pixels())["embedding"], expected, rtol=1e-4, atol=1e-5)
    assert (teacher.outputs, teacher.classes) == (network.num_features, None)
    assert teacher(pixels())["embedding"].dtype == torch.float32
    nn.ModuleList([teacher]).train()
    assert not any(module.training for module in teacher.modules())
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


def test_an_embedder_with_a_linear_layer(recipe: Timm) -> None:
    teacher = replace(recipe, embedding=5).teacher(Embedding())
    torch.testing.assert_close(teacher(pixels())["embedding"], recipe.load(5)(pixels())["logits"])
    assert (teacher.outputs, teacher.classes) == (5, None)
    with pytest.raises(DistillError, match=r"its classifier has other outputs: .*\(5, .*expected \(128,"):
        replace(recipe, embedding=128).teacher(Embedding())
    with pytest.raises(DistillError, match=r"teacher\.embedding is 0"):
        replace(recipe, embedding=0)


@pytest.mark.parametrize("embedding", [None, 16])
def test_an_embedder_that_is_trained_comes_back(recipe: Timm, embedding: int | None, tmp_path: Path) -> None:
    scratch = replace(recipe, weights="scratch", embedding=embedding)
    with pytest.raises(DistillError, match="scratch is no teacher"):
        scratch.teacher(Embedding())
    network, preprocess = scratch.trainable(Embedding())
    assert network.training and all(parameter.requires_grad for parameter in network.parameters())
    write_weights(tmp_path / "embedder.safetensors", network)
    teacher = replace(scratch, weights=tmp_path / "embedder.safetensors").teacher(Embedding())
    with torch.no_grad():
        expected = network.eval()(preprocess.normalize(pixels()))
    torch.testing.assert_close(teacher(pixels())["embedding"], expected, rtol=1e-4, atol=1e-5)
    assert teacher.preprocess == preprocess
    assert teacher.outputs == expected.shape[1] == (embedding or teacher.outputs)


def test_an_embedder_is_trained_on_from_a_classifiers_weights(recipe: Timm, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        network, _ = replace(recipe, embedding=16).trainable(Embedding())
    assert "a new classifier of 16 outputs, at random" in caplog.text
    old = recipe.network(5, new_head=False).state_dict()
    assert all(torch.equal(tensor, old[name]) for name, tensor in network.state_dict().items() if "fc." not in name)


def test_the_hubs_weights_serve_an_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever classes they have; the download itself is timm's."""
    asked: dict[str, object] = {}

    def create(model: str, pretrained: bool, num_classes: int, **arguments: object) -> nn.Module:
        asked.update(pretrained=pretrained, num_classes=num_classes)
        return original(model, pretrained=False, num_classes=num_classes, **arguments)

    original = timm.create_model
    monkeypatch.setattr("distill.files.weights.timm.create_model", create)
    monkeypatch.setattr("distill.files.weights._reach", lambda address: None)
    teacher = Timm("resnet18", height=32, width=32).teacher(Embedding())
    assert asked == {"pretrained": True, "num_classes": 0}
    assert teacher.outputs == 512
