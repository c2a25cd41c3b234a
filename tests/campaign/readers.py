"""What reads a fuzzed file, as the program does: in a folder that holds nothing but what goes with it."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.campaign.valid import lists


def picture(file: Path) -> object:
    from distill.data.prepared.decode import decode

    return decode(file.read_bytes(), "a picture")


def weights(file: Path) -> object:
    import torch

    from distill.files.weights import load_weights, read_weights

    tensors = read_weights(file)
    network = torch.nn.Module()
    network.conv = torch.nn.Linear(3, 2)
    return load_weights(network, tensors, file)


def opened(file: Path) -> object:
    from distill.predictors.open import open_predictor

    predictor = open_predictor(file)
    height, width = predictor.picture or (8, 8)
    return predictor(np.zeros((2, min(height, 64), min(width, 64), 3), np.uint8))


def facts(file: Path) -> object:
    from distill.cost.onnx_graph import count_onnx
    from distill.inspection.facts import read_facts

    lines = read_facts(file).lines()
    return lines, count_onnx(file)


def teacher(file: Path) -> object:
    import torch

    from teachers.graph_teacher import Graph

    teacher = Graph(file, gives="logits", interpolation="bilinear", scale="0..1").load(5)
    return teacher.online(torch.zeros(2, 3, 8, 8)), teacher.fingerprint()


def table(file: Path) -> object:
    from distill.data.prepared.alignment import Alignment
    from distill.data.sources.table import Table

    if file.name == "b.csv":
        return Alignment(file)
    (file.parent / "p").mkdir(exist_ok=True)
    for number in range(12):
        (file.parent / "p" / f"{number}.jpg").touch()
    number = file.stat().st_size % 4  # as good as drawn, and the same of the same input
    how: Any = ({}, {"attributes": ("Bald",)}, {"tags": "breed"}, {"identity": "who", "validation": 0.1})[number]
    table = Table(csv=file, **how)
    return table.classes(), table.samples(8, 8), table.state()


def listed(file: Path) -> object:
    from distill.data.sources.bounding_box import read_box
    from distill.data.sources.celeba import CelebA
    from distill.evaluation.pairs import read_pairs
    from distill.files.checksums import check_sum, read_sums
    from teachers.class_map import read_class_map
    from teachers.teacher import read_classes

    if file.name == "pairs.txt":
        return read_pairs(file)
    if file.stem == "classes":
        return read_classes(file)
    if file.name == "class_map.txt":
        return read_class_map(file)
    if file.name == "box.xml":
        return read_box(file)
    if file.name == "SHA256SUMS":
        (file.parent / "a.onnx").touch()
        return read_sums(file.parent), check_sum(file.parent / "a.onnx", "Copy it again.")
    for name, content in lists()[:3]:
        if name != file.name:
            (file.parent / name).write_bytes(content)
    (file.parent / "img_align_celeba").mkdir(exist_ok=True)
    return CelebA(root=file.parent).samples(8, 8)


def mat(file: Path) -> object:
    from distill.data.sources.mat_list import read_mat_list

    return read_mat_list(file)


def recipe(file: Path) -> object:
    from distill.recipe.parser import RecipeReader

    return RecipeReader(str(file)).read([])
