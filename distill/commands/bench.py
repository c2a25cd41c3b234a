"""distill bench step: what Lightning, the modules and the loader add to a training step."""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import lightning as L
import timm
import torch
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from torch import nn

from distill.data.cutting import cut
from distill.data.loader import ViewLoader
from distill.data.pictures import Pictures
from distill.data.prepare import prepare
from distill.data.rendered_faces import RenderedFaces
from distill.data.views import Views
from distill.errors import DistillError
from distill.modules import Distiller, Optimization
from distill.objectives import Objective
from distill.objectives.logits import bernoulli_kl
from distill.preprocess import Preprocess
from distill.train import quieten
from students.mobilenet_v1 import mobilenet_v1
from teachers.torch_teacher import TorchTeacher

WARM_UP = 3  # steps of a round that are not timed
CLIP = 5.0


def main(arguments: list[str]) -> int:
    """Time the same step by Lightning and by a bare loop, in turns, and print the ratio of the medians."""
    parser = argparse.ArgumentParser(prog="distill bench", description="Compare speeds side by side in one run.")
    parser.add_argument(
        "what", choices=["step"], help="step: one transfer step, against the same in a bare PyTorch loop"
    )
    parser.add_argument("--rounds", type=int, default=9, help="turns each takes")
    parser.add_argument("--steps", type=int, default=30, help="steps a turn")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--resolution", type=int, default=96, help="pixels of a side, of the student and the teacher")
    chosen = parser.parse_args(arguments)
    if min(chosen.rounds, chosen.batch_size) < 1 or chosen.steps <= WARM_UP:
        raise DistillError(
            f"--steps must be above {WARM_UP}, which are not timed; --rounds and --batch-size at least 1."
        )
    quieten()
    with tempfile.TemporaryDirectory() as place:
        source = RenderedFaces(train=chosen.batch_size * 8, validation=64, test=64, people=64)
        prepared = prepare(source, Path(place) / "data", height=64, width=64)
        pictures = Pictures.of(prepared, "train")
        by_loop: list[float] = []
        by_lightning: list[float] = []
        for turn in range(chosen.rounds):
            for times, measure in ((by_loop, bare_steps), (by_lightning, lightning_steps)):
                torch.manual_seed(turn)
                times.append(measure(pictures, chosen.steps, chosen.batch_size, chosen.resolution))
    loop, lightning = statistics.median(by_loop), statistics.median(by_lightning)
    ratio = statistics.median(a / b for a, b in zip(by_lightning, by_loop, strict=True))
    Console().print(
        f"a step of {chosen.batch_size} pictures at {chosen.resolution} px, medians of {chosen.rounds} turns: "
        f"bare loop {1000 * loop:.1f} ms, distill {1000 * lightning:.1f} ms, ratio {ratio:.3f} (median of the turns')",
        soft_wrap=True,
    )
    return 0


def _networks(classes: int, resolution: int) -> tuple[nn.Module, TorchTeacher, Preprocess]:
    preprocess = Preprocess(resolution, resolution)
    network = timm.create_model("test_resnet", num_classes=classes)
    teacher = TorchTeacher(network, preprocess, classes, None, "test_resnet")
    student = mobilenet_v1(width=0.25, resolution=resolution, outputs=classes)
    return student.to(memory_format=torch.channels_last), teacher, preprocess


def _passes(loader: ViewLoader, steps: int) -> Any:
    while True:
        for batch in loader:
            yield batch
            steps -= 1
            if steps == 0:
                return


def bare_steps(pictures: Pictures, steps: int, batch_size: int, resolution: int) -> float:
    """Seconds a step of a loop written out by hand: the same loader, views, formula, clipping and optimiser."""
    student, teacher, preprocess = _networks(len(pictures.classes), resolution)
    student.train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / (steps + 1))
    loader = ViewLoader(pictures, Views(), batch_size=batch_size, seed=0)
    started = 0.0
    for step, batch in enumerate(_passes(loader, steps), 1):
        pixels = cut(batch, preprocess)
        with torch.inference_mode():
            answers = teacher(pixels)
        logits = student(preprocess.normalize(pixels).contiguous(memory_format=torch.channels_last))
        loss = bernoulli_kl(logits, answers.clone()).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        if step == WARM_UP:
            started = time.perf_counter()
    return (time.perf_counter() - started) / (steps - WARM_UP)


class _Clock(Callback):
    """From the end of the warm-up's last batch to the end of the last batch: loading is inside."""

    started = ended = 0.0

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.ended = time.perf_counter()
        if trainer.global_step == WARM_UP:
            self.started = self.ended


def lightning_steps(pictures: Pictures, steps: int, batch_size: int, resolution: int) -> float:
    """Seconds a step of a `Distiller` in a Trainer."""
    student, teacher, preprocess = _networks(len(pictures.classes), resolution)
    module = Distiller(student, teacher, Objective(), preprocess=preprocess, optimization=Optimization())
    clock = _Clock()
    trainer = L.Trainer(
        max_steps=steps, callbacks=[clock], gradient_clip_val=CLIP, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, use_distributed_sampler=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(module, ViewLoader(pictures, Views(), batch_size=batch_size, seed=0))
    return (clock.ended - clock.started) / (steps - WARM_UP)
