"""BatchTargets of a batch: what the loader says of its pictures, and where places lie in views, held against pixels."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.prepared.pictures import Pictures
from distill.data.views.data_module import PictureLoader
from distill.data.views.loader import ViewDataset, ViewLoader
from distill.data.views.targets import BatchTargets, RaggedTensor, through
from distill.data.views.views import Views
from distill.errors import DistillError
from distill.preprocess.preprocess import PADDING, Crop, Fit, Preprocess
from tests.helpers.listed import run
from tests.helpers.marked import Marked
from tests.helpers.places import COLOURLESS, check_places


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Pictures:
    return Pictures.of(run(Marked(), tmp_path_factory.mktemp("marked") / "set", height=90, width=120), "train")


@pytest.mark.parametrize("size", [(90, 120), (45, 60), (64, 64)])
@pytest.mark.parametrize(
    "views",
    [
        Views(scale=(1, 1), ratio=1, flip=0, **COLOURLESS),
        Views(scale=(1, 1), ratio=1, flip=1, **COLOURLESS),
        Views(scale=(0.7, 0.9), flip=0, **COLOURLESS),
        Views(scale=(0.7, 0.9), flip=0.5, **COLOURLESS),
    ],
    ids=["whole", "mirrored", "cropped", "both"],
)
def test_places_move_with_the_pixels_of_a_view(marked: Pictures, views: Views, size: tuple[int, int]) -> None:
    (batch,) = ViewLoader(marked, views, batch_size=12, seed=1)
    assert views.flip != 0.5 or 0 < batch.flip.sum() < 12
    assert check_places(batch, Preprocess.imagenet(*size)) == 9


@pytest.mark.parametrize("crop", [(0.1, 0.05, 0.85, 0.9), (0.0, 0.14, 0.95, 0.86)])
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_a_network_that_sees_a_part_of_a_view_has_the_places_in_that_part(tmp_path: Path, fit: Fit, crop: Crop) -> None:
    found = run(Marked(box=(4, 3, 118, 88)), tmp_path / "set", height=96, width=96, fit=fit)
    pictures = Pictures.of(found, "train")
    views = Views(scale=(0.9, 1.0), ratio=1.05, flip=0.5, **COLOURLESS)
    (batch,) = ViewLoader(pictures, views, batch_size=12, seed=2)
    if fit == "pad":  # its grey would be taken for a box
        grey = (batch.pictures == PADDING).all(dim=3, keepdim=True)
        batch = replace(batch, pictures=batch.pictures.masked_fill(grey, 0))
    assert check_places(batch, Preprocess.imagenet(72, 80, crop=crop)) == 9


def test_places_are_not_clipped() -> None:
    boxes = torch.tensor([[0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.5, 1.0]])
    part = torch.tensor([[0.25, 0.25, 0.5, 0.5]]).repeat(2, 1)
    found = through(boxes, "boxes", part, torch.tensor([False, True]))
    assert found.tolist() == [[-0.5, -0.5, 0.5, 1.5], [0.5, -0.5, 1.5, 1.5]]
    points = through(boxes.view(2, 2, 2), "points", part, torch.tensor([False, True]))
    assert points.tolist() == [[[-0.5, -0.5], [0.5, 1.5]], [[1.5, -0.5], [0.5, 1.5]]]
    assert through(boxes[:0], "boxes", part[:0], torch.zeros(0, dtype=torch.bool)).shape == (0, 4)


def test_what_has_no_place_is_left_alone_and_unknown_places_stay_unknown(marked: Pictures) -> None:
    (batch,) = ViewLoader(marked, Views(), batch_size=12, seed=1)
    index = batch.index.numpy()
    assert batch.targets.fixed("count").tolist() == marked.targets["count"][index].tolist()
    kinds = batch.targets.ragged("kinds")
    assert [kinds[row].tolist() for row in range(12)] == [
        marked.targets["kinds"][picture].tolist() for picture in index
    ]
    assert kinds.rows.dtype == kinds.offsets.dtype == torch.int64
    assert kinds.pictures.tolist() == [row for row in range(12) for _ in kinds[row]]
    unknown = marked.targets["count"][index] < 0
    assert unknown.sum() == 3 and np.array_equal(batch.targets.fixed("spot").isnan().all(dim=1).numpy(), unknown)


def test_whole_pictures_come_with_all_that_is_known_of_them(marked: Pictures) -> None:
    batches = list(PictureLoader(marked, 5))
    assert [len(batch.pictures) for batch in batches] == [4, 4, 4]
    for number, batch in enumerate(batches):
        rows = range(4 * number, 4 * number + 4)
        for name in ("boxes", "kinds"):
            found = batch.truths.ragged(name)
            assert [found[i].tolist() for i in range(4)] == [marked.targets[name][row].tolist() for row in rows]
        assert batch.truths.fixed("labels").shape == (4, 0) and batch.truths.fixed("identities").tolist() == [-1] * 4


def test_ragged_targets_travel_like_tensors(marked: Pictures) -> None:
    (batch,) = ViewLoader(marked, Views(), batch_size=12, seed=1)
    moved = batch.to("meta").targets
    assert moved.ragged("boxes").rows.device.type == moved.ragged("boxes").offsets.device.type == "meta"
    assert moved.fixed("spot").device.type == "meta" and moved.places == {"spot": "points", "boxes": "boxes"}
    again = pickle.loads(pickle.dumps(batch)).targets
    assert torch.equal(again.ragged("boxes").rows, batch.targets.ragged("boxes").rows)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_load_the_same_targets(marked: Pictures) -> None:
    loader = ViewLoader(marked, Views(), batch_size=4, seed=1, workers=1)
    for one, other in zip(loader, ViewLoader(marked, Views(), batch_size=4, seed=1), strict=True):
        assert torch.equal(one.targets.ragged("boxes").rows, other.targets.ragged("boxes").rows)
        assert torch.equal(one.targets.fixed("spot").nan_to_num(-9), other.targets.fixed("spot").nan_to_num(-9))
    loader.close()


@pytest.mark.parametrize("key", ["mixup", "cutmix"])
def test_what_cannot_be_mixed_is_not(marked: Pictures, train: Pictures, key: str) -> None:
    refused = rf"views\.{key} is 0\.3: .* column spot holds points, .* Set it to 0"
    for loads in (ViewDataset, lambda *three: ViewLoader(*three[:2], batch_size=4, seed=three[2])):
        with pytest.raises(DistillError, match=refused):
            loads(marked, Views(**{key: 0.3}), 0)
        loads(train, Views(**{key: 0.3}), 0)
        loads(marked, Views(), 0)
    kinds = replace(marked)
    kinds.__dict__["columns"] = tuple(column for column in marked.columns if column.name == "kinds")
    with pytest.raises(DistillError, match="column kinds has any number of rows a picture, which"):
        ViewDataset(kinds, Views(**{key: 0.3}), 0)


def test_a_column_of_the_other_kind_is_no_tensor() -> None:
    ragged = RaggedTensor(torch.zeros(3, 4), torch.tensor([0, 1, 3]))
    targets = BatchTargets({"boxes": ragged, "count": torch.zeros(2)})
    assert len(targets) == 2 and list(targets) == ["boxes", "count"] and targets["boxes"] is ragged
    assert len(ragged) == 2 and ragged[1].shape == (2, 4)
