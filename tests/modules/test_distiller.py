"""Transfer: a teacher that nothing touches, and a student that comes to answer as it does."""

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.classification import MulticlassAccuracy

from distill.data.prepared.pictures import Pictures
from distill.data.prepared.prepared import Prepared
from distill.data.views.cutting import cut
from distill.data.views.data_module import ViewDataModule
from distill.data.views.loader import ViewLoader
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.modules import Distiller, Optimization
from distill.objectives import BernoulliKl, Dist, Dkd, SoftmaxKl, SquaredEmbedding, SquaredLogits
from distill.preprocess.preprocess import Preprocess
from distill.run.train import Checkpoints, History
from distill.tasks.attributes.metric import MeanAveragePrecision
from distill.tasks.classes.metric import TopOne
from students.mobilenet_v1 import mobilenet_v1
from tests.helpers.nets import (
    CLASSES,
    SMALL,
    ConvEmbedder,
    ConvTeacher,
    clone,
    conv_student,
    linear_student,
    same,
    trainer,
)

MAP = MeanAveragePrecision(CLASSES)
FAST = Optimization(learning_rate=0.02)


def data(train: Pictures, validation: Pictures | None = None, mixup: float = 0.0) -> ViewDataModule:
    return ViewDataModule(train, validation, Views(mixup=mixup), batch_size=8, seed=3)


def student_alone(distiller: Distiller) -> dict[str, Tensor]:
    return clone(distiller.network.state_dict().items())


class Trains(Callback):
    """Asks for training mode as often as it can, as careless code does."""

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        assert pl_module.train() is pl_module
        pl_module._teacher[0].train()


class Losses(Callback):
    def __init__(self) -> None:
        self.values: list[float] = []

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, outputs: Any, *_: Any) -> None:
        self.values.append(float(outputs["loss"]))


def test_the_teacher_is_no_part_of_the_module() -> None:
    teacher = ConvTeacher()
    distiller = Distiller(conv_student(), teacher, preprocess=SMALL, optimization=Optimization(ema=0.9))
    assert not set(teacher.modules()) & set(distiller.modules())
    assert not {id(p) for p in teacher.parameters()} & {id(p) for p in distiller.parameters()}
    assert not {t.data_ptr() for t in teacher.state_dict().values()} & {
        t.data_ptr() for t in distiller.state_dict().values()
    }
    counts = [sum(p.numel() for p in m.parameters()) for m in (distiller, conv_student())]
    assert counts[0] == 2 * counts[1]  # the student and its average


def test_nothing_disturbs_the_teacher(train: Pictures, validation: Pictures) -> None:
    teacher = ConvTeacher()
    before = clone(teacher.state_dict().items())
    distiller = Distiller(conv_student(), teacher, preprocess=SMALL, optimization=FAST, metric=MAP)
    trainer(max_epochs=2, val_check_interval=2, callbacks=[Trains()]).fit(distiller, data(train, validation))
    assert same(before, clone(teacher.state_dict().items()))
    assert len(teacher.asked) == 8  # once a batch, never for validation
    assert not any(training or grad for training, grad in teacher.asked)
    assert not any(module.training for module in teacher.modules())
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_the_loss_is_the_objective_on_the_same_views_at_each_ones_size(train: Pictures) -> None:
    teacher, losses = ConvTeacher(), Losses()
    objective = BernoulliKl(temperature=2.0)
    still = Optimization(learning_rate=1e-30)
    distiller = Distiller(linear_student(), teacher, objective, preprocess=SMALL, optimization=still)
    fitted = trainer(callbacks=[losses])
    fitted.fit(distiller, data(train, mixup=0.3))
    expected = []
    for batch in ViewLoader(train, Views(mixup=0.3), batch_size=8, seed=3):
        with torch.no_grad():
            # Of a mixture the teacher sees the mixture: a mean of two answers is not its answer.
            answers = teacher.network(teacher.preprocess.normalize(cut(batch, teacher.preprocess)))
            logits = distiller.network(SMALL.normalize(cut(batch, SMALL)))
            expected.append(float(objective({"logits": logits}, {"logits": answers}, {})["loss"].mean()))
    assert losses.values == pytest.approx(expected, rel=1e-5)
    assert float(fitted.callback_metrics["train_bernoulli_kl"]) == pytest.approx(sum(expected) / 4, rel=1e-5)


def test_transfer_needs_no_labels_and_learns(unlabelled: Prepared) -> None:
    pictures, losses = Pictures.of(unlabelled, "train"), Losses()
    assert pictures.labels.shape == (13, 0)
    student = linear_student()
    torch.nn.init.constant_(student.get_parameter("1.bias"), 3.0)  # too high on every attribute
    distiller = Distiller(student, ConvTeacher(), preprocess=SMALL, optimization=Optimization(learning_rate=0.02))
    trainer(max_epochs=60, callbacks=[losses]).fit(distiller, data(pictures))
    assert sum(losses.values[-5:]) < 0.2 * sum(losses.values[:5])


def test_a_label_term_without_labels_is_refused(unlabelled: Prepared) -> None:
    distiller = Distiller(linear_student(), ConvTeacher(), BernoulliKl(label_weight=1.0), preprocess=SMALL)
    with pytest.raises(DistillError, match=r"which needs labels .* Set it to 0 to train without labels"):
        trainer().fit(distiller, data(Pictures.of(unlabelled, "train")))


def test_a_label_term_of_the_data_is_added(train: Pictures) -> None:
    distiller = Distiller(linear_student(), ConvTeacher(), BernoulliKl(label_weight=0.5), preprocess=SMALL)
    fitted = trainer()
    fitted.fit(distiller, data(train))
    logged = {name: float(value) for name, value in fitted.callback_metrics.items()}
    total = logged["train_bernoulli_kl"] + 0.5 * logged["train_labels"]
    assert logged["train_loss"] == pytest.approx(total, rel=1e-5) and logged["train_labels"] > 0


def test_loaders_of_ones_own_train_the_same_student(train: Pictures) -> None:
    pictures = torch.randint(0, 256, (16, 20, 16, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    floats, labels = pictures.permute(0, 3, 1, 2) / 255, torch.ones(16, 3)
    results = []
    for loader in (
        DataLoader(TensorDataset(pictures, labels), 4),
        DataLoader(TensorDataset(floats, labels), 4),
        DataLoader(TensorDataset(pictures), 4),
        DataLoader(list(floats), 4),  # type: ignore[arg-type]
    ):
        distiller = Distiller(conv_student(), ConvTeacher(), preprocess=SMALL, optimization=FAST)
        trainer().fit(distiller, loader)
        results.append(student_alone(distiller))
    for result in results[1:]:
        for name, tensor in results[0].items():
            torch.testing.assert_close(result[name], tensor, rtol=1e-3, atol=1e-4)


def test_a_loader_of_something_else_is_refused() -> None:
    distiller = Distiller(linear_student(), ConvTeacher(), preprocess=SMALL)
    with pytest.raises(DistillError, match=r"torch\.float32 \(4, 5\) was loaded; expected .* images"):
        trainer().fit(distiller, DataLoader(TensorDataset(torch.zeros(8, 5)), 4))


def test_a_student_with_other_outputs_is_refused(train: Pictures) -> None:
    student = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 1))
    with pytest.raises(DistillError, match=r"student answers \(8, 1\) and the teacher \(8, 3\)"):
        trainer().fit(Distiller(student, ConvTeacher(), preprocess=SMALL), data(train))


@pytest.mark.parametrize("answer", [float("nan"), float("inf")])
def test_a_teacher_that_answers_no_number_stops_the_run(train: Pictures, answer: float) -> None:
    class Broken(ConvTeacher):
        def forward(self, pictures: Tensor) -> dict[str, Tensor]:
            logits = super().forward(pictures)["logits"]
            return {"logits": logits if len(self.asked) < 3 else logits * answer}

    teacher = Broken()
    with pytest.raises(DistillError, match=r"teacher: conv answered NaN or infinity at step 3\. .* mean and std"):
        trainer().fit(Distiller(linear_student(), teacher, preprocess=SMALL), data(train))
    assert len(teacher.asked) == 3


def test_nothing_is_saved_of_a_student_that_learnt_from_no_number(train: Pictures, tmp_path: Path) -> None:
    class Broken(ConvTeacher):
        def forward(self, pictures: Tensor) -> dict[str, Tensor]:
            logits = super().forward(pictures)["logits"]
            return {"logits": logits if len(self.asked) < 4 else logits * float("nan")}

    saving = Checkpoints(tmp_path, 2, History(""), keep_best=False)
    with pytest.raises(DistillError, match=r"teacher: conv answered NaN or infinity"):
        trainer(max_epochs=2, callbacks=[saving.history, saving]).fit(
            Distiller(linear_student(), Broken(), preprocess=SMALL), data(train)
        )
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert stored["global_step"] == 2
    assert all(tensor.isfinite().all() for tensor in stored["state_dict"].values())
    assert [file.name for file in tmp_path.iterdir()] == ["last.ckpt"]


class Unlooked(Distiller):
    """Between two looks at what was answered, as on a GPU, where each look waits."""

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None: ...


class BrokenAt(ConvTeacher):
    """Answers NaN once or more, and soundly else."""

    def __init__(self, *asked: int) -> None:
        super().__init__()
        self.broken = asked

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        factor = float("nan") if len(self.asked) + 1 in self.broken else 1.0
        return {name: values * factor for name, values in super().forward(pictures).items()}


def test_one_answer_that_is_no_number_is_remembered_to_the_end_of_the_pass(train: Pictures) -> None:
    with pytest.raises(DistillError, match="teacher: conv answered NaN or infinity at step 4"):
        trainer().fit(Unlooked(linear_student(), BrokenAt(2), preprocess=SMALL), data(train))


def test_it_is_looked_for_before_a_checkpoint_is_written(train: Pictures, tmp_path: Path) -> None:
    saving = Checkpoints(tmp_path, 2, History(""), keep_best=False)
    with pytest.raises(DistillError, match="teacher: conv answered NaN or infinity at step 4"):
        trainer(callbacks=[saving.history, saving]).fit(
            Unlooked(linear_student(), BrokenAt(4), preprocess=SMALL), data(train)
        )
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 2


def test_it_is_the_teacher_that_is_blamed_where_the_student_followed_it(train: Pictures, validation: Pictures) -> None:
    distiller = Unlooked(linear_student(), BrokenAt(3), preprocess=SMALL)
    with pytest.raises(DistillError, match="teacher: conv answered NaN or infinity"):
        trainer().fit(distiller, data(train, validation))


def test_a_faster_teacher_answers_on_a_gpu_alone(train: Pictures) -> None:
    values = []
    for precision in ("32-true", "bf16"):
        losses, teacher = Losses(), ConvTeacher()
        still = Optimization(learning_rate=1e-30)
        module = Distiller(linear_student(), teacher, preprocess=SMALL, optimization=still, teacher_precision=precision)
        trainer(callbacks=[losses]).fit(module, data(train))
        values.append(losses.values)
    assert values[0] == values[1]


def test_a_student_in_bf16_asks_the_teacher_that_was_scored(train: Pictures) -> None:
    class Noting(ConvTeacher):
        def forward(self, pictures: Tensor) -> dict[str, Tensor]:
            answers = super().forward(pictures)
            kinds.append(answers["logits"].dtype)
            return answers

    kinds: list[torch.dtype] = []
    student = linear_student()
    student.register_forward_hook(lambda module, inputs, logits: kinds.append(logits.dtype))
    trainer(precision="bf16-mixed").fit(Distiller(student, Noting(), preprocess=SMALL), data(train))
    assert kinds == [torch.bfloat16, torch.float32] * 4


def test_a_checkpoint_holds_nothing_of_the_teacher(train: Pictures, tmp_path: Any) -> None:
    distiller = Distiller(linear_student(), ConvTeacher(), preprocess=SMALL)
    fitted = trainer()
    fitted.fit(distiller, data(train))
    fitted.save_checkpoint(tmp_path / "last.ckpt")
    stored = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert stored.keys() == {"network.1.weight", "network.1.bias"}


def test_a_mobilenet_is_distilled(train: Pictures, validation: Pictures) -> None:
    preprocess = Preprocess.imagenet(32, 32)
    torch.manual_seed(0)
    student = mobilenet_v1(width=0.1, resolution=32, outputs=3)
    options = Optimization(ema=0.9)
    distiller = Distiller(student, ConvTeacher(32), preprocess=preprocess, optimization=options, metric=MAP)
    before = student_alone(distiller)
    fitted = trainer(gradient_clip_val=5.0)
    fitted.fit(distiller, data(train, validation))
    after = student_alone(distiller)
    moved = [name for name, _ in student.named_parameters() if not torch.equal(before[name], after[name])]
    assert len(moved) == len(list(student.parameters()))
    assert 0 < float(fitted.callback_metrics["val_mAP"]) < 1


def test_compiled_networks_learn_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[nn.Module] = []
    compile_ = torch.compile

    def watched(network: nn.Module) -> Any:
        compiled.append(network)
        return compile_(network, backend="eager")  # inductor takes a minute for the same arithmetic

    monkeypatch.setattr(torch, "compile", watched)

    def trained(**options: Any) -> dict[str, torch.Tensor]:
        module = Distiller(
            conv_student(),
            ConvTeacher(),
            BernoulliKl(),
            preprocess=SMALL,
            optimization=Optimization(ema=0.9, **options),
        )
        loader = DataLoader(torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(0)), batch_size=8)
        trainer(max_epochs=2).fit(module, loader)
        return clone(module.result().state_dict().items())

    plain = trained()
    assert not compiled
    assert same(plain, trained(compile=True))
    assert [type(network).__name__ for network in compiled] == ["Sequential", "ConvTeacher"]


def test_a_teacher_that_embeds_nothing_stops_the_run(train: Pictures) -> None:
    class Blank(ConvEmbedder):
        def forward(self, pictures: Tensor) -> dict[str, Tensor]:
            return {"embedding": super().forward(pictures)["embedding"] * 0}

    distiller = Distiller(linear_student(), Blank(), SquaredEmbedding(), preprocess=SMALL)
    with pytest.raises(DistillError, match="conv answered NaN, infinity or the zero vector at step 1"):
        trainer().fit(distiller, data(train))


def test_pictures_of_unknown_class_are_refused_before_they_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dkd, "__call__", lambda *_: pytest.fail("looked at too late: on a GPU, looking waits"))
    images, classes = torch.rand(8, 3, 8, 8), torch.eye(3)[torch.arange(8) % 3]
    classes[6] = -1
    distiller = Distiller(linear_student(), ConvTeacher(), Dkd(), preprocess=SMALL)
    with pytest.raises(DistillError, match="some of unknown class"):
        trainer().fit(distiller, DataLoader(TensorDataset(images, classes), batch_size=8))


def numbered(classes: Tensor, size: int = 4) -> DataLoader[Any]:
    """Eight pictures and their class numbers, or labels."""
    pictures = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    return DataLoader(TensorDataset(pictures, classes), size)


def eye(numbers: Tensor) -> Tensor:
    """Labels of class numbers, one by one."""
    return torch.tensor([[-1.0] * 3 if n < 0 else [float(n == c) for c in range(3)] for n in numbers.tolist()])


@pytest.mark.parametrize("objective", [SoftmaxKl(label_weight=0.5), Dkd(label_weight=0.5), Dist(label_weight=1.0)])
def test_class_numbers_teach_as_labels_do(objective: Any) -> None:
    classes, results = torch.tensor([0, 1, 2, 2, 1, 0, 1, 2]), []
    for labels in (classes, classes.to(torch.int16), eye(classes)):
        distiller = Distiller(conv_student(), ConvTeacher(), objective, preprocess=SMALL, optimization=FAST)
        trainer(max_epochs=2).fit(distiller, numbered(labels))
        results.append(student_alone(distiller))
    assert same(results[0], results[2]) and same(results[1], results[2])


def test_an_unknown_class_number_is_an_unknown_label() -> None:
    classes, results = torch.tensor([0, -1, 2, -1, 1, 0, 1, -100]), []
    for labels in (classes, eye(classes)):
        distiller = Distiller(
            conv_student(), ConvTeacher(), SoftmaxKl(label_weight=0.5), preprocess=SMALL, optimization=FAST
        )
        trainer().fit(distiller, numbered(labels))
        results.append(student_alone(distiller))
    assert same(*results)


def test_class_numbers_that_fit_no_output_or_no_attributes_are_refused() -> None:
    numbers = torch.arange(1, 9) % 4
    with pytest.raises(DistillError, match="class number 3, and the network has 3 outputs; expected 0 to 2"):
        trainer().fit(
            Distiller(linear_student(), ConvTeacher(), SoftmaxKl(label_weight=1.0), preprocess=SMALL), numbered(numbers)
        )
    with pytest.raises(DistillError, match=r"the batch has \(4,\)\. Class numbers are of classes that exclude each"):
        trainer().fit(
            Distiller(linear_student(), ConvTeacher(), BernoulliKl(label_weight=1.0), preprocess=SMALL),
            numbered(numbers % 3),
        )
    # What is not learnt from may be anything, such as the number of a picture.
    trainer().fit(Distiller(linear_student(), ConvTeacher(), SoftmaxKl(), preprocess=SMALL), numbered(100 * numbers))


def test_a_loss_of_ones_own_is_minimised() -> None:
    def own(student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
        return (student - teacher).square().sum(dim=1) + F.cross_entropy(student, labels, reduction="none")

    classes, results = torch.tensor([0, 1, 2, 2, 1, 0, 1, 2]), []
    for objective in (own, SquaredLogits()):
        losses = Losses()
        distiller = Distiller(linear_student(), ConvTeacher(), objective, preprocess=SMALL, optimization=FAST)
        before = linear_student()
        trainer(callbacks=[losses], max_epochs=1).fit(distiller, numbered(classes, 8))
        results.append(losses.values[0])
    ((pictures, _),) = numbered(classes, 8)
    entropy = F.cross_entropy(before(SMALL.normalize(255 * pictures)), classes)
    assert results[0] == pytest.approx(results[1] + entropy.item(), rel=1e-5)


@pytest.mark.parametrize("as_numbers", [True, False])
def test_a_metric_of_torchmetrics_scores_validation(as_numbers: bool) -> None:
    classes = torch.tensor([0, -1, 2, 2, 1, 0, 1, 2])
    distiller = Distiller(
        conv_student(), ConvTeacher(), SoftmaxKl(), preprocess=SMALL, metric=MulticlassAccuracy(3, average="micro")
    )
    loader = numbered(classes if as_numbers else eye(classes))
    fitted = trainer()
    fitted.fit(distiller, loader, loader)
    with torch.no_grad():
        choices = torch.cat([distiller.result()(SMALL.normalize(255 * images)).argmax(dim=1) for images, _ in loader])
    expected = float((choices == classes)[classes >= 0].float().mean())
    assert float(fitted.callback_metrics["val_MulticlassAccuracy"]) == pytest.approx(expected)


def test_the_tasks_metric_scores_class_numbers_too() -> None:
    classes = torch.tensor([0, 1, 2, 2, 1, 0, 1, 2])
    distiller = Distiller(conv_student(), ConvTeacher(), SoftmaxKl(), preprocess=SMALL, metric=TopOne())
    (numbers,) = trainer().validate(distiller, numbered(classes), verbose=False)
    (labels,) = trainer().validate(distiller, numbered(eye(classes)), verbose=False)
    assert numbers == labels and numbers.keys() == {"val_top-1"}
