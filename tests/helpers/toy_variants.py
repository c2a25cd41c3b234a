"""A student and an objective as somebody else's package brings them, and a package that is broken."""

MODULES = {
    "toy_variants": """
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from distill.objectives import Objective
from students.body import Body
from students.student import Student


class Patches(Body):
    def __init__(self, channels):
        super().__init__()
        self.map_channels = self.channels = channels
        self.see = nn.Conv2d(3, channels, 4, stride=4)

    def forward(self, pixels):
        return self.see(pixels).relu()


@dataclass(frozen=True)
class ToyStudent(Student):
    name: Literal["toy_patches"] = "toy_patches"
    resolution: int = 32
    channels: int = 8

    def body(self):
        return Patches(self.channels)


@dataclass(frozen=True)
class ToyObjective(Objective):
    name: Literal["toy_distance"] = "toy_distance"
    power: float = 1.0
    temperature: float = 1.0
    compares = "logits"

    def __call__(self, student, teacher, targets):
        distance = (student["logits"] - teacher["logits"]).abs().pow(self.power).sum(dim=1)
        return {self.name: distance, "loss": distance}
""",
    "toy_broken": "import no_such_module",
}
ENTRY_POINTS = {
    "distill.students": {"toy_patches": "toy_variants:ToyStudent", "toy_broken": "toy_broken:Student"},
    "distill.objectives": {"toy_distance": "toy_variants:ToyObjective"},
}
