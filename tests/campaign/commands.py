"""Command lines, drawn from what the commands take and from what they do not."""

import io
import json
import random
import sys
from pathlib import Path

from tests.campaign.mutate import WORDS

_COMMANDS: dict[str, tuple[str, ...]] = {
    "run": ("--out", "--seeds", "--help", "--print_config"),
    "sweep": (
        "--out",
        "--labels",
        "--together",
        "--against",
        "--points",
        "--stop-below",
        "--within",
        "--so-far",
        "--jobs",
    ),
    "store": ("--out", "--views", "--dtype", "--top", "--run"),
    "evaluate": ("--model", "--against", "--gallery-model", "--out", "--json"),
    "export": ("--formats", "--export.tolerance", "--card.license", "--data.root"),
    "predict": ("--csv",),
    "push": ("--to", "--dry-run", "--allow-failed", "--private"),
    "inspect": ("--recipe", "--pictures", "--json"),
    "init": ("--teacher", "--inspect", "--out"),
    "leaks": ("--csv",),
    "gallery": ("--model", "--strangers", "--keep", "--index", "--fpir", "--far", "--best", "--csv", "--align"),
    "cost": ("--resolution", "--picture", "--json"),
    "completion": (),
    "nonsense": ("--out",),
}
_KEYS = (
    *(
        "--task",
        "--seed",
        "--stages",
        "--data",
        "--data.root",
        "--data.csv",
        "--prepare.height",
        "--prepare.align",
        "--teacher",
    ),
    *("--teacher.file", "--teacher.weights", "--student", "--student.width", "--student.resolution", "--objective"),
    *("--objective.temperature", "--transfer.epochs", "--transfer.batch_size", "--transfer.optimization.learning_rate"),
    *(
        "--transfer.views.scale",
        "--evaluate.resamples",
        "--export.formats",
        "--card.license",
        "--workers",
        "--trainer.devices",
    ),
    *(
        "--trainer.callbacks",
        "--trainer.logger",
        "--trainer.max_time",
        "--trainer.precision",
        "--no.such",
        "--web",
        "--unlabelled",
    ),
)
_VALUES = (
    *(
        "a.yaml",
        "face_attributes",
        "missing.yaml",
        "a.onnx",
        "folder",
        "run",
        "store",
        "verify",
        "teacher",
        "out",
        "out.json",
    ),
    *(
        "celeba",
        "class_folders",
        "table",
        "onnx",
        "timm",
        "mobilenet_v1",
        "mobilenet_v1_0.25_128",
        "softmax_kl",
        "onnx,web",
    ),
    *(
        "[teach, transfer]",
        "[transfer]",
        "{a: 1}",
        "1,2,3",
        "0.5,0.25",
        "1/2",
        "bash",
        "null",
        "1e-3",
        "32",
        "{class_path: os.system}",
    ),
    *("{class_path: subprocess.Popen, init_args: {args: [touch, payload]}}", "!!python/object/apply:os.system [ls]"),
)
_RECIPE = {
    "task": "classes",
    "stages": ["transfer"],
    "data": {"name": "class_folders", "root": "nowhere", "validation": 0.1, "test": 0.2},
    "teacher": {"name": "onnx", "file": "a.onnx", "gives": "logits"},
}


class WrongEndError(Exception):
    """A command did not end as a command does."""


def command_lines() -> list[tuple[str, bytes]]:
    """Some that are valid."""
    lines = (["cost", "mobilenet_v1_0.25_128"], ["completion", "bash"], ["run", "a.yaml", "--print_config"])
    return [("line.json", json.dumps(line).encode()) for line in lines]


def drawn_line(content: bytes, rng: random.Random) -> bytes:
    """Another command line, as JSON."""
    command = rng.choice(list(_COMMANDS))
    words = [rng.choice(_VALUES) for _ in range(rng.choice((0, 1, 1, 2)))]
    for _ in range(rng.randrange(4)):
        flag = rng.choice(_COMMANDS[command] + _KEYS * (command in ("run", "sweep", "store", "evaluate")) or ("--x",))
        given = rng.choice(_VALUES) if rng.random() < 0.7 else rng.choice(WORDS)
        words += rng.choice(([flag, given], [flag], [f"{flag}={given}"], [flag, given, given]))
    if rng.random() < 0.1:
        rng.shuffle(words)
    line = [command, *words] if rng.random() < 0.97 else words
    return json.dumps([word.replace("\0", "") for word in line]).encode()  # no shell can give a zero


def run_command(file: Path) -> None:
    """Run a command line in a folder with a recipe, an empty folder and a file that is no ONNX.

    Raises:
        WrongEndError: its status is none of a command, or what it says is no line.
    """
    from distill.cli import main

    place = file.parent
    (place / "a.yaml").write_text(json.dumps(_RECIPE), encoding="utf-8")
    (place / "a.onnx").write_bytes(b"no ONNX")
    (place / "folder").mkdir(exist_ok=True)
    kept, said = (sys.stdout, sys.stderr), io.StringIO()
    sys.stdout, sys.stderr = io.StringIO(), said
    try:
        status: object = main(json.loads(file.read_bytes()))
    except SystemExit as error:  # of argparse
        status = error.code
    finally:
        sys.stdout, sys.stderr = kept
    lines = [line for line in said.getvalue().splitlines() if line.strip()]
    if status not in (0, 1, 2, None) or "Traceback" in said.getvalue():
        raise WrongEndError(f"status {status}")
    if status == 2 and not (lines and lines[-1].startswith("distill")):
        raise WrongEndError(f"status 2, and the last line is {lines[-1:]}")


def spare() -> None:
    """Nothing is run and no picture prepared, in this process: command lines are only read."""
    import distill.commands.run
    import distill.tasks.sets
    from distill.errors import DistillError

    def refuse(*arguments: object, **keywords: object) -> None:
        raise DistillError("data: the campaign prepares no pictures here.")

    distill.commands.run.run = lambda *arguments: None
    distill.tasks.sets.prepare = refuse
