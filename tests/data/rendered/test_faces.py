"""Rendered faces: the same bytes in any batch, labels that are consistent and visible, splits that share nobody."""

from dataclasses import replace

import numpy as np
import pytest

from distill.data.rendered.face_attributes import CLASSES, PERSON, Faces, sample
from distill.data.rendered.faces import RenderedFaces
from distill.data.rendered.portrait import draw
from distill.data.rendered.rasterizer import Canvas, Pose, Window, oval
from distill.data.sources.source import Drawing
from distill.errors import DistillError

SOURCE = RenderedFaces()


@pytest.fixture(scope="module")
def described() -> Faces:
    return SOURCE.describe(np.arange(9000))


def test_a_picture_has_the_same_bytes_in_any_batch() -> None:
    indices = np.array([8999, 3, 4, 5, 700, 3, 0, 6500] * 12)
    pictures, labels, identities = SOURCE.render(indices, 48, 40)
    for n in range(8):
        alone = SOURCE.render(indices[n : n + 1], 48, 40)
        assert np.array_equal(pictures[n], alone[0][0])
        assert np.array_equal(labels[n], alone[1][0])
        assert identities[n] == alone[2][0]
    assert np.array_equal(pictures[:8], pictures[88:])


def test_another_seed_draws_other_pictures_and_labels() -> None:
    indices = np.arange(64)
    pictures, labels, _ = SOURCE.render(indices, 32, 32)
    others, other_labels, _ = replace(SOURCE, seed=1).render(indices, 32, 32)
    assert all((a != b).mean() > 0.5 for a, b in zip(pictures, others, strict=True))
    assert (labels != other_labels).any(axis=1).mean() > 0.95


def test_the_high_half_of_the_seed_counts() -> None:
    one, other = (sample(np.arange(4), np.arange(4), seed) for seed in (5, 5 + 2**32))
    assert not np.allclose(one.measures["skin"], other.measures["skin"])


def test_samples_list_what_render_draws() -> None:
    source = RenderedFaces(train=300, validation=7, test=12, people=40, seed=3)
    samples = list(source.samples(24, 32))
    pictures, labels, identities = source.render(np.arange(319), 24, 32)
    assert pictures.shape == (319, 24, 32, 3) and pictures.dtype == np.uint8
    assert np.array_equal(source.draw(np.arange(300, 319), 24, 32), pictures[300:])
    assert [s.split for s in samples] == ["train"] * 300 + ["validation"] * 7 + ["test"] * 12
    assert len({s.name for s in samples}) == 319
    for n, s in enumerate(samples):
        assert isinstance(s.picture, Drawing)
        assert s.picture.index == n and s.picture.renderer == source
        assert s.labels == tuple(labels[n]) and set(s.labels) <= {0, 1} and len(s.labels) == len(source.classes())
        assert s.identity == identities[n]


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        RenderedFaces(train=10, validation=3, test=5, people=18),
        RenderedFaces(train=7, validation=0, test=2, people=5),
    ],
)
def test_no_person_is_in_two_splits(source: RenderedFaces) -> None:
    counts = (source.train, source.validation, source.test)
    parts = np.split(source.identities(np.arange(sum(counts))), np.cumsum(counts)[:2])
    shown = [set(part.tolist()) for part in parts]
    assert sum(len(people) for people in shown) == len(set().union(*shown)) == source.people
    for part in parts:
        times = np.unique(part, return_counts=True)[1]
        assert len(part) == 0 or times.max() - times.min() <= 1


def test_a_person_keeps_face_and_colours_while_pose_and_expression_change(described: Faces) -> None:
    of_one = np.flatnonzero(SOURCE.identities(np.arange(6000)) == 17)
    assert len(of_one) == 3
    for name in PERSON:
        assert len(set(described.measures[name][of_one])) == 1, name
    for name in ("Male", "Young", "Bald", "Gray_Hair", "Blond_Hair", "Big_Nose", "Mustache", "Pale_Skin", "No_Beard"):
        assert len(set(described.has(name)[of_one])) == 1, name
    for name in ("yaw", "scale", "light_x", "shift_x"):
        assert len(set(described.measures[name][of_one])) == 3, name
    by_person = described.has("Smiling")[:6000].reshape(3, 2000)
    assert (by_person.any(axis=0) & ~by_person.all(axis=0)).mean() > 0.6, "three in four for a fair coin"


IMPLICATIONS = [
    ("Mustache", "Male"),
    ("Goatee", "Male"),
    ("Sideburns", "Male"),
    ("Bald", "Male"),
    ("Wearing_Necktie", "Male"),
]
EXCLUSIONS = [
    ("Young", "Gray_Hair"),
    ("Male", "Wearing_Lipstick"),
    ("Male", "Heavy_Makeup"),
    ("Bald", "Bangs"),
    ("Bald", "Wearing_Hat"),
    ("Bald", "Receding_Hairline"),
    ("Bald", "Wavy_Hair"),
    ("Bald", "Straight_Hair"),
    ("Bangs", "Receding_Hairline"),
    ("Bangs", "Wearing_Hat"),
    ("Receding_Hairline", "Wearing_Hat"),
    ("Wavy_Hair", "Straight_Hair"),
    ("Wearing_Necklace", "Wearing_Necktie"),
]


def test_attributes_never_contradict_each_other(described: Faces) -> None:
    for cause, effect in IMPLICATIONS:
        assert described.has(cause).any() and not (described.has(cause) & ~described.has(effect)).any(), (cause, effect)
    for one, other in EXCLUSIONS:
        assert not (described.has(one) & described.has(other)).any(), (one, other)
    hair = sum(described.has(f"{colour}_Hair").astype(int) for colour in ("Black", "Blond", "Brown", "Gray"))
    assert hair.max() == 1 and not hair[described.has("Bald")].any()
    beards = described.has("Mustache") | described.has("Goatee") | described.has("Sideburns")
    assert np.array_equal(described.has("No_Beard"), ~beards)


def test_attributes_go_together_as_in_life(described: Faces) -> None:
    def share(of: str, among: np.ndarray) -> float:
        return float(described.has(of)[among].mean())

    male, young, makeup, smiling = (described.has(name) for name in ("Male", "Young", "Heavy_Makeup", "Smiling"))
    assert share("Wearing_Lipstick", makeup) > 2 * share("Wearing_Lipstick", ~male & ~makeup)
    assert share("Wearing_Earrings", ~male) > 3 * share("Wearing_Earrings", male)
    assert share("Bags_Under_Eyes", ~young) > 2 * share("Bags_Under_Eyes", young)
    assert share("Mouth_Slightly_Open", smiling) > 1.5 * share("Mouth_Slightly_Open", ~smiling)


def test_every_attribute_is_common_enough_to_measure(described: Faces) -> None:
    assert len(CLASSES) == len(set(CLASSES)) >= 20
    for name in CLASSES:
        for split in (slice(0, 6000), slice(6000, 7000), slice(7000, 9000)):
            assert 0.06 < described.has(name)[split].mean() < 0.8, name
        assert 0.08 < described.has(name).mean() < 0.75, name


@pytest.mark.parametrize("name", CLASSES)
def test_an_attribute_alone_changes_the_picture(name: str, described: Faces) -> None:
    """On portraits that have it, taking away nothing but the label changes pixels plainly, and not all over."""
    having = np.flatnonzero(described.has(name))[:24]
    faces = described[having]
    labels = faces.labels.copy()
    labels[:, CLASSES.index(name)] = False
    change = np.abs(draw(faces, 64, 64).astype(int) - draw(replace(faces, labels=labels), 64, 64)).max(axis=3)
    plainly = (change > 12).sum(axis=(1, 2))
    assert np.median(plainly) >= 12, "visible on at least a dozen of the 4096 pixels"
    assert plainly.max() < 2048, "the rest of the portrait stays"


def test_the_wall_behind_does_not_depend_on_labels(described: Faces) -> None:
    faces = described[:32]
    corner = draw(faces, 64, 64)[:, :4, :4]
    assert np.array_equal(corner, draw(replace(faces, labels=~faces.labels), 64, 64)[:, :4, :4])


def test_no_shape_is_cut_by_its_window(described: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows twice as wide give the same bytes: every shape lies within the reach stated for it."""
    faces = described[np.arange(0, 9000, 30)]
    pictures = draw(faces, 64, 64)
    narrow = Canvas.window

    def wide(self: Canvas, rows: np.ndarray, u: np.ndarray, v: np.ndarray, reach_u: float, reach_v: float) -> Window:
        return narrow(self, rows, u, v, 2 * reach_u, 2 * reach_v)

    monkeypatch.setattr(Canvas, "window", wide)
    assert np.array_equal(pictures, draw(faces, 64, 64))


def still(x: float, y: float, scale: float) -> Pose:
    x_, y_, scale_, one, zero = (np.array([value], np.float32) for value in (x, y, scale, 1, 0))
    return Pose(x_, y_, one, zero, scale_, largest_scale=scale, largest_sine=0.0)


def test_a_disc_is_antialiased_and_has_its_area() -> None:
    planes = np.zeros((1, 3, 40, 40), np.float32)
    canvas = Canvas(planes, still(19.3, 20.6, 10.0))
    zero = np.zeros(1, np.float32)
    window = canvas.window(np.array([0]), zero, zero, 1.2, 1.2)
    canvas.paint(window, window.edge(window.ellipse(1.0, 1.0)), np.ones((1, 3), np.float32))
    assert planes[0, 0].sum() == pytest.approx(np.pi * 100, rel=0.01)
    x, y = np.meshgrid(np.arange(40) + 0.5 - 19.3, np.arange(40) + 0.5 - 20.6)
    expected = np.clip(10 - np.sqrt(x * x + y * y) + 0.5, 0, 1)
    assert np.abs(planes[0, 1] - expected).max() < 0.03
    between = (planes[0, 0] > 0.02) & (planes[0, 0] < 0.98)
    assert 40 < between.sum() < 100, "about one pixel of soft edge along a circle of 63 pixels"


def test_the_distance_to_an_ellipse_is_right_near_its_outline() -> None:
    angle = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    outline = np.stack([0.8 * np.cos(angle), 0.3 * np.sin(angle)])
    normal = np.stack([np.cos(angle) / 0.8, np.sin(angle) / 0.3])
    normal /= np.sqrt((normal**2).sum(axis=0))
    for distance in (-0.02, 0.0, 0.02):
        u, v = outline - distance * normal
        assert np.abs(oval(u, v, 0.8, 0.3) - distance).max() < 0.006
    assert oval(np.zeros(1), np.zeros(1), 0.8, 0.3)[0] > 0.3


@pytest.mark.parametrize("corner", [(0.0, 0.0), (30.0, 2.0), (-3.0, 15.0), (15.0, 33.0)])
def test_a_shape_at_the_border_is_cut_not_moved(corner: tuple[float, float]) -> None:
    """What lies on the small picture is what a larger one shows there."""
    zero = np.zeros(1, np.float32)
    pictures = []
    for margin in (0, 20):
        planes = np.zeros((1, 3, 30 + 2 * margin, 30 + 2 * margin), np.float32)
        canvas = Canvas(planes, still(corner[0] + margin, corner[1] + margin, 6.0))
        window = canvas.window(np.array([0]), zero, zero, 1.0, 1.0)
        canvas.paint(window, window.edge(window.box(0.9, 0.6)), np.ones((1, 3), np.float32))
        pictures.append(planes[0, 0, margin : margin + 30, margin : margin + 30])
    assert pictures[0].sum() > 5
    assert np.allclose(pictures[0], pictures[1], atol=1e-4)


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"train": -1}, "train"),
        ({"people": 0}, "people"),
        ({"people": 9001}, "people"),
        ({"train": 1000, "validation": 1, "people": 20}, "validation"),
        ({"seed": -1}, "seed"),
        ({"train": 0, "validation": 0, "test": 0}, "people"),
    ],
)
def test_keys_that_cannot_be_met_are_refused(keys: dict[str, int], named: str) -> None:
    with pytest.raises(DistillError, match=named):
        RenderedFaces(**keys)
