"""What a user who makes a mistake is told: one line, no traceback, status 2."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from distill import cli
from distill.commands import COMMANDS
from distill.files.run_directory import write_marker
from tests.helpers.running import TINY, finished, write_recipe


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(command) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith(f"distill {command[0]}: ")
    return message


def only_line(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert cli.main(command) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and "Traceback" not in shown.err and not shown.out
    return shown.err


def test_a_mistake_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = str(write_recipe(tmp_path))
    out = tmp_path / "run"
    assert "expected one of face_attributes" in only_line(["run", "face_atributes"], capsys)
    assert "unknown key transfer.epoch" in only_line(["run", recipe, "--transfer.epoch", "1"], capsys)
    assert "--seeds is 0" in only_line(["run", recipe, "--seeds", "0", "--out", str(out)], capsys)
    assert not out.exists()
    assert "data.root" in only_line(
        ["run", "face_attributes", "--data", "celeba", "--teacher.weights", "x", "--out", str(out)], capsys
    )
    out.mkdir(exist_ok=True)
    write_marker(out / "run.json", "another")
    assert "run of recipe 'another'" in only_line(["run", recipe, "--out", str(out)], capsys)
    assert "no such file" in only_line(["predict", str(tmp_path / "none"), str(tmp_path)], capsys)
    assert "--steps must be above" in only_line(["bench", "step", "--steps", "1"], capsys)


def test_python_runs_the_package_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "distill", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: distill ")


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["evaluate", "--help"], ["predict", "--help"]])
def test_help_ends_with_status_0(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(command)
    assert ended.value.code == 0
    assert "usage: distill" in capsys.readouterr().out


def test_the_help_of_a_recipe_lists_its_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["run", str(write_recipe(tmp_path)), "--help"], ["run", "face_attributes", "--help"]):
        with pytest.raises(SystemExit) as ended:
            cli.main(command)
        assert ended.value.code == 0
        shown = capsys.readouterr().out
        assert all(key in shown for key in ("--out", "--seeds", "--transfer.epochs", "--teacher.model", "--trainer.*"))


def test_print_config_starts_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", str(write_recipe(tmp_path)), "--print_config", "--seed", "8", "--out", str(tmp_path / "run")])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("task: attributes\nseed: 8\n")
    assert not (tmp_path / "run").exists()


def test_without_a_command_it_says_what_it_does_one_command_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    for name, what in COMMANDS.items():
        assert [line for line in shown.splitlines() if line.split()[:1] == [name] and line.endswith(f"  {what}")]
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert capsys.readouterr().out == shown


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evalute", "--help"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "distill: no command is called 'evalute'. Did you mean evaluate? Expected one of init, run, sweep, "
    )


def test_the_version(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda package: {"distill": "7.8.9"}[package])
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "distill 7.8.9\n"


def test_help_waits_for_no_heavy_import() -> None:
    code = "import sys; from distill.cli import main; main([]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "jsonargparse", "importlib.metadata"} & set(done.stdout.split())


class Code:
    """Pickled, it asks for a file to be written when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.file,)


def test_weights_that_hold_code_are_refused_unrun(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, TINY | {"stages": ["transfer"]})
    torch.save({"weights": Code(tmp_path / "ran")}, tmp_path / "evil.pt")
    command = ["run", str(recipe), "--teacher.weights", str(tmp_path / "evil.pt"), "--out", str(tmp_path / "run")]
    message = refused(command, capsys)
    assert "evil.pt: holds the Python object" in message and "refused without running it" in message
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_network_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, TINY | {"stages": ["transfer"]})
    theirs = finished()[1] / "student" / "student.safetensors"
    message = refused(["run", str(recipe), "--teacher.weights", str(theirs), "--out", str(tmp_path / "run")], capsys)
    assert "student.safetensors: weights for another network" in message


def ends(command: list[str], stdout: int, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command of its own process that writes somewhere."""
    return subprocess.run(
        [sys.executable, "-m", "distill", *command], stdout=stdout, stderr=subprocess.PIPE, text=True, **options
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_output_is_told_in_a_line(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = ends(["run", str(write_recipe(tmp_path)), "--print_config"], full.fileno())
    assert done.returncode == 2
    assert done.stderr == "distill: standard output cannot be written (No space left on device).\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_output_behind_an_error_adds_no_line() -> None:
    """What was printed before the error is written as the program ends."""
    failing = "(print('lines'), print('distill run: why', file=sys.stderr), 2)[-1]"
    program = f"import sys; from distill import cli; cli._main = lambda _: {failing}; sys.exit(cli.main([]))"
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
        )
    assert (done.returncode, done.stderr) == (2, "distill run: why\n")


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = ends(["run", str(write_recipe(tmp_path)), "--print_config"], writes)
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_is_shown_what_it_can_show() -> None:
    """Thin spaces between thousands, of which ASCII has none."""
    plain = ends(["cost", "mobilenet_v1"], subprocess.PIPE, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert plain.returncode == 0 and plain.stdout.isascii() and "539 492 352" in plain.stdout


def test_a_command_line_that_is_no_text_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "face_attributes", "--out", "r\udce9sum"]) == 2  # Latin-1, as Python hands it over
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1 and "U+DCE9" in shown and shown.isascii()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "out of memory. Free some"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to ..."), "out of memory"),
        (RuntimeError("can't start new thread"), "out of memory (can't start new thread)"),
        (ImportError("libtorch.so: failed to map segment from shared object"), "out of memory (libtorch.so"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
        (OSError(errno.EMFILE, "Too many open files", "x"), "too many open files: this process may open"),
        (OSError(errno.EROFS, "Read-only file system", "/ro/lock"), "/ro/lock: Read-only file system. Make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), "/root/x: Permission denied. Make room"),
    ],
)
def test_what_the_system_has_no_more_of_is_told_in_a_line(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr("distill.commands.run.run", fail)
    assert only_line(["run", str(write_recipe(tmp_path))], capsys).startswith(f"distill run: {said}")


def test_a_fault_of_our_own_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr("distill.commands.run.run", fail)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        cli.main(["run", str(write_recipe(tmp_path))])


def test_a_stop_is_status_130(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("distill.commands.run.run", stop)
    assert cli.main(["run", str(write_recipe(tmp_path))]) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_an_option_without_its_value_is_told_by_the_command_that_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["run", "face_attributes", "--out"])
    assert capsys.readouterr().err.splitlines()[-1] == "distill run: error: argument --out: expected one argument"


_ENDS_SLOWLY = """
import atexit, os, signal, sys
from distill import cli

def clean_up():  # as torch's, while Python ends
    os.kill(os.getpid(), signal.SIGINT)

atexit.register(clean_up)
sys.argv[1:] = ["--version"]
sys.exit(cli.program())
"""


def test_a_stop_while_python_ends_is_no_traceback() -> None:
    ended = subprocess.run([sys.executable, "-c", _ENDS_SLOWLY], capture_output=True, text=True, check=False)
    assert ended.returncode == 0 and ended.stdout.startswith("distill ") and ended.stderr == ""
