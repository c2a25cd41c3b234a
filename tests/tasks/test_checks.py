"""A teacher that could not teach is refused before the first step, whatever the task; so is a senseless key."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from distill.errors import DistillError
from distill.objectives import BernoulliKl
from distill.preprocess.preprocess import Preprocess
from distill.tasks.checks import check_classes, check_frozen, check_labels
from teachers.timm_teacher import Timm
from teachers.torch_teacher import TorchTeacher
from tests.helpers.running import TINY, run_recipe, write_recipe

CLASSES = ("Bald", "Male", "Smiling")


def network(outputs: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, outputs)
    )


def teacher(classes: tuple[str, ...] | None = CLASSES, outputs: int = 3) -> TorchTeacher:
    return TorchTeacher(network(outputs), Preprocess.imagenet(8, 8), outputs, classes, "net")


def test_a_frozen_teacher_of_the_datas_classes_passes() -> None:
    for one in (teacher(), teacher(None)):
        check_frozen(one)
        check_classes(one, CLASSES)


def test_a_teacher_that_would_learn_is_refused() -> None:
    one = teacher()
    next(one.parameters()).requires_grad_(True)
    with pytest.raises(DistillError, match=r"net: not frozen \(1 parameters want gradients, 0 modules"):
        check_frozen(one)


def test_a_teacher_whose_statistics_would_drift_is_refused() -> None:
    one = teacher()
    one.train()  # has no effect on a teacher
    check_frozen(one)
    next(module for module in one.modules() if isinstance(module, nn.BatchNorm2d)).train()
    with pytest.raises(DistillError, match=r"0 parameters want gradients, 1 modules are in training mode"):
        check_frozen(one)


@pytest.mark.parametrize(
    ("classes", "outputs", "reason"),
    [
        (None, 2, "2 outputs, and the data has 3 classes"),
        (("Bald", "Male", "Young"), 3, r"does not know Smiling\. It knows Bald, Male, Young.*data\.attributes"),
        (("Male", "Bald", "Smiling"), 3, r"in another order: Male, Bald, Smiling.*data\.attributes"),
    ],
)
def test_a_teacher_of_other_outputs_is_refused(classes: tuple[str, ...] | None, outputs: int, reason: str) -> None:
    with pytest.raises(DistillError, match=reason):
        check_classes(teacher(classes, outputs), CLASSES)


def test_a_label_term_without_labels_is_refused() -> None:
    check_labels(BernoulliKl(label_weight=0.5), labelled=True)
    check_labels(BernoulliKl(), labelled=False)
    with pytest.raises(DistillError, match=r"label_weight is 0\.5, but the data has no labels"):
        check_labels(BernoulliKl(label_weight=0.5), labelled=False)


class Broken(TorchTeacher):
    """Answers every picture with NaN."""

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        return {name: answers * torch.nan for name, answers in super().forward(pictures).items()}


def test_a_run_with_a_teacher_of_nan_stops_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(config: Timm, outputs: int) -> TorchTeacher:
        return Broken(network(outputs), Preprocess.imagenet(16, 16), outputs, None, "broken")

    monkeypatch.setattr(Timm, "load", load)
    recipe = write_recipe(tmp_path, TINY | {"stages": ["transfer"]})
    with pytest.raises(DistillError, match=r"broken: answers NaN or infinity to pictures 0 to .* of validation"):
        run_recipe(recipe, tmp_path / "run")
    left = {file.relative_to(tmp_path / "run").parts[0] for file in (tmp_path / "run").rglob("*") if file.is_file()}
    assert left == {"run.json", "lock", "recipe.yaml", "SHA256SUMS", "data"}
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_with_a_teacher_of_other_outputs_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(config: Any, outputs: int) -> TorchTeacher:
        return TorchTeacher(network(outputs - 1), Preprocess.imagenet(16, 16), outputs - 1, None, "short")

    monkeypatch.setattr(Timm, "load", load)
    recipe = write_recipe(tmp_path, TINY | {"stages": ["transfer"]})
    with pytest.raises(DistillError, match=r"short: \d+ outputs, and the data has \d+ classes"):
        run_recipe(recipe, tmp_path / "run")


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("--data.attributes=[Bald,Male,Bald]", "Bald more than once"),
        ("--evaluate.resamples=0", r"evaluate\.resamples is 0"),
        ("--prepare.max_bad_share=7", r"max_bad_share is 7"),
        ("--prepare.max_raw_bytes=-1", r"max_raw_bytes is -1"),
        ("--export.tolerance=-1", r"tolerance is -1"),
        ("--teach.drop_rate=1", r"teach\.drop_rate is 1"),
        ("--transfer.drop_rate=0.2", r"unknown key transfer\.drop_rate"),
        ("--workers=-2", "workers is -2"),
        ("--transfer.batch_size=1", r"transfer\.batch_size is 1, expected at least 2"),
    ],
)
def test_a_senseless_key_stops_before_anything_is_trained(tmp_path: Path, argument: str, reason: str) -> None:
    with pytest.raises(DistillError, match=reason):
        run_recipe(write_recipe(tmp_path), tmp_path / "out", [argument])
    assert not (tmp_path / "out" / "stages").exists()


def test_too_few_pictures_to_calibrate_on_stop_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distill.export.int8.calibration.NEEDED", 10**6)
    with pytest.raises(DistillError, match=r"^export\.formats: int8 is calibrated on transfer pictures, and there are"):
        run_recipe(write_recipe(tmp_path), tmp_path / "out", ["--export.formats=[onnx-int8]"])
    assert not (tmp_path / "out" / "stages").exists()
