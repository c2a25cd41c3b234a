"""Checkpoints as people have them are read without running code: whichever weights are taken is said, or refused."""

import argparse
import logging
import os
import pathlib
import pickle
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from distill.errors import DistillError
from distill.files.checkpoint import fitting_names, read_weights
from distill.files.weights import load_weights, write_weights
from students.mobilenet_v1 import mobilenet_v1


def small() -> nn.Module:
    return mobilenet_v1(0.1, 32, 5, "shallow")


def weights(value: float) -> dict[str, Tensor]:
    return {"layer.weight": torch.full((2, 3), float(value)), "layer.bias": torch.full((2,), float(value))}


def mean(tensors: dict[str, Tensor]) -> float:
    return float(tensors["layer.weight"].mean())


class Malicious:
    """Pickled, it makes a file of the given name when somebody unpickles it."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.system, (f"touch {shlex.quote(str(self.proof))}",)


class OfWindows:
    """A path as it is pickled there."""

    def __reduce__(self) -> Any:
        return pathlib.WindowsPath, ("a",)


@pytest.mark.parametrize("wrapper", [None, "state_dict", "net_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_reads_checkpoints_of_other_tools(tmp_path: Path, wrapper: str | None, prefix: str) -> None:
    state = {"layer.weight": torch.arange(6.0).view(2, 3), "layer.bias": torch.ones(2)}
    content: dict[str, Any] = {prefix + name: tensor for name, tensor in state.items()}
    file = tmp_path / "weights.ckpt"
    torch.save({wrapper: content, "epoch": 3} if wrapper else content, file)
    found = read_weights(file)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("save", [torch.save, lambda content, file: file.write_bytes(pickle.dumps(content))])
def test_code_is_refused_and_not_run(tmp_path: Path, save: Any) -> None:
    proof, file = tmp_path / "proof", tmp_path / "evil.pt"
    save({"state_dict": Malicious(proof)}, file)
    with pytest.raises(DistillError, match=r"evil\.pt: holds .*refused without running it"):
        read_weights(file)
    assert not proof.exists()
    with file.open("rb"):
        torch.load(file, weights_only=False) if save is torch.save else pickle.loads(file.read_bytes())
    assert proof.exists(), "the file must be one that would have run code"


def test_pickled_network_is_refused_by_its_class(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "network.pt")
    with pytest.raises(DistillError, match=r"torch\.nn\.modules\.linear\.Linear"):
        read_weights(tmp_path / "network.pt")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "empty", "text"])
def test_broken_files(tmp_path: Path, suffix: str, damage: str) -> None:
    file = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save(small().state_dict(), file)
    else:
        write_weights(file, small())
    whole = file.read_bytes()
    file.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"hello there, " * 20}[damage])
    with pytest.raises(DistillError, match=f"weights{suffix}: not a whole"):
        read_weights(file)


@pytest.mark.parametrize(
    "content", [[torch.ones(2)], {}, {"state_dict": {}}, {"epoch": 3}, {"a": torch.ones(1), "b": "x"}]
)
def test_files_without_weights(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(DistillError, match=r"other\.pt"):
        read_weights(tmp_path / "other.pt")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"absent\.pt: no such weights file"):
        read_weights(tmp_path / "absent.pt")


@pytest.mark.parametrize("averaged", ["state_dict_ema", "model_ema", "ema"])
@pytest.mark.parametrize("plain", ["state_dict", "model"])
def test_averaged_weights_are_taken_and_said(
    tmp_path: Path, averaged: str, plain: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "both.pth"
    torch.save({plain: weights(1), averaged: weights(2), "epoch": 3}, file)
    with caplog.at_level(logging.WARNING):
        assert mean(read_weights(file)) == 2
    assert f"under {plain}, {averaged}; taken are {averaged}, the averaged ones" in caplog.text
    assert mean(read_weights(file, plain)) == 1
    with pytest.raises(DistillError, match=rf"no weights under 'teacher' .*under {plain}, {averaged}"):
        read_weights(file, "teacher")


def test_entries_may_lie_in_others(tmp_path: Path) -> None:
    file = tmp_path / "nested.pth"
    optimizer = {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
    torch.save({"model": weights(1), "ema": {"shadow": weights(2), "decay": 0.9}, "optimizer": optimizer}, file)
    assert mean(read_weights(file)) == 2 and mean(read_weights(file, "ema.shadow")) == 2


def test_which_weights_are_meant_is_not_guessed(tmp_path: Path) -> None:
    file = tmp_path / "pair.pth"
    for content in (
        {"student": weights(1), "teacher": weights(2)},
        {"state_dict": weights(1), "ema_state_dict": weights(2)},  # some write the average under the first
    ):
        torch.save(content, file)
        with pytest.raises(DistillError, match=r"holds several sets of weights, under .*weights_of"):
            read_weights(file)
    torch.save({"student": weights(1), "epoch": 3, "best": torch.tensor(0.9)}, file)
    with pytest.raises(DistillError, match="entry 'student' is a dict"):
        read_weights(file)
    torch.save({"student": weights(1), "epoch": 3}, file)
    assert mean(read_weights(file)) == 1


def test_a_score_beside_the_weights_is_no_weight(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    callback = {"best_model_score": torch.tensor(0.9), "best_model_path": "a"}
    content = {"state_dict": weights(1), "best_acc": torch.tensor(0.9), "callbacks": {"ModelCheckpoint": callback}}
    torch.save(content, tmp_path / "a.ckpt")
    assert mean(read_weights(tmp_path / "a.ckpt")) == 1 and not caplog.text


def test_the_counter_of_an_average_is_no_weight(tmp_path: Path) -> None:
    network = nn.Linear(3, 2)
    torch.save({"model_ema": torch.optim.swa_utils.AveragedModel(network).state_dict()}, tmp_path / "a.pth")
    assert read_weights(tmp_path / "a.pth").keys() == network.state_dict().keys()


@pytest.mark.parametrize("prefix", ["model.", "backbone.", "_orig_mod.", "module._orig_mod.model.", "my_net.inner."])
def test_prefixes_of_all_names_are_taken_off_and_named(
    tmp_path: Path, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    other, network = small(), small()
    tensors = {f"{prefix}{name}": tensor for name, tensor in other.state_dict().items()}
    torch.save(tensors, tmp_path / "a.pth")
    with caplog.at_level(logging.WARNING):
        load_weights(network, read_weights(tmp_path / "a.pth"), tmp_path / "a.pth")
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in network.state_dict().items())
    named = re.findall(r"all its names begin with (\S+), which is taken off", caplog.text)
    assert "".join(named) == prefix


def test_a_prefix_that_the_network_has_itself_stays() -> None:
    network = nn.Sequential()
    network.add_module("model", small())
    tensors = network.state_dict()
    assert fitting_names(tensors, tensors, Path("a")).keys() == tensors.keys()
    load_weights(network, tensors, Path("a"))
    one = nn.Sequential()
    one.add_module("backbone", nn.Linear(2, 2))
    deeper = {f"module.backbone.{name}": tensor for name, tensor in nn.Linear(2, 2).state_dict().items()}
    assert fitting_names(deeper, one.state_dict(), Path("a")).keys() == one.state_dict().keys()


def test_a_network_beside_other_tensors_is_taken_alone_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other, network = small(), small()
    tensors = {f"model.net.{name}": tensor for name, tensor in other.state_dict().items()}
    torch.save(
        {"state_dict": tensors | {"loss.weight": torch.ones(3), "model.head": torch.ones(2)}}, tmp_path / "a.ckpt"
    )
    with caplog.at_level(logging.WARNING):
        load_weights(network, read_weights(tmp_path / "a.ckpt"), tmp_path / "a.ckpt")
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in network.state_dict().items())
    assert "taken is what begins with model.net., all of the network; not 'loss.weight, model.head'" in caplog.text
    del tensors["model.net.conv_stem.weight"]
    torch.save({"state_dict": tensors | {"loss.weight": torch.ones(3)}}, tmp_path / "a.ckpt")
    with pytest.raises(DistillError, match="weights for another network"):
        load_weights(network, read_weights(tmp_path / "a.ckpt"), tmp_path / "a.ckpt")


def test_one_of_several_networks_in_one_state_dict_is_named_by_what_its_names_begin_with(tmp_path: Path) -> None:
    file, networks = tmp_path / "a.ckpt", {"student": small(), "teacher.ema": small()}
    tensors = {f"{key}.{name}": value for key, one in networks.items() for name, value in one.state_dict().items()}
    for content, place in ((tensors, ""), ({"state_dict": tensors}, "state_dict.")):
        torch.save(content, file)
        with pytest.raises(
            DistillError, match=r"holds this network 2 times, under student, teacher\.ema, .*weights_of"
        ):
            load_weights(small(), read_weights(file), file)
        for key, one in networks.items():
            for of in (key, place + key):
                network = small()
                load_weights(network, read_weights(file, of), file)
                assert torch.equal(network.conv_stem.weight, one.conv_stem.weight)  # type: ignore[union-attr]


@pytest.mark.parametrize(("name", "safe"), [("inside.pth", True), ("inside.safetensors", False)])
def test_the_first_bytes_say_what_a_file_is(tmp_path: Path, name: str, safe: bool) -> None:
    if safe:
        save_file(weights(1), tmp_path / name)
    else:
        torch.save(weights(1), tmp_path / name)
    assert mean(read_weights(tmp_path / name)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<!DOCTYPE html><html>404</html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
        (b"", "it is empty"),
        (b'{"error": "denied"}', "text that begins with "),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), r"a picture \(PNG"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), "a 7z archive"),
        (b"\x93NUMPY" + bytes(50), "an array of NumPy"),
        (b"PK\x03\x04" + bytes(50), "a zip archive that is cut short"),
    ],
)
def test_other_files_are_called_what_they_are(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(DistillError, match=rf"a\.pth: not a whole torch weights file \({said}"):
        read_weights(tmp_path / "a.pth")


def test_a_program_is_refused_and_nothing_else_is_said(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), str(tmp_path / "a.pth"))
    recwarn.clear()
    with pytest.raises(DistillError, match=r"a\.pth: holds Python code, .*refused without running it"):
        read_weights(tmp_path / "a.pth")
    assert not recwarn.list


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("args", argparse.Namespace(lr=0.1), "argparse.Namespace"),
        ("best", np.float64(0.9), "numpy._core.multiarray.scalar"),
        ("place", Path("a"), "pathlib.PosixPath"),
        ("place", OfWindows(), "pathlib.WindowsPath"),
    ],
)
def test_what_stands_beside_the_weights_is_named_with_how_to_save_without(
    tmp_path: Path, key: str, value: Any, named: str, zipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"epoch": 3, "state_dict": weights(1), "config": {"lr": 0.1, key: value}}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        DistillError, match=rf"holds the Python object {named} under '{key}', .*give weights\.pth"
    ) as error:
        read_weights(tmp_path / "a.pth")
    monkeypatch.chdir(tmp_path)
    try:
        exec(str(error.value).split("`")[1], {})
    finally:
        torch.serialization.clear_safe_globals()
    assert "weights_only=True" in str(error.value) and mean(read_weights(tmp_path / "weights.pth")) == 1


@pytest.mark.parametrize("zipped", [True, False])
def test_how_to_load_a_file_that_would_run_code_is_not_said(tmp_path: Path, zipped: bool) -> None:
    content = {"state_dict": weights(1), "args": Malicious(tmp_path / "proof")}
    torch.save(content, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(DistillError, match=r"holds the Python object posix\.system under 'args'") as error:
        read_weights(tmp_path / "a.pth")
    assert "torch.load" not in str(error.value) and not (tmp_path / "proof").exists()


def test_a_missing_file_says_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "best.pth").touch()
    with pytest.raises(DistillError, match=r"last\.pth: no such weights file\. In .* there are best\.pth\."):
        read_weights(tmp_path / "last.pth")


def test_misfits_show_both_sides() -> None:
    tensors = {f"stem.{name}": tensor for name, tensor in small().state_dict().items()} | {"head.scale": torch.ones(3)}
    del tensors["stem.classifier.bias"]
    with pytest.raises(DistillError) as error:
        load_weights(small(), tensors, Path("a.pth"))
    assert "conv_stem.weight is missing, expected (3, 3, 3, 3)" in str(error.value)
    assert "And of the file: stem.conv_stem.weight (3, 3, 3, 3) has no place in this network" in str(error.value)


@pytest.mark.parametrize("beside", [{}, {"loss.margin": torch.ones(1)}])
def test_parts_under_several_prefixes_are_told_apart(beside: dict[str, Tensor]) -> None:
    """A body and a classifier of somebody's own module; renamed as it says, they load."""
    network = small()
    own = network.state_dict()
    tensors = {
        f"head.{name.removeprefix('classifier.')}" if name.startswith("classifier.") else f"backbone.{name}": tensor
        for name, tensor in own.items()
    }
    with pytest.raises(DistillError) as error:
        load_weights(network, tensors | beside, Path("a.pth"))
    left = ", loss. left out" if beside else ""
    assert f"With backbone. taken off, head. as classifier.{left}, its names are this network's" in str(error.value)


def test_of_another_network_no_renaming_is_offered() -> None:
    with pytest.raises(DistillError, match="Name the network these weights were saved from"):
        load_weights(small(), {"backbone.weight": torch.ones(3), "head.bias": torch.ones(2)}, Path("a.pth"))


def test_what_a_damaged_header_says_is_told_in_a_line(tmp_path: Path) -> None:
    header = b'{"a": {"dtype": "\\n' + b"x" * 5000 + b'", "shape": [2], "data_offsets": [0, 8]}}'
    (tmp_path / "a.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(8))
    with pytest.raises(DistillError, match="not a whole safetensors file") as caught:
        read_weights(tmp_path / "a.safetensors")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500
