"""What every stage shares: modes, the average of the weights, the validation score, reproducible dropout."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from sklearn.metrics import average_precision_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from distill.data.prepared.pictures import Pictures
from distill.data.targets import Values
from distill.data.views.cutting import cut
from distill.data.views.data_module import PictureLoader, ViewDataModule
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules import FineTuner, Optimization
from distill.objectives.labels import labelled_cross_entropy, softmax_cross_entropy
from distill.tasks.attributes.metric import MeanAveragePrecision
from tests.helpers.listed import run
from tests.helpers.marked import Marked
from tests.helpers.nets import CLASSES, SMALL, clone, conv_student, linear_student, same, trainer

MAP = MeanAveragePrecision(CLASSES)


def data(train: Pictures, validation: Pictures | None = None) -> ViewDataModule:
    return ViewDataModule(train, validation, Views(), batch_size=8, seed=3)


class Modes(Callback):
    """Notes whether the network trains, in training and in validation."""

    def __init__(self) -> None:
        self.training: list[bool] = []
        self.validation: list[bool] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        self.training += [module.training for module in pl_module.network.modules()]

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        self.validation += [module.training for module in pl_module.modules()]


class Weights(Callback):
    """Keeps the weights after each step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        self.steps.append(clone(pl_module.network.state_dict().items()))


def test_the_network_trains_in_training_and_not_in_validation(train: Pictures, validation: Pictures) -> None:
    modes = Modes()
    module = FineTuner(conv_student(dropout=0.5), SMALL, Optimization(ema=0.9), metric=MAP)
    trainer(max_epochs=3, val_check_interval=2, callbacks=[modes]).fit(module, data(train, validation))
    assert modes.training and all(modes.training)
    assert modes.validation and not any(modes.validation)


def test_validation_leaves_the_statistics_alone(validation: Pictures) -> None:
    module = FineTuner(conv_student(), SMALL, metric=MAP)
    before = clone(module.state_dict().items())
    trainer().validate(module, data(validation, validation), verbose=False)
    assert same(before, clone(module.state_dict().items()))


@pytest.mark.parametrize("network", [linear_student, conv_student])
def test_the_average_is_exponential_over_steps_and_of_no_more(network: Any, train: Pictures) -> None:
    weights = Weights()
    module = FineTuner(network(), SMALL, Optimization(learning_rate=0.05, ema=0.7))
    trainer(max_epochs=2, callbacks=[weights]).fit(module, data(train))
    result = module.result()
    assert len(weights.steps) == 8
    assert module.average is not None and not any(one.requires_grad for one in module.average.parameters())
    for name, found in result.state_dict().items():
        if not found.is_floating_point():
            assert torch.equal(found, weights.steps[-1][name])  # of batches, which nobody averages
            continue
        values = [step[name].flatten().tolist() for step in weights.steps]
        shares = [0.7 ** (7 - step) for step in range(8)]
        columns = zip(*values, strict=True)
        expected = [sum(s * v for s, v in zip(shares, column, strict=True)) / sum(shares) for column in columns]
        assert found.flatten().tolist() == pytest.approx(expected, rel=1e-4, abs=1e-6)
        assert not torch.equal(found, weights.steps[-1][name])


@pytest.mark.parametrize("ema", [None, 0.9])
def test_the_result_is_a_copy_ready_for_use(train: Pictures, ema: float | None) -> None:
    weights = Weights()
    module = FineTuner(conv_student(dropout=0.5), SMALL, Optimization(ema=ema))
    trainer(callbacks=[weights]).fit(module, data(train))
    result = module.result()
    assert not any(part.training for part in result.modules())
    assert same(dict(result.state_dict()), weights.steps[-1]) == (ema is None)
    before = clone(module.state_dict().items())
    for parameter in result.parameters():
        nn.init.zeros_(parameter)
    assert same(before, clone(module.state_dict().items()))


@pytest.mark.parametrize("ema", [None, 0.9])
def test_what_a_stage_left_is_trained_on_by_the_next(train: Pictures, ema: float | None) -> None:
    module = FineTuner(conv_student(), SMALL, Optimization(ema=ema))
    trainer().fit(module, data(train))
    modes, weights = Modes(), Weights()
    following = FineTuner(module.result(), SMALL, Optimization(ema=ema))
    before = clone(following.network.state_dict().items())
    trainer(callbacks=[modes, weights]).fit(following, data(train))
    assert all(modes.training)
    assert not any(torch.equal(weights.steps[-1][name], value) for name, value in before.items())


def test_the_score_is_scikit_learns_on_the_averaged_network(train: Pictures, validation: Pictures) -> None:
    module = FineTuner(conv_student(), SMALL, Optimization(learning_rate=0.5, ema=0.9), metric=MAP)
    fitted = trainer()
    fitted.fit(module, data(train, validation))
    pictures, known = torch.from_numpy(validation.gather(np.arange(len(validation)))), validation.labels >= 0

    def score(network: nn.Module) -> float:
        with torch.no_grad():
            answers = network.eval()(SMALL(pictures)).numpy()
        columns = [(validation.labels[known[:, c], c], answers[known[:, c], c]) for c in range(len(CLASSES))]
        return float(np.mean([average_precision_score(*column) for column in columns]))

    found = float(fitted.callback_metrics["val_mAP"])
    assert found == pytest.approx(score(module.result()), abs=1e-6)
    assert abs(found - score(module.network)) > 1e-3


def test_a_loader_of_ones_own_is_scored_alike(validation: Pictures) -> None:
    pictures = torch.from_numpy(validation.gather(np.arange(len(validation))))
    labels = torch.from_numpy(validation.labels)
    module = FineTuner(conv_student(), SMALL, metric=MAP)
    scores = []
    for images in (pictures, pictures.permute(0, 3, 1, 2) / 255):
        scores += trainer().validate(module, DataLoader(TensorDataset(images, labels), 4), verbose=False)
    scores += trainer().validate(module, data(validation, validation), verbose=False)
    assert scores[0] == scores[1] == scores[2] and 0 < scores[0]["val_mAP"] < 1


def test_a_metric_is_given_all_that_is_known_of_the_pictures(tmp_path: Path) -> None:
    pictures = Pictures.of(run(Marked(), tmp_path / "set", height=20, width=16), "train")

    class Boxes:
        name = "boxes"

        def __call__(self, outputs: Mapping[str, np.ndarray], truths: Mapping[str, Values]) -> float:
            assert list(truths) == [column.name for column in pictures.columns] and len(outputs["logits"]) == 12
            for name, known in pictures.targets.items():
                assert str([truths[name][i] for i in range(12)]) == str([known[i] for i in range(12)])
            return float(len(truths["boxes"].rows))  # type: ignore[union-attr]

    module = FineTuner(conv_student(), SMALL, metric=Boxes())
    (scores,) = trainer().validate(module, data(pictures, pictures), verbose=False)
    assert scores == {"val_boxes": 18.0}


def test_the_first_look_at_validation_need_not_be_measurable(train: Pictures, validation: Pictures) -> None:
    # Lightning tries two batches before it trains; sorted by attribute they may hold no positive at all.
    labels = torch.zeros(12, 3, dtype=torch.int8)
    labels[-2:] = 1
    images = torch.from_numpy(validation.gather(np.arange(12) % 9))
    module = FineTuner(conv_student(), SMALL, metric=MAP)
    fitted = trainer(num_sanity_val_steps=2)
    fitted.fit(module, data(train).train_dataloader(), DataLoader(TensorDataset(images, labels), 4))
    assert 0 < float(fitted.callback_metrics["val_mAP"]) <= 1


def test_a_validation_set_nobody_can_score_is_refused(train: Pictures, validation: Pictures) -> None:
    images = DataLoader(TensorDataset(torch.from_numpy(validation.gather(np.arange(9)))), 4)
    with pytest.raises(
        DistillError, match=r"a validation batch has no labels to score mAP with; load \(images, labels\)"
    ):
        trainer().validate(FineTuner(conv_student(), SMALL, metric=MAP), images, verbose=False)


def test_validation_shows_whole_levels_as_an_exported_file_does(validation: Pictures) -> None:
    module = FineTuner(linear_student(), SMALL, metric=MAP).eval()
    (batch,) = PictureLoader(validation, 9)
    with torch.no_grad():
        module.validation_step(batch, 0)
        levels = SMALL.scale(batch.pictures).round().clamp(0, 255)
        expected = module.network(SMALL.normalize(levels))
    ((found, truths),) = module._validated
    torch.testing.assert_close(found["logits"], expected, rtol=0, atol=1e-6)
    assert np.array_equal(np.asarray(truths["labels"]), validation.labels)


def test_an_empty_batch_of_a_rank_with_few_pictures_is_no_error(validation: Pictures) -> None:
    module = FineTuner(conv_student(), SMALL, metric=MAP).eval()
    for batch in PictureLoader(validation, 1, rank=3, world_size=4):
        module.validation_step(batch, 0)
    assert [len(outputs["logits"]) for outputs, _ in module._validated] == [1, 1, 0]


def test_a_network_that_diverged_is_refused(train: Pictures, validation: Pictures) -> None:
    module = FineTuner(linear_student(), SMALL, metric=MAP)
    nn.init.constant_(module.network[1].bias, float("nan"))
    with pytest.raises(DistillError, match=r"training diverged.*Lower learning_rate"):
        trainer().fit(module, data(train, validation))


def test_the_loss_is_the_mean_over_pictures(train: Pictures) -> None:
    module = FineTuner(linear_student(), SMALL, Optimization(learning_rate=1e-30))
    fitted = trainer()
    fitted.fit(module, data(train))
    batches = list(ViewLoader(train, Views(), batch_size=8, seed=3))
    with torch.no_grad():
        rows = [labelled_cross_entropy(module(cut(batch, SMALL))["logits"], batch.labels) for batch in batches]
    expected = sum(float(value) for row in rows for value in row) / 32
    assert float(fitted.callback_metrics["train_loss"]) == pytest.approx(expected, rel=1e-5)


def test_fine_tuning_without_labels_is_refused(unlabelled: Any) -> None:
    pictures = Pictures.of(unlabelled, "train")
    with pytest.raises(DistillError, match=r"fine-tuning needs labels of shape \(8, 3\); the batch has none"):
        trainer().fit(FineTuner(linear_student(), SMALL), data(pictures))


def test_fine_tuning_with_labels_of_other_classes_is_refused() -> None:
    loader = DataLoader(TensorDataset(torch.rand(8, 3, 8, 8), torch.ones(8, 1)), 4)
    with pytest.raises(DistillError, match=r"fine-tuning needs labels of shape \(4, 3\); the batch has \(4, 1\)"):
        trainer().fit(FineTuner(linear_student(), SMALL), loader)


def test_every_step_drops_out_something_else(train: Pictures) -> None:
    class Seeds(Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            seeds.append(torch.initial_seed())

    seeds: list[int] = []
    for seed in (0, 1):
        trainer(max_epochs=2, callbacks=[Seeds()]).fit(FineTuner(linear_student(), SMALL, seed=seed), data(train))
    assert len(seeds) == 16 == len(set(seeds))


def test_batches_of_one_accumulated_step_drop_out_something_else_too(train: Pictures) -> None:
    class Seeds(Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            seeds.append(torch.initial_seed())

    seeds: list[int] = []
    fitted = trainer(max_epochs=2, accumulate_grad_batches=3, callbacks=[Seeds()])
    fitted.fit(FineTuner(linear_student(), SMALL), data(train))
    assert fitted.global_step < len(seeds) == len(set(seeds))


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_dropout_is_the_seeds_alone(train: Pictures, seed: int) -> None:
    results = []
    for disturbance, own_seed in ((0, seed), (1, seed), (0, seed - 1 if seed else 1)):
        module = FineTuner(conv_student(dropout=0.5), SMALL, Optimization(learning_rate=0.05), seed=own_seed)
        torch.manual_seed(disturbance)
        trainer().fit(module, data(train))
        results.append(clone(module.state_dict().items()))
    assert same(results[0], results[1])
    assert not same(results[0], results[2])


def test_channels_last_is_only_a_layout(train: Pictures) -> None:
    results = []
    for channels_last in (True, False):
        module = FineTuner(conv_student(), SMALL, Optimization(channels_last=channels_last))
        assert module.network[0].weight.is_contiguous(memory_format=torch.channels_last) == channels_last
        trainer().fit(module, data(train))
        results.append(module.result().state_dict())
    for name in results[0]:
        torch.testing.assert_close(results[0][name], results[1][name], rtol=1e-3, atol=1e-4)


def test_gradients_are_clipped_and_bf16_trains(train: Pictures) -> None:
    weights = Weights()
    module = FineTuner(conv_student(), SMALL, Optimization())
    before = clone(module.network.state_dict().items())
    trainer(precision="bf16-mixed", gradient_clip_val=1.0, callbacks=[weights]).fit(module, data(train))
    assert all(tensor.isfinite().all() for tensor in weights.steps[-1].values())
    assert all(parameter.dtype == torch.float32 for parameter in module.parameters())
    assert not same(before, weights.steps[-1])


def test_workers_are_ended_with_the_stage(train: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[ViewLoader] = []
    monkeypatch.setattr(ViewLoader, "close", lambda self: closed.append(self))
    fitted = trainer()
    fitted.fit(FineTuner(linear_student(), SMALL), data(train))
    assert closed == [fitted.train_dataloader]


def of_class_numbers(numbers: Tensor, loss: Any) -> dict[str, Tensor]:
    pictures = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    module = FineTuner(conv_student(), SMALL, Optimization(learning_rate=0.02), loss=loss)
    trainer(max_epochs=2).fit(module, DataLoader(TensorDataset(pictures, numbers), 4))
    return clone(module.network.state_dict().items())


def test_class_numbers_are_learnt_as_labels_are_by_own_losses_too() -> None:
    numbers = torch.tensor([0, 1, 2, 2, 1, 0, 1, 2])
    expected = of_class_numbers(nn.functional.one_hot(numbers, 3).float(), softmax_cross_entropy)
    assert same(of_class_numbers(numbers, softmax_cross_entropy), expected)
    for own in (partial(nn.functional.cross_entropy, reduction="none"), nn.CrossEntropyLoss(reduction="none")):
        for name, tensor in of_class_numbers(numbers, own).items():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (
            labelled_cross_entropy,
            r"class numbers \(4,\), and the loss is of attributes, .* loss=softmax_cross_entropy",
        ),
        (nn.functional.cross_entropy, r"loss cross_entropy: gives \(\) for 4 pictures, .*reduction=\"none\""),
    ],
)
def test_a_loss_that_class_numbers_do_not_suit_is_refused(loss: Any, found: str) -> None:
    with pytest.raises(DistillError, match=found):
        of_class_numbers(torch.arange(8) % 3, loss)
