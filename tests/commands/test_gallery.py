"""`distill gallery` enrols people from photographs and looks others up, as plain numpy does by the file's numbers."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from distill import cli
from distill.gallery.gallery import EnrolledGallery
from distill.predictors.open import open_predictor
from distill.preprocess.preprocess import Preprocess
from tests.helpers.graphs import projection_graph

HEIGHT, WIDTH = 56, 48  # of the prepared pictures of the helper's graph


def face(person: int, number: int, noise: float = 40.0) -> np.ndarray:
    """uint8 (56, 48, 3): soft blobs that are the person's, and some of its own."""
    generators = np.random.default_rng([person]), np.random.default_rng([person, number + 1])
    own = generators[0].normal(128, 60, (7, 6, 3)) + generators[1].normal(0, noise, (7, 6, 3))
    return own.clip(0, 255).astype(np.uint8).repeat(8, axis=0).repeat(8, axis=1)


def photographs(root: Path, people: dict[str, tuple[int, range]]) -> Path:
    """A folder a person, each with the number of a face, and the numbers of its photographs."""
    for name, (person, numbers) in people.items():
        (root / name).mkdir(parents=True)
        for number in numbers:
            Image.fromarray(face(person, number)).save(root / name / f"{number}.png")
    return root


KNOWN = {"Zoë Ü": (0, range(3)), "bob": (1, range(1)), "Ann": (2, range(2))}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model, people to enroll, people who are not, and photographs to look up; commands run there."""
    monkeypatch.chdir(tmp_path)
    projection_graph(tmp_path / "student.onnx", "embedding", outputs=16)
    photographs(tmp_path / "people", KNOWN)
    photographs(tmp_path / "strangers", {f"s{person}": (person, range(2)) for person in range(100, 160)})
    photographs(tmp_path / "shown", {"a": (0, range(10, 13)), "b": (1, range(10, 13)), "c": (200, range(3))})
    return tmp_path


def gallery(*arguments: str) -> int:
    return cli.main(["gallery", *arguments])


def enrolled(*more: str) -> EnrolledGallery:
    assert gallery("enroll", "g", "people", "--model", "student.onnx", *more) == 0
    return EnrolledGallery.open(Path("g"))


def searched(*more: str) -> list[list[str]]:
    assert gallery("search", "g", "shown", "--model", "student.onnx", "--csv", "out.csv", *more) == 0
    with Path("out.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line of a command that is refused."""
    capsys.readouterr()
    assert gallery(*arguments) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("distill gallery: ")]
    assert len(said) == 1
    return said[0]


def vector(*faces: np.ndarray) -> np.ndarray:
    """Unit vectors by hand: the kernel of the file's metadata, and the product that its graph is."""
    small = Preprocess.resizing(14, 10, "bicubic").resize(torch.from_numpy(np.stack(faces))).numpy()
    weight = np.random.default_rng(0).normal(size=(14 * 10 * 3, 16)) / 500
    raw = (small.astype(np.float64) - 128).reshape(len(small), -1) @ weight
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def plain_people(keep: str) -> dict[str, np.ndarray]:
    people = {}
    for name, (person, numbers) in KNOWN.items():
        vectors = vector(*(face(person, number) for number in numbers))
        mean = vectors.mean(axis=0, keepdims=True)
        people[name] = vectors if keep == "each" else mean / np.linalg.norm(mean)
    return people


@pytest.mark.parametrize("keep", ["mean", "each"])
def test_people_are_enrolled_and_photographs_named(keep: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = enrolled("--keep", keep, "--strangers", "strangers")
    people = plain_people(keep)
    assert list(opened.manifest.people) == sorted(KNOWN) and opened.manifest.photographs == (2, 3, 1)
    np.testing.assert_allclose(opened.vectors, np.concatenate([people[name] for name in sorted(KNOWN)]), atol=1e-5)

    strangers = vector(*(face(person, number) for person in range(100, 160) for number in range(2)))
    everybody = np.concatenate(list(people.values()))
    refused_score = sorted((strangers @ everybody.T).max(axis=1), reverse=True)[12]  # a tenth of 120 may pass
    assert opened.manifest.fpirs["0.1"] == pytest.approx(refused_score, abs=1e-5)

    head, *rows = searched("--fpir", "0.1", "--best", "2")
    assert head == ["file", "name", "person_1", "cosine_1", "person_2", "cosine_2"]
    shown = [(name, number) for name in "abc" for number in (range(3) if name == "c" else range(10, 13))]
    assert [row[0] for row in rows] == sorted(f"{name}/{number}.png" for name, number in shown)
    for file, name, *cells in rows:
        person = {"a": 0, "b": 1, "c": 200}[file[0]]
        probe = vector(face(person, int(file[2:].removesuffix(".png"))))[0]
        best = {known: float((vectors @ probe).max()) for known, vectors in people.items()}
        first, second = sorted(best, key=lambda known: -best[known])[:2]
        assert cells[::2] == [first, second]
        assert [float(cell) for cell in cells[1::2]] == pytest.approx([best[first], best[second]], abs=1e-4)
        assert name == (first if best[first] > refused_score else "unknown")
    assert {row[1] for row in rows} == {"Zoë Ü", "bob", "unknown"}
    said = capsys.readouterr().out
    assert f"unknown below a cosine of {refused_score:.4f}: FPIR 0.1, measured on 120 photographs" in " ".join(
        said.split()
    )


def test_adding_replaces_and_removing_takes_out(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = enrolled()
    photographs(place / "more", {"bob": (7, range(2)), "Eve": (8, range(1))})
    assert gallery("enroll", "g", "more", "--model", "student.onnx") == 0
    after = EnrolledGallery.open(Path("g"))
    assert after.manifest.people == ("Ann", "Eve", "Zoë Ü", "bob") and after.manifest.photographs == (2, 1, 3, 2)
    assert np.array_equal(after.vectors[[0, 2]], before.vectors[[0, 1]])
    assert gallery("remove", "g", "Zoë Ü", "Eve") == 0
    assert EnrolledGallery.open(Path("g")).manifest.people == ("Ann", "bob")
    assert "nobody there is called 'Bob'. Did you mean bob" in refused(capsys, "remove", "g", "Bob")
    assert "nobody there is called '../bob'" in refused(capsys, "remove", "g", "../bob")
    assert "nobody would be left" in refused(capsys, "remove", "g", "Ann", "bob")
    assert "no gallery" in refused(capsys, "remove", "nowhere", "Ann") and not Path("nowhere").exists()


def test_one_person_one_picture_and_a_photograph_twice(place: Path) -> None:
    photographs(place / "one", {"Ann": (2, range(1))})
    assert gallery("enroll", "g", "one", "--model", "student.onnx") == 0
    shutil.copy(place / "shown" / "a" / "10.png", place / "shown" / "c" / "again.png")
    rows = searched("--far", "0.01")  # of the file: 0.6
    by_name = {row[0]: row[1:] for row in rows[1:]}
    assert len(rows) == 11 and by_name["c/again.png"] == by_name["a/10.png"]
    for name, cosine in ((row[1], float(row[3])) for row in rows[1:]):
        assert name == ("Ann" if cosine >= 0.6 else "unknown")
    assert gallery("search", "g", "people/Ann/0.png", "--model", "student.onnx", "--csv", "out.csv") == 0
    assert Path("out.csv").read_text().splitlines()[1] == "0.png,Ann,Ann,1.0000"


def test_somebody_without_a_photograph_is_named_and_nobody_enrolled(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "people" / "Kim").mkdir()
    (place / "people" / "Lee").mkdir()
    (place / "people" / "Lee" / "a.jpg").write_bytes(b"\xff\xd8 no picture")
    said = refused(capsys, "enroll", "g", "people", "--model", "student.onnx")
    assert "2 of 5 people have no photograph that can be used: Kim (no file named" in said
    assert "Lee (Lee/a.jpg: not a picture" in said and not Path("g").exists()
    (place / "people" / "Kim").rmdir()
    Image.fromarray(face(9, 0)).save(place / "people" / "Lee" / "b.png")
    enrolled()
    assert "left out: Lee/a.jpg: not a picture" in capsys.readouterr().err


def test_a_photograph_of_two_people_is_of_neither(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(place / "people" / "bob" / "0.png", place / "people" / "Ann" / "9.png")
    said = refused(capsys, "enroll", "g", "people", "--model", "student.onnx")
    assert "1 of 3 people have no photograph that can be used: bob (" in said
    assert "bob/0.png: the same photograph as Ann/9.png, of somebody else" in said
    photographs(place / "more", {"bob": (1, range(1, 2))})
    shutil.copy(place / "more" / "bob" / "1.png", place / "people" / "bob")
    assert enrolled().manifest.photographs == (2, 3, 1)
    assert "left out: Ann/9.png: the same photograph as bob/0.png" in " ".join(capsys.readouterr().err.split())
    (place / "wrecks").mkdir()
    (place / "wrecks" / "a.png").write_bytes(b"no picture")
    said = refused(capsys, "search", "g", "wrecks", "--model", "student.onnx")
    assert "PHOTOGRAPHS: wrecks: photographs: 1 of 1 pictures are bad (100.00%), none is left: a.png: not a pic" in said
    assert not said.endswith(".csv.")


@pytest.mark.parametrize(("name", "why"), [("Unknown", "strangers are called unknown"), (" Kim", "no space at its")])
def test_a_name_that_nobody_can_have(name: str, why: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photographs(place / "people", {name: (3, range(1))})
    assert why in refused(capsys, "enroll", "g", "people", "--model", "student.onnx")


def test_what_is_no_folder_of_people(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = ("--model", "student.onnx")
    Image.fromarray(face(3, 0)).save(place / "people" / "stray.png")
    assert "holds photographs of no person, stray.png" in refused(capsys, "enroll", "g", "people", *model)
    assert "PEOPLE: nowhere is not a directory" in refused(capsys, "enroll", "g", "nowhere", *model)
    (place / "empty").mkdir()
    assert "PEOPLE: empty holds no picture" in refused(capsys, "enroll", "g", "empty", *model)
    assert "shown holds a" not in refused(capsys, "search", "shown", "shown", *model)


def test_another_model_is_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enrolled()
    projection_graph(place / "other.onnx", "embedding", outputs=12)
    said = refused(capsys, "search", "g", "shown", "--model", "other.onnx")
    assert "g: was enrolled by another model than other.onnx" in said
    assert "enrolled by student.onnx, a file of another" in refused(
        capsys, "enroll", "g", "people", "--model", "other.onnx"
    )
    projection_graph(place / "classes.onnx", "softmax")
    assert "expected embeddings" in refused(capsys, "enroll", "g", "people", "--model", "classes.onnx")
    assert "of which run?" in refused(capsys, "search", "g", "shown", "--model", "teacher")
    shutil.copy("student.onnx", "renamed.onnx")
    assert gallery("search", "g", "shown", "--model", "renamed.onnx") == 0


def test_thresholds_that_were_not_measured_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enrolled()
    look = ("search", "g", "shown", "--model", "student.onnx")
    assert "--fpir 0.01: g has no threshold of that rate (measured: none)" in refused(capsys, *look, "--fpir", "0.01")
    assert "--far 0.001: g has no threshold" in refused(capsys, *look, "--far", "0.001")
    assert "FPIR 0.001 cannot be measured on 120" in refused(
        capsys, *look, "--strangers", "strangers", "--fpir", "0.001"
    )
    assert "--best is 4, and g has 3 people" in refused(capsys, *look, "--best", "4")
    assert "--keep is each, and g keeps mean" in refused(
        capsys, "enroll", "g", "people", "--model", "student.onnx", "--keep", "each"
    )
    assert "--color: no argument" in refused(capsys, *look, "--color", "red")


def test_faces_are_aligned_as_a_recipe_says(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = enrolled().vectors
    shutil.rmtree("g")
    said = refused(capsys, "enroll", "g", "people", "--model", "student.onnx", "--align", "nowhere.csv")
    assert "nowhere.csv: no such file; expected a CSV of landmarks" in said
    names = [f"{name}/{number}.png" for name, (_, numbers) in KNOWN.items() for number in numbers]
    points = [f"{name},16,22,31,22,24,31,18,39,30,39" for name in names]
    (place / "points.csv").write_text("\n".join(["file,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5", *points]), encoding="utf-8")
    aligned = enrolled("--align", "points.csv")
    assert aligned.vectors.shape == plain.shape and not np.allclose(aligned.vectors, plain, atol=0.05)


def test_approximate_search_tells_its_recall(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = enrolled("--index", "hnsw")
    assert opened.graph is not None and opened.manifest.recall == 1.0
    assert "approximate search finds 1.0000 of the 10 most alike" in capsys.readouterr().out
    rows = searched("--far", "0.01")
    shutil.rmtree("g")
    enrolled()
    assert searched("--far", "0.01") == rows


def test_the_model_is_told_by_its_files_alone(place: Path) -> None:
    from distill.gallery.model import Embedder

    one = Embedder.open(place / "student.onnx")
    assert one.picture == (HEIGHT, WIDTH) == open_predictor(place / "student.onnx").picture
    shutil.copy(place / "student.onnx", place / "b.onnx")
    assert Embedder.open(place / "b.onnx").fingerprint == one.fingerprint
