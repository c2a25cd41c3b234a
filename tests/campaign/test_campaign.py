"""The campaign in short, and that it sees what it is there to see."""

import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import pytest

from distill.errors import DistillError
from tests.campaign.bits import damage, judged
from tests.campaign.faults import _wrong
from tests.campaign.fuzz import _outcome
from tests.campaign.mutate import flipped, json_of, text_of, yaml_of
from tests.campaign.payloads import MARKER, payloads
from tests.campaign.record import Outcome, Record, lines, summary
from tests.campaign.scenarios import Scenario
from tests.campaign.server import Ended
from tests.campaign.sets import array_of
from tests.campaign.targets import Target
from tests.campaign.trees import differences, tree_of

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes are watched as Linux lets them be")
def test_a_little_of_each_kind(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.campaign",
        "short",
        "--log",
        str(tmp_path / "log"),
        "--place",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {one["kind"] for one in lines(tmp_path / "log")} == {"kills", "faults", "bits", "fuzz"}
    assert list(tmp_path.iterdir()) == [tmp_path / "log"]


_FAILING = """
import errno, os, pathlib
from tests.campaign.operations import Operations
seen = []
def act(kind, number, path):
    seen.append(kind)
    if (kind, number) in (("write", 2), ("rename", 1), ("fsync", 1), ("read", 2)):
        raise OSError(errno.EIO, "broken", path)
Operations(pathlib.Path.cwd(), act).install()
failed = []
def attempt(name, function):
    try:
        function()
    except OSError as error:
        failed.append(name)
attempt("first", lambda: pathlib.Path("a").write_text("1"))
attempt("second", lambda: pathlib.Path("b").write_text("2"))
attempt("rename", lambda: os.replace("a", "c"))
attempt("again", lambda: os.replace("a", "c"))
with open("d", "w") as file:
    attempt("fsync", lambda: os.fsync(file.fileno()))
attempt("read", lambda: pathlib.Path("c").read_bytes())
pathlib.Path("/tmp").stat(); open("/dev/null", "w").close()
print(failed, seen.count("open"), pathlib.Path("c").exists())
"""


def test_operations_are_counted_and_failed_before_they_are_done(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _FAILING], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "['second', 'rename', 'fsync', 'read'] 3 True\n"


def test_what_differs_between_two_directories_is_named(tmp_path: Path) -> None:
    for name, files in {"one": "abc", "two": "bcd"}.items():
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text(name if file == "b" else "same")
        (tmp_path / name / "lock").write_text(name)  # is not compared
    one, two = tree_of(tmp_path / "one"), tree_of(tmp_path / "two")
    assert differences(one, two) == ["missing: a", "leftover: d", "other bytes: b"]
    (tmp_path / "two" / "empty").mkdir()
    assert differences(two, tree_of(tmp_path / "two")) == ["leftover: empty"]


@pytest.mark.parametrize(
    ("changed", "status", "said", "expected"),
    [
        ({}, 0, "", None),
        ({"run/first": "x"}, 0, "", "run/first: left damaged in silence"),
        ({"run/first": "x"}, 0, "run/first: damaged", None),
        ({"run/first": "x", "run/second": "y"}, 0, "run/first: damaged", "run/first: used in silence"),
        ({"run/second": "y"}, 0, "", "run/first: used in silence"),
        ({}, 2, "distill run: run/first: damaged", None),
        ({}, 2, "distill run: something is wrong", "run/first: refused without its name, with status 2"),
        (
            {},
            1,
            "Traceback (most recent call last):\nKeyError: 'run/first'",
            "run/first: traceback: KeyError: 'run/first'",
        ),
    ],
)
def test_what_became_of_a_damaged_file(
    tmp_path: Path, changed: dict[str, str], status: int, said: str, expected: str | None
) -> None:
    (tmp_path / "run").mkdir()
    for name in ("first", "second", "report.html"):
        (tmp_path / "run" / name).write_text(name)
    scenario = Scenario("run", [], tree=tree_of(tmp_path))
    for name, content in changed.items():
        (tmp_path / name).write_text(content)
    assert judged(scenario, tmp_path, "run/first", Ended(status, said, "", 0.0))[0] == expected


def test_a_damaged_report_is_for_people(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    report = tmp_path / "run" / "report.html"
    report.write_bytes(b"page")
    scenario = Scenario("run", [], tree=tree_of(tmp_path))
    assert damage(report, "byte lost", random.Random(1)).startswith("byte ") and len(report.read_bytes()) == 3
    assert judged(scenario, tmp_path, "run/report.html", Ended(0, "", "", 0.0)) == (None, "left, and for people")


@pytest.mark.parametrize(
    ("status", "said", "wrong"),
    [
        (0, "a warning", None),
        (2, "a warning\ndistill run: run: no space left", None),
        (None, "", "hang"),
        (-6, "terminate called", "ended by SIGABRT"),
        (2, "distill run: one\ndistill run: two", "status 2"),
        (1, "Traceback (most recent call last):\nOSError: no space", "traceback: OSError: no space"),
    ],
)
def test_a_command_that_was_failed_says_why_in_a_line(status: int | None, said: str, wrong: str | None) -> None:
    found = _wrong(Ended(status, said, "", 0.0))
    assert found is None if wrong is None else found is not None and found.startswith(wrong)


def _reads(error: BaseException | None) -> Target:
    def read(file: Path) -> None:
        if error is not None:
            raise error

    return Target("something", [], read)


def test_only_success_and_the_one_error_are_right() -> None:
    file = Path("a")
    assert _outcome(_reads(None), file)[0] == "read"
    assert _outcome(_reads(DistillError("a: no such file.")), file)[0] == "refused"
    assert _outcome(_reads(DistillError("a:\nno")), file)[0] == "error of several lines"
    assert _outcome(_reads(ValueError("a")), file)[0] == "ValueError at nowhere in the program"
    assert _outcome(_reads(MemoryError()), file)[0] == "refused"  # the command line says so


def test_a_payload_runs_where_it_is_let(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = dict(payloads())
    assert not (tmp_path / MARKER).exists()
    pickle.loads(hostile["pickle exec 2"])
    assert (tmp_path / MARKER).exists()


@pytest.mark.parametrize("mutate", [flipped, json_of, text_of, yaml_of, array_of])
def test_what_is_drawn_is_drawn_again(mutate: object) -> None:
    assert callable(mutate)
    content = b"\x93NUMPY\x01\x00\x46\x00{'descr': '<u8', 'fortran_order': False, 'shape': (2,), }".ljust(80) + bytes(
        16
    )
    content = content if mutate is array_of else json.dumps({"a": [1, 2, {"b": "c"}]}).encode()
    drawn = [mutate(content, random.Random(f"1 {number}")) for number in range(300)]
    assert drawn == [mutate(content, random.Random(f"1 {number}")) for number in range(300)]
    assert len(set(drawn)) > 100


def test_counts_add_up_over_runs(tmp_path: Path) -> None:
    record = Record(tmp_path / "log")
    assert record.next("kills", 1) == 0
    for number, fault in enumerate((None, "hang", None)):
        record.add(Outcome("kills", 1, number, "run", count=2, fault=fault, detail="x" if fault else ""))
    record.add(Outcome("kills", 2, 7, "run"))
    record.add(Outcome("kills", 1, 1, "run", count=2))  # mended, and made again
    assert (record.next("kills", 1), record.next("kills", 2), record.next("bits", 1)) == (3, 8, 0)
    assert len(lines(tmp_path / "log")) == 4 and not any("fault" in one for one in lines(tmp_path / "log"))
    assert "run        5 trials          9" in summary(record.outcomes)
    assert "FAILED 1 times: hang\n  first: run, --seed 1 --only 1: x" in summary(record.outcomes)
    assert "nothing failed" in summary([])
