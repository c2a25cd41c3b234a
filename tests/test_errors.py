"""A message repeats little of what others wrote, wherever it is made."""

import pickle
from pathlib import Path

import pytest

from distill import cli
from distill.errors import NAMED, DistillError, OutputsError, echo, few

LONG = "Zq" * 2_500
BLANKS = "Zq " * 1_600


def echoed(message: str) -> int:
    """Letters of the long names in a message, which no sentence of ours has."""
    return message.count("Zq") * 2


@pytest.mark.parametrize("kind", [DistillError, OutputsError])
@pytest.mark.parametrize("value", [LONG, f"'{BLANKS}'", f'"{BLANKS}"', f"/data/{LONG}/{LONG}.jpg"])
def test_of_a_long_value_the_beginning_and_the_end_are_said(kind: type[DistillError], value: str) -> None:
    message = str(kind(f"the user's file: {value}: no such column, but the data's 'a.' and 'b'. Name it."))
    assert 100 < echoed(message) <= 200
    assert message.startswith("the user's file: ") and message.endswith(
        ": no such column, but the data's 'a.' and 'b'. Name it."
    )
    assert str(pickle.loads(pickle.dumps(kind(message)))) == message == str(kind(message))


@pytest.mark.parametrize(
    "message",
    [
        f"/data/{BLANKS}/a.csv: no such file. Name it.",
        f"/data/{BLANKS}: no such file, but '{LONG}' and {LONG}. Name it.",
        f"data.csv: no column {echo(BLANKS)} only {few([repr(LONG), LONG])}. Name it.",
        f"data.csv: no picture of it lies in /data.d/{BLANKS}/a, nor in /data.d/{BLANKS}. Name it.",
        "data.csv: none of " + ", ".join(f"{LONG}{number}" for number in range(30)) + ". Name it.",
    ],
    ids=["path", "path and names", "echoed", "paths inside", "many"],
)
def test_all_values_of_a_message_have_200_characters_together(message: str) -> None:
    cut = str(DistillError(message))
    assert 100 < echoed(cut) <= 200 and cut.endswith(". Name it.") and len(cut) < 480


def test_paths_as_people_have_them_stay_whole() -> None:
    place = "/home/somebody/" + "a folder of theirs/" * 8
    words = f"{place}a.csv: 3 of the pictures of '{place}' are not in {place}images. Run: python -c 'x({place!r})'."
    assert str(DistillError(words)) == words


def test_a_short_value_stays_whole_beside_a_long_one() -> None:
    cut = str(DistillError(f"{LONG}: no column 'age' of 'people.csv'."))
    assert "no column 'age' of 'people.csv'." in cut and 150 < echoed(cut) <= 200


def test_sentences_of_ours_stay_as_they_are() -> None:
    words = "a sentence of the teacher's 'x.' and " + "words " * 60 + "that end with 'y' and the user's own 'z'."
    assert str(DistillError(words)) == words


def test_a_message_ends() -> None:
    assert len(str(DistillError("word " * 10_000))) < 2_100


def test_of_names_the_first_are_said() -> None:
    assert few(["a", "b"]) == "a, b" and few([]) == "" and few(iter([1, 2])) == "1, 2"
    assert len(few([BLANKS])) < NAMED + 10 and len(few(["name"] * 10_000)) < NAMED + 10
    assert few(["name"] * 10_000).endswith("(cut)") and echo(LONG).endswith("(cut)")


COLUMNS = ",".join(f"{LONG}{number}" for number in range(40))


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", LONG],
        ["run", f"{LONG}.yaml"],
        ["run", "own.yaml"],
        ["run", "face_attributes", f"--{LONG}", "1"],
        ["run", "face_attributes", f"--data.{LONG}", "1"],
        ["run", "face_attributes", "--data", LONG],
        ["run", "face_attributes", "--student", BLANKS],
        ["run", "face_attributes", "--stages", f"[{LONG}]"],
        ["run", "face_attributes", "--export.formats", f"[{LONG},{LONG}]"],
        ["run", "face_attributes", "--data.train", LONG],
        ["run", "face_attributes", "--data", "table", "--data.csv", "wide.csv", "--data.label", BLANKS],
        ["run", "face_attributes", "--data", "table", "--data.csv", "wide.csv"],
        ["run", "face_attributes", "--data", "table", "--data.csv", "wide.csv", "--data.file", "x"],
        ["run", "face_attributes", "--data", "celeba", "--data.root", LONG],
        ["run", "face_attributes", "--data", "hub", "--data.path", f"/{LONG}"],
        ["run", "stanford_dogs", "--data", "class_folders", "--data.root", f"/{BLANKS}"],
        ["run", "face_embeddings", "--evaluate.lfw", "lfw"],
        ["inspect", LONG],
        ["init", LONG, "--teacher", LONG],
        ["init", "wide.csv", "--teacher", "wide.csv", "--task", LONG],
        ["cost", LONG],
        ["predict", LONG, LONG],
        ["evaluate", "face_attributes", "--model", LONG],
        ["export", LONG],
        ["push", LONG, LONG],
        ["sweep", "face_attributes", "--student.width", LONG],
        [LONG],
        ["cost", "mobilenet_v1", f"--{LONG}"],
    ],
    ids=lambda words: " ".join(word[:12] for word in words),
)
@pytest.mark.parametrize("blanks", [False, True], ids=["", "blanks"])
def test_no_command_repeats_more_than_a_little(
    arguments: list[str],
    blanks: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if blanks:
        arguments = [word.replace(LONG, BLANKS) for word in arguments]
    (tmp_path / "wide.csv").write_text(f"{COLUMNS}\n{COLUMNS}\n")
    (tmp_path / "own.yaml").write_text(f"task: classes\n{BLANKS.replace(' ', '_')}: {{name: {LONG}}}\n")
    (tmp_path / "lfw" / "images" / "A").mkdir(parents=True)
    (tmp_path / "lfw" / "pairs.csv").write_text(f"{COLUMNS}\n")
    try:
        assert cli.main(arguments) == 2
    except SystemExit as ended:
        assert ended.code == 2
    said = capfd.readouterr()
    assert said.err and echoed(said.err) <= 200, said.err[:3000]
