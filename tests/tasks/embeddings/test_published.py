"""LFW's pairs in every layout that sets of faces are published in: the same pictures, folds and scores as by LFW's."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill.answers import Embedding
from distill.data.prepared.frame import Frame
from distill.data.prepared.prepare import prepare
from distill.data.sources.insightface_rec import InsightfaceRec
from distill.errors import DistillError
from distill.evaluation.roc import tar_name
from distill.recipe.recipe import Evaluate, Pairs, Prepare
from distill.tasks.embeddings.published import open_published
from distill.tasks.embeddings.trial import Listing, Trial, open_lfw
from teachers.mobilefacenet_teacher import Mobilefacenet
from tests.helpers.face_sets import LAYOUTS, as_records, as_templates, pairs_of, small_lfw

SMALL = Prepare(8, 8, max_bad_share=0.0)


def opened(place: Path, name: Any, root: Path, **keys: Any) -> Trial:
    settings = Evaluate(pairs=Pairs(name, root, folds=2), align=None, **keys)
    return open_published(settings, place, SMALL)


def shown(trial: Trial) -> list[tuple[bytes, bytes, bool, int]]:
    """Every pair by its pixels."""
    assert trial.pairs is not None
    first, second = (trial.pictures.gather(rows) for rows in (trial.pairs.first, trial.pairs.second))
    rows = zip(first, second, trial.pairs.same.tolist(), trial.pairs.folds.tolist(), strict=True)
    return sorted((a.tobytes(), b.tobytes(), same, fold) for a, b, same, fold in rows)


@pytest.mark.parametrize("name", LAYOUTS)
def test_pairs_and_folds_are_those_of_lfw(tmp_path: Path, name: str) -> None:
    lfw = small_lfw(tmp_path / "lfw")
    expected = open_lfw(Evaluate(lfw=lfw, align=None), tmp_path, SMALL)
    trial = opened(tmp_path, name, LAYOUTS[name](lfw, tmp_path / "set"))
    assert shown(trial) == shown(expected) and len(shown(trial)) == 16
    assert trial.name == name and trial.describe()["folds"] == 2
    known = name == "cfp_fp"
    assert trial.describe().get("people") == (4 if known else None)
    vectors = np.random.default_rng(0).normal(size=(len(trial.identities), 5)).astype(np.float32)
    assert (trial.identify(vectors, vectors) is not None) == known


def test_templates_of_one_picture_score_as_pairs_do(tmp_path: Path) -> None:
    lfw = small_lfw(tmp_path / "lfw", people=6)
    pairs = open_lfw(Evaluate(lfw=lfw, align=None), tmp_path, SMALL)
    templates = opened(tmp_path, "ijb", as_templates(lfw, tmp_path / "set"))
    vectors = embedded(pairs, 0)
    by_pairs = pairs.verify(vectors, (0.5, 0.1), 0, 10).to_dict()
    by_templates = templates.verify(moved(vectors, pairs, templates), (0.5, 0.1), 0, 10).to_dict()
    for metric in ("eer", "tar@far=5e-1", "tar@far=1e-1"):
        assert by_templates["metrics"][metric] == by_pairs["metrics"][metric]
    assert templates.describe() == {"pictures": 18, "pairs": 24, "templates": 18}
    assert not templates.by_folds and templates.identify(vectors, vectors) is None


def embedded(trial: Trial, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(len(trial.identities), 6)) + 2 * np.eye(6)[trial.identities]
    return np.asarray(vectors, np.float32)


def moved(vectors: np.ndarray, trial: Trial, other: Trial) -> np.ndarray:
    """A trial's embeddings in the order that another has the same pictures in."""
    row_of = {content: row for row, content in enumerate(trial.pictures.hashes.tolist())}
    return vectors[[row_of[content] for content in other.pictures.hashes.tolist()]]


def test_templates_left_without_pictures_go_with_their_pairs(tmp_path: Path) -> None:
    lfw = small_lfw(tmp_path / "lfw")
    trial = opened(tmp_path, "ijb", as_templates(lfw, tmp_path / "set"))
    assert trial.pairs is not None and trial.templates is not None
    gone = int(trial.templates.pictures[trial.templates.templates == 0][0])
    rest = trial.without(np.array([gone]))
    assert rest.pairs is not None and rest.templates is not None
    with_it = int(((trial.pairs.first == 0) | (trial.pairs.second == 0)).sum())
    assert len(rest.pairs.same) == 16 - with_it and len(np.unique(rest.templates.templates)) == 11
    vectors = np.random.default_rng(1).normal(size=(12, 4)).astype(np.float32)
    before = trial.templates.embeddings(vectors)
    after = rest.templates.embeddings(np.delete(vectors, gone, axis=0))
    np.testing.assert_array_equal(after, np.delete(before, 0, axis=0))
    left = (trial.pairs.first != 0) & (trial.pairs.second != 0)
    np.testing.assert_array_equal(after[rest.pairs.first], before[trial.pairs.first[left]])


def test_missing_pictures_are_named_or_left_out(tmp_path: Path) -> None:
    lfw = small_lfw(tmp_path / "lfw")
    root = LAYOUTS["agedb_30"](lfw, tmp_path / "list")
    (root / "3.jpg").unlink()
    with pytest.raises(DistillError, match=r"pairs: 1 pictures are missing, .*agedb_30_112x112/3\.jpg"):
        opened(tmp_path, "agedb_30", root)
    kept = opened(tmp_path, "agedb_30", root, allow_missing=True)
    assert kept.pairs is not None and 0 < len(kept.pairs.same) < 16
    root = as_templates(lfw, tmp_path / "templates")
    (root / "loose_crop" / "3.jpg").unlink()
    with pytest.raises(DistillError, match=r"evaluate\.pairs: 1 pictures of templates are missing, .*pairs.*3\.jpg"):
        opened(tmp_path, "ijb", root)
    kept = opened(tmp_path, "ijb", root, allow_missing=True)
    assert kept.pairs is not None and kept.describe()["templates"] == 11
    (root / "meta" / "ijbc_template_pair_label.txt").write_text("7 999 1\n")
    with pytest.raises(DistillError, match=r"1 templates of pairs are not in the list of templates, .* 999"):
        opened(tmp_path, "ijb", root)


def test_faults_of_a_set_name_the_key(tmp_path: Path) -> None:
    with pytest.raises(DistillError, match=r"evaluate\.pairs\.root: .*gone is not a directory"):
        opened(tmp_path, "calfw", tmp_path / "gone")


@pytest.mark.real_data
def test_lfw_scores_the_same_in_every_layout(tmp_path: Path) -> None:
    """By a recogniser's embeddings: each picture's once, found in the other layouts by its content."""
    data = Path(os.environ["DISTILL_REAL_DATA"])
    pictures_as, settings = Prepare(112, 112), Evaluate(lfw=data / "lfw")
    lfw = open_lfw(settings, tmp_path, pictures_as)
    teacher = Mobilefacenet(weights=data / "weights" / "mobilefacenet_casia.ckpt").teacher(Embedding())
    vectors = teacher.predictor(Embedding()).show(lfw.pictures, "lfw", 64)["embeddings"]
    expected = lfw.verify(vectors, settings.fars, 0, 100).to_dict()
    assert expected["metrics"]["accuracy"] > 0.985
    for name, write in LAYOUTS.items():
        keys = Pairs(name, write(data / "lfw", tmp_path / name), folds=5)  # type: ignore[arg-type]
        trial = open_published(Evaluate(pairs=keys), tmp_path, pictures_as)
        found = trial.verify(moved(vectors, lfw, trial), settings.fars, 0, 100).to_dict()
        for part in ("metrics", "counts", "fars", "equal_error"):
            assert found[part] == expected[part], (name, part)
        assert found["folds"]["accuracies"] == expected["folds"]["accuracies"]
    root = as_templates(data / "lfw", tmp_path / "ijb")
    trial = open_published(Evaluate(pairs=Pairs("ijb", root)), tmp_path, pictures_as)
    found = trial.verify(moved(vectors, lfw, trial), settings.fars, 0, 100).to_dict()
    for far in settings.fars:
        assert found["metrics"][tar_name(far)] == expected["metrics"][tar_name(far)]
    place, names = as_records(data / "lfw", tmp_path / "records")
    records = prepare(InsightfaceRec(root=place), tmp_path / "prepared", Frame(112, 112))
    listing = Listing.of(records, lambda name: names[int(name.rpartition("/")[2]) - 1])
    pairs = listing.pairs(pairs_of(data / "lfw"), allow_missing=False)
    trial = Trial("records", listing.pictures, listing.pictures.identities, pairs)
    found = trial.verify(moved(vectors, lfw, trial), settings.fars, 0, 100).to_dict()
    assert found["metrics"] == expected["metrics"]
    assert replace(trial, pairs=None).genuine == replace(lfw, pairs=None).genuine
