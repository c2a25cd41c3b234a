"""What a set's faces are called, and how many of each kind cannot be used."""

from pathlib import Path

from distill.faces.found import Found, further


def test_kinds_are_counted_in_their_order() -> None:
    reasons = {"a": "face: small, 3 pixels", "b": "face: none found (best score 0.1)", "c": "face: small, 4 pixels"}
    assert Found(Path("d.onnx"), {}, reasons, {}, 3, 0).kinds == {"none found": 1, "small": 2}


def test_the_first_face_has_the_name_of_its_photograph() -> None:
    assert [further("a.jpg", number) for number in (1, 2, 3)] == ["a.jpg", "a.jpg#2", "a.jpg#3"]
