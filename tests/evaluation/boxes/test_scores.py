"""The twelve numbers against pycocotools, their resamples, and what is absent."""

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from distill.data.sources.coco import Coco
from distill.data.sources.voc import Voc
from distill.errors import DistillError
from distill.evaluation.bootstrap import bootstrap, percentile_interval
from distill.evaluation.boxes import scores as box_scores
from distill.evaluation.boxes.boxes import DetectedBoxes, TrueBoxes, picture_of
from distill.evaluation.boxes.matching import match
from distill.evaluation.boxes.scores import METRICS, BoxScores, compare_boxes, evaluate_boxes
from tests.helpers.box_sets import CLASSES, pycocotools_says, random_set, repeated, without_ties

BOXES = ("boxes", "box_classes", "box_ignored")


def scored(detected: DetectedBoxes, truths: TrueBoxes, seed: int = 0, resamples: int = 20) -> BoxScores:
    return evaluate_boxes(match(detected, truths, CLASSES), seed=seed, resamples=resamples)


def twelve(scores: BoxScores) -> np.ndarray:
    return np.array([scores.metrics.get(name, np.nan) for name in METRICS])


@pytest.mark.parametrize(
    "seeds", [range(30), pytest.param(range(30, 1030), marks=pytest.mark.long)], ids=["some", "a thousand"]
)
def test_equal_to_pycocotools(seeds: range) -> None:
    for seed in seeds:
        detected, truths = random_set(seed)
        if len(detected.boxes) and not truths.ignored.all():  # of nothing detected pycocotools can read nothing
            expected, _ = pycocotools_says(detected, truths)
            np.testing.assert_allclose(twelve(scored(detected, truths)), expected, atol=1e-6, err_msg=f"set {seed}")


def test_resamples_are_scores_of_the_pictures_drawn() -> None:
    """Drawn once each they are the score itself, to the last bit; else what pycocotools says of the pictures drawn."""
    detected, truths = random_set(3)
    detected = without_ties(detected)
    scores = scored(detected, truths, seed=5, resamples=20)
    drawn = bootstrap(lambda counts: counts, 8, seed=5, resamples=20)
    for row in range(0, 20, 5):
        expected, _ = pycocotools_says(*repeated(detected, truths, drawn[row]))
        found = [scores.resampled[name][row] if name in scores.metrics else np.nan for name in METRICS]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_every_picture_once_is_the_score_to_the_last_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        box_scores, "bootstrap", lambda statistics, pictures, **_: statistics(np.ones((3, pictures), np.int32))
    )
    for seed in range(8):
        scores = scored(*random_set(seed))
        assert {name: values.tolist() for name, values in scores.resampled.items()} == {
            name: [value] * 3 for name, value in scores.metrics.items()
        }


def test_what_is_absent_is_named() -> None:
    detected, truths = random_set(3, pictures=40)
    small = (truths.boxes[:, 2:] - truths.boxes[:, :2]).prod(axis=1) <= 32**2
    scores = scored(detected, replace(truths, ignored=truths.ignored | small))
    assert scores.unmeasured == ("owl", "small")
    assert set(METRICS) - set(scores.metrics) == {"AP small", "AR small"}
    assert set(scores.by_class) == set(CLASSES) - {"owl"}
    assert np.mean([entry["ap"] for entry in scores.by_class.values()]) == pytest.approx(scores.metrics["AP"])


def test_nothing_detected_scores_nothing() -> None:
    _, truths = random_set(1)
    nothing = DetectedBoxes(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), np.zeros(9, int))
    scores = scored(nothing, truths)
    assert set(scores.metrics.values()) == {0.0}
    assert scores.counts["detections"] == 0


def test_counts_and_plain_json() -> None:
    detected, truths = random_set(2)
    scores = scored(detected, truths, resamples=50)
    written = json.loads(json.dumps(scores.to_dict()))
    assert list(written) == ["metrics", "intervals", "counts", "per_class", "unmeasured"]
    assert written["counts"] == {
        "pictures": 8,
        "boxes": int((~truths.ignored).sum()),
        "ignored": int(truths.ignored.sum()),
        "detections": len(detected.boxes),
        "classes": 3,
    }
    for name, value in scores.metrics.items():
        low, high = scores.intervals[name]
        assert 0 <= low <= high <= 1
        assert low <= value <= high or name.startswith("AR")


def test_the_difference_is_of_the_same_draws() -> None:
    detected, truths = random_set(4, pictures=40)
    worse = replace(detected, scores=np.random.default_rng(0).random(len(detected.scores)))
    student, teacher = (scored(boxes, truths, resamples=200) for boxes in (worse, detected))
    found = compare_boxes(student, teacher)
    assert found.to_dict()["AP"] == student.metrics["AP"] - teacher.metrics["AP"]
    low, high = found.interval
    assert low <= found.difference <= high
    # Paired, the difference is surer than the two intervals by themselves.
    alone = sum(np.diff(percentile_interval(scores.resampled["AP"]))[0] for scores in (student, teacher))
    assert high - low < alone
    assert compare_boxes(teacher, teacher, "AR@10").interval == (0, 0)


@pytest.mark.parametrize("other", [{"seed": 1}, {"resamples": 3}])
def test_models_scored_otherwise_are_not_compared(other: dict[str, int]) -> None:
    detected, truths = random_set(4)
    with pytest.raises(DistillError, match="different pictures, boxes, seeds"):
        compare_boxes(scored(detected, truths, **other), scored(detected, truths))
    moved = replace(truths, boxes=truths.boxes + 1)
    with pytest.raises(DistillError, match="different pictures, boxes, seeds"):
        compare_boxes(scored(detected, moved), scored(detected, truths))


def read_by(source: Coco | Voc) -> TrueBoxes:
    """The test pictures of a source, by name."""
    samples = sorted((one for one in source.samples(0, 0) if one.split == "test"), key=lambda one: one.name)
    number = [CLASSES.index(name) if name in CLASSES else -1 for name in source.classes()]
    rows = {name: np.concatenate([one.targets[name] for one in samples]) for name in BOXES}
    offsets = np.cumsum([0, *(len(one.targets["boxes"]) for one in samples)])
    return TrueBoxes(rows["boxes"], np.array(number)[rows["box_classes"]], rows["box_ignored"], offsets)


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_through_the_reader_of_voc_difficult_boxes_are_crowds(seed: int, tmp_path: Path) -> None:
    detected, truths = random_set(seed)
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (tmp_path / folder).mkdir(parents=True)
    for picture in range(8):
        objects = []
        for row in range(truths.offsets[picture], truths.offsets[picture + 1]):
            x, y, right, low = truths.boxes[row].astype(int)
            sides = {"xmin": x + 1, "ymin": y + 1, "xmax": right, "ymax": low}  # from 1, the last one inside
            edges = "".join(f"<{side}>{value}</{side}>" for side, value in sides.items())
            told = f"<difficult>{int(truths.ignored[row])}</difficult><bndbox>{edges}</bndbox>"
            objects.append(f"<object><name>{CLASSES[truths.classes[row]]}</name>{told}</object>")
        size = "<size><width>500</width><height>500</height><depth>3</depth></size>"
        (tmp_path / f"Annotations/{picture}.xml").write_text(f"<annotation>{size}{''.join(objects)}</annotation>")
        (tmp_path / f"JPEGImages/{picture}.jpg").touch()
    (tmp_path / "ImageSets/Main/test.txt").write_text("\n".join(map(str, range(8))))
    read = read_by(Voc(root=tmp_path, train=None, validation=None))
    expected, _ = pycocotools_says(detected, truths)
    np.testing.assert_allclose(twelve(scored(detected, read)), expected, atol=1e-6)


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_through_the_reader_of_coco_as_pycocotools_reads_the_same_file(seed: int, tmp_path: Path) -> None:
    detected, truths = random_set(seed)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "val2017").mkdir()
    ids = [1, 13, 44, 90]
    images = [{"id": 5 + 3 * at, "file_name": f"{at}.jpg", "width": 500, "height": 500} for at in range(8)]
    annotations = []
    for row, (picture, box) in enumerate(zip(picture_of(truths.offsets), truths.boxes.tolist(), strict=True)):
        left, top, width, height = box[0], box[1], box[2] - box[0], box[3] - box[1]
        annotations.append(
            {
                "id": row + 1,
                "image_id": images[picture]["id"],
                "category_id": ids[truths.classes[row]],
                "bbox": [left, top, width, height],
                "area": width * height,
                "iscrowd": int(truths.ignored[row]),
            }
        )
    for image in images:
        (tmp_path / "val2017" / image["file_name"]).touch()
    categories = [{"id": number, "name": name} for number, name in zip(ids, CLASSES, strict=True)]
    content = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    file = tmp_path / "annotations/instances_val2017.json"
    file.write_text(json.dumps(content))
    found = [
        {
            "image_id": images[picture]["id"],
            "category_id": ids[number],
            "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
            "score": score,
        }
        for picture, number, box, score in zip(
            picture_of(detected.offsets), detected.classes, detected.boxes.tolist(), detected.scores, strict=True
        )
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(file))
        evaluator = COCOeval(data, data.loadRes(found), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    read = read_by(Coco(root=tmp_path, train=None))
    expected = np.where(evaluator.stats < 0, np.nan, evaluator.stats)
    np.testing.assert_allclose(twelve(scored(detected, read)), expected, atol=1e-6)
