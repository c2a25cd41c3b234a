"""What a check of a store looks at: its lists, its teacher, and other pictures from view to view."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from distill.data.prepared.prepared import Prepared
from distill.errors import DistillError
from distill.files.atomic import checksum
from distill.store.store import Store
from distill.store.verify import ASKED_AGAIN, _spread, ask_again, check_all_files
from tests.helpers.answering import CountingTeacher, manifest_of, shown, store


def test_lists_that_were_altered_with_their_checksums_are_refused(labelled: Prepared, tmp_path: Path) -> None:
    """Another program may write a manifest anew; whose answers they are would then be somebody else's."""
    written = store(tmp_path / "s", shown(labelled))
    check_all_files(written)
    hashes = np.load(written.directory / "pictures.npy")
    hashes[3] += np.uint64(1)
    np.save(written.directory / "pictures.npy", hashes)
    manifest = written.directory / "manifest.json"
    content = json.loads(manifest.read_text())
    content["checksums"]["pictures.npy"] = checksum(written.directory / "pictures.npy")
    del content["sha256"]
    manifest.write_text(json.dumps(content))
    with pytest.raises(DistillError, match="its lists of pictures are not those of its manifest"):
        check_all_files(Store.open(written.directory))


def test_another_teacher_is_not_asked(labelled: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, other = store(tmp_path / "s", shown(labelled)), CountingTeacher()
    monkeypatch.setattr(CountingTeacher, "fingerprint", lambda _: "another")
    with pytest.raises(DistillError, match="was answered by conv, fingerprint conv, and the teacher at hand"):
        ask_again(written, other, shown(labelled))
    assert other.shown == 0


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_answers_asked_again_are_spread_over_views_and_pictures(labelled: Prepared, count: int) -> None:
    pictures = shown(labelled)
    manifest = replace(manifest_of(CountingTeacher(), pictures), count=count)
    asked = dict(_spread(manifest))
    assert sum(map(len, asked.values())) == ASKED_AGAIN and None in asked
    for view, rows in asked.items():
        most = len(pictures.whole() if view is None else pictures.viewed())
        assert (np.diff(rows) > 0).all() and rows[0] >= 0 and rows[-1] < most
    if count > 1:
        of_views = {tuple(rows.tolist()) for view, rows in asked.items() if view is not None}
        assert len(of_views) > min(count, 33) / 2  # from view to view other pictures
