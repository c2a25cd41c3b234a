"""distill push RUN --to REPO [--dry-run] [--allow-failed] [--private]

What is pushed, in the run's own layout, so that the card's code finds it:

    README.md                      the model card
    results.json                   every figure
    student/                       student.safetensors and its config.json
    export/                        the files of the formats

The resolved recipe and the report stay: the one names places on this machine, the other shows the data's pictures.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rich.console import Console

from distill import formatting
from distill.commands.arguments import CommandParser
from distill.errors import DistillError
from distill.files.atomic import atomic_path, checksum
from distill.files.checksums import check_sum
from distill.files.run_directory import CARD
from distill.report.results import ExportedFile, read_results
from students.files import CONFIG_FILE, WEIGHTS_FILE
from students.manifest import read_manifest

RESULTS, _MARKER = "results.json", "run.json"
_ALWAYS = (CARD, RESULTS, f"student/{WEIGHTS_FILE}", f"student/{CONFIG_FILE}")
_REPLACED = ("student/*", "export/*")  # what an earlier push left there would contradict the new card


def build_parser() -> argparse.ArgumentParser:
    """The command's own arguments."""
    parser = CommandParser(
        prog="distill push",
        description="Push a run's card, student and exported files to a repository of the Hugging Face hub.",
        epilog="A token comes from `hf auth login` or the environment variable HF_TOKEN.",
    )
    parser.add_argument("run", type=Path, help="the directory of a finished run")
    parser.add_argument(
        "--to",
        required=True,
        help="owner/name on the hub; or a directory, as file:///DIR or a path that begins with /, ./, ../ or ~",
    )
    parser.add_argument("--dry-run", action="store_true", help="only list the files")
    parser.add_argument("--allow-failed", action="store_true", help="push although a file failed its gate")
    parser.add_argument("--private", action="store_true", help="of a repository that is made: let nobody else see it")
    return parser


def main(arguments: list[str]) -> int:
    """Push a finished run to a repository of the Hugging Face hub, or into a directory."""
    options = build_parser().parse_args(arguments)
    files = pushed_files(options.run, options.allow_failed)
    console = Console(markup=False, emoji=False)
    for name in files:
        console.print(f"{formatting.size((options.run / name).stat().st_size):>10}  {name}", soft_wrap=True)
    total = formatting.size(sum((options.run / name).stat().st_size for name in files))
    if options.dry_run:
        console.print(f"{len(files)} files, {total}; nothing was pushed to {options.to}", soft_wrap=True)
        return 0
    directory = _directory(options.to)
    if directory is None:
        place = _push_to_hub(options.run, files, options.to, options.private)
    else:
        _copy(options.run, files, directory)
        place = str(directory)
    console.print(f"{len(files)} files, {total}, pushed to {place}", soft_wrap=True)
    return 0


def pushed_files(run: Path, allow_failed: bool) -> list[str]:
    """The files of a run that are pushed, as paths in it.

    Args:
        allow_failed: whether a file that failed its gate may be among them.

    Raises:
        DistillError: not a finished run, a file failed its gate, or one was changed after it was scored.
    """
    missing = [name for name in (_MARKER, *_ALWAYS) if not (run / name).is_file()]
    if missing:
        raise DistillError(
            f"{run}: is not a finished run: it has no {', '.join(missing)}. Run its recipe again, with --out {run}, to "
            "go on where it was stopped."
        )
    exports = read_results(run / RESULTS)["exports"]
    failed = [export["file"] for export in exports if export["passed"] is False]
    if failed and not allow_failed:
        raise DistillError(
            f"{run}: {', '.join(failed)} scores differently from the student and failed the gate. Export it again "
            "another way, or push all the same with --allow-failed; the card says which failed."
        )
    config = run / "student" / CONFIG_FILE
    check_sum(config, "Run the recipe again.")
    written = read_manifest(config).checksum
    if checksum(run / "student" / WEIGHTS_FILE) != written:
        raise DistillError(
            f"{run / 'student' / WEIGHTS_FILE}: its checksum is not the one in {CONFIG_FILE}; one of the two was "
            "changed after the run. Run the recipe again."
        )
    return [*_ALWAYS, *(name for export in exports for name in _exported(run, export))]


def _exported(run: Path, export: ExportedFile) -> list[str]:
    """The files of one format: one, or several, or those of a directory."""
    place = (run / export["file"]).parent
    for name, written in export["sha256"].items():
        file = place / name
        if not file.is_file():
            raise DistillError(f"{file}: is named in {RESULTS} and not there. Run the recipe again.")
        if checksum(file) != written:
            raise DistillError(f"{file}: was changed after it was scored. Run the recipe again.")
    return [(place / name).relative_to(run).as_posix() for name in export["sha256"]]


def _directory(target: str) -> Path | None:
    """A directory to push into; None of a repository on the hub."""
    if target.startswith("file://"):
        return Path(unquote(urlsplit(target).path))
    return Path(target).expanduser() if target.startswith(("/", "./", "../", "~")) else None


def _copy(run: Path, files: Sequence[str], directory: Path) -> None:
    """The same layout in a directory, whole or not at all, in place of an earlier push."""
    pushed_before = all((directory / name).is_file() for name in _ALWAYS) and {
        entry.name for entry in directory.iterdir()
    } <= {Path(name).parts[0] for name in (*_ALWAYS, *_REPLACED)}
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir()) and not pushed_before):
        raise DistillError(f"{directory}: exists and holds something else. Name another place, or empty it.")
    if directory.resolve().is_relative_to(run.resolve()):
        raise DistillError(f"{directory}: lies in the run. Name a place outside of it.")
    with atomic_path(directory) as temporary:
        for name in files:
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run / name, temporary / name)


def _push_to_hub(run: Path, files: Sequence[str], repository: str, private: bool) -> str:
    """One commit that adds the files, and removes what an earlier push left beside them."""
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HTTPError

    if get_token() is None:
        raise DistillError(f"--to {repository}: no token for the hub. Run `hf auth login`, or set HF_TOKEN.")
    hub = HfApi()
    message = f"{read_results(run / RESULTS)['student']['name']}, by distill push"
    try:
        # The hub may lengthen the name by the token's owner.
        made = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=made.repo_id,
            folder_path=run,
            allow_patterns=list(files),
            delete_patterns=list(_REPLACED),
            commit_message=message,
        )
    except (HTTPError, OSError, ValueError) as error:
        raise DistillError(
            f"--to {repository}: the hub cannot be reached or refused ({' '.join(str(error).split())}). Check the "
            "network, the name (owner/name) and the token's right to write; without a network push into a directory: "
            "--to ./DIR."
        ) from error
    return str(made)
