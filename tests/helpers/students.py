"""Students that tests of the formats share: one of mild weights, and the same function in units far apart."""

import copy
import functools

import numpy as np
import torch
from torch import nn

from distill.answers import Probabilities
from distill.answers.kind import Kind
from distill.export.format import Job
from distill.preprocess.preprocess import Preprocess
from students.manifest import StudentManifest
from students.mobilenet_v1 import MobilenetV1, mobilenet_v1

SIZE = 64
NAMES = tuple("abcdefghij")
PROBABILITIES = Probabilities(NAMES)
PREPROCESS = Preprocess(SIZE, SIZE, "bilinear", (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))


def pictures(count: int, seed: int) -> np.ndarray:
    """uint8 (count, 64, 64, 3): soft blobs of colour over a colour."""
    generator = np.random.default_rng(seed)
    blobs = generator.integers(0, 256, (count, 2, 2, 3)) * 0.4 + generator.integers(0, 256, (count, 1, 1, 3)) * 0.6
    return Preprocess.imagenet(SIZE, SIZE, "bicubic").resize(torch.from_numpy(blobs.astype(np.uint8))).numpy()


@functools.cache
def mild(activation: str = "relu") -> nn.Module:
    """A MobileNet at random, in eval mode; int8 takes little from it."""
    torch.manual_seed(0)
    return mobilenet_v1(0.25, SIZE, len(NAMES), activation=activation).eval()  # type: ignore[arg-type]


def uneven(network: nn.Module, octaves: float = 3.0) -> nn.Module:
    """The same function of a network with ReLU, the outputs of its depthwise layers up to 2^6 times apart."""
    changed = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for stage in changed.get_submodule("blocks"):
            for block in stage:
                scale = torch.exp2((torch.rand(block.bn1.num_features, generator=generator) * 2 - 1) * octaves)
                block.bn1.weight *= scale
                block.bn1.bias *= scale
                block.conv_pw.weight /= scale.view(1, -1, 1, 1)
    return changed


def manifest_of(kind: Kind = PROBABILITIES) -> StudentManifest:
    return StudentManifest(
        config=MobilenetV1(width=0.25, resolution=SIZE),
        answers=kind,
        preprocess=PREPROCESS,
        picture=(SIZE, SIZE),
        seed=0,
        teacher="somebody",
        teacher_fingerprint="0123",
        data_fingerprint="4567",
    )


def job_of(network: nn.Module, kind: Kind = PROBABILITIES) -> Job:
    """Calibrated on 64 pictures."""
    return Job(network, manifest_of(kind), pictures(64, seed=1))


def torch_answers(network: nn.Module, shown: np.ndarray) -> np.ndarray:
    """Logits (N, C) without the library: scale, normalise, run."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PREPROCESS.mean, PREPROCESS.std))
    with torch.no_grad():
        return network((torch.from_numpy(shown).permute(0, 3, 1, 2).float() / 255 - mean) / std).numpy()


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The mean over rows; of a row of zeros it is 0."""
    values = [
        float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))) if a.any() and b.any() else 0.0
        for a, b in zip(one.astype(np.float64), other.astype(np.float64), strict=True)
    ]
    return float(np.mean(values))
