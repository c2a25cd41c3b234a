"""A store that keeps the largest logits of a view: still scored by whole answers, and asked about nothing twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from distill.data.prepared.prepared import Prepared
from distill.errors import DistillError
from distill.objectives import BernoulliKl, SoftmaxKl
from distill.objectives.top import TopAnswers
from distill.store.store import Store
from distill.store.verify import ask_again
from tests.helpers.answering import VIEWS, CountingTeacher, opened, shown, store


@pytest.fixture(scope="module")
def kept(labelled: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return store(tmp_path_factory.mktemp("stores") / "s", shown(labelled), top=2)


def test_views_keep_the_largest_logits_and_whole_pictures_all(labelled: Prepared, kept: Store, tmp_path: Path) -> None:
    every = store(tmp_path / "all", shown(labelled))
    pictures, views = shown(labelled).transfer, replace(VIEWS, count=2)
    teacher, other = (opened(one.directory) for one in (kept, every))
    index = np.arange(6)
    top, full = (one.answers_to(pictures, views, 5)(index, 1)["logits"] for one in (teacher, other))
    assert isinstance(top, TopAnswers) and isinstance(full, torch.Tensor)
    values, classes = full.topk(2, dim=1)
    torch.testing.assert_close(top.classes.long(), classes)
    torch.testing.assert_close(top.logits.float(), values - values[:, :1], atol=1e-3, rtol=1e-3)
    test = shown(labelled).evaluated[1]
    np.testing.assert_array_equal(teacher.recall(test)["logits"], other.recall(test)["logits"])


def test_of_pictures_transferred_on_only_a_sample_is_answered_whole(labelled: Prepared, tmp_path: Path) -> None:
    every, teacher = shown(labelled), CountingTeacher()
    sample = every.transfer.every(7)
    written = store(tmp_path / "s", replace(every, sample=sample), teacher, top=2)
    evaluated = sum(map(len, every.evaluated))
    assert 0 < len(sample) < len(every.transfer) and len(written.whole) == len(sample) + evaluated
    assert len(written.viewed) == len(every.transfer)
    stored, whole = opened(written.directory), store(tmp_path / "all", every)
    for some in (sample, *every.evaluated):
        np.testing.assert_array_equal(
            stored.recall(some)["logits"], opened(whole.directory).recall(some)["logits"].numpy()
        )
    with pytest.raises(DistillError, match="has no answers to 28 of 33 pictures"):
        stored.recall(every.transfer)
    count, worst = ask_again(written, teacher, replace(every, sample=sample))
    assert count > 50 and worst < 2e-3


def test_an_objective_of_all_logits_is_refused(labelled: Prepared, kept: Store) -> None:
    views = replace(VIEWS, count=2)
    stored = opened(kept.directory).answers_to(shown(labelled).transfer, views, 5)
    answers = stored(np.arange(4), 0)["logits"]
    student = torch.zeros(4, 3)
    assert SoftmaxKl(temperature=2.0)({"logits": student}, {"logits": answers}, {})["loss"].shape == (4,)
    with pytest.raises(DistillError, match="the store kept its 2 largest"):
        BernoulliKl()({"logits": student}, {"logits": answers}, {})


def test_more_views_are_asked_for_alone(labelled: Prepared, tmp_path: Path) -> None:
    pictures, teacher = shown(labelled), CountingTeacher()
    before = store(tmp_path / "s", pictures, teacher, top=2, count=1)
    old, asked = before.view_answers(np.arange(33), 0), teacher.shown
    after = store(tmp_path / "s", pictures, teacher, top=2, count=2)
    assert teacher.shown - asked <= 3 * (33 + 8)  # one view of 33 pictures in files of ten, and one batch timed
    np.testing.assert_array_equal(after.view_answers(np.arange(33), 0), old)


def test_answers_asked_again_are_compared_class_by_class(labelled: Prepared, tmp_path: Path) -> None:
    torch.manual_seed(0)
    teacher, pictures = CountingTeacher(), shown(labelled)
    written = store(tmp_path / "s", pictures, teacher, top=2)
    count, worst = ask_again(written, teacher, pictures)
    assert count == 64 and worst < 2e-3
    file = written.directory / "view-0000-00000.npy"
    altered = np.load(file)
    altered["logits"][:, 1] -= 1
    np.save(file, altered, allow_pickle=False)
    with pytest.raises(DistillError, match="is off by"):
        ask_again(Store.open(written.directory), teacher, pictures)
