"""distill COMMAND: the command line.

A user's mistake is printed without a traceback and ends with status 2; a file outside its tolerance with status 1.
"""

import argparse
import errno
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from distill.commands import COMMANDS
from distill.commands.arguments import CommandParser
from distill.errors import DistillError, echo, few
from distill.files.text import no_text
from distill.host import exhausted, settle, show_what_can_be_shown

_GO_ON = ("run", "sweep")
_CLOSED_PIPE = 141
"""The status of a program whose reader has gone, as shells have it."""
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_OF_A_FILE = (*_OF_A_DISK, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ESTALE)


def program() -> int:
    """`main` in a process of its own, which Ctrl-C cannot interrupt once its command has ended: what torch and other
    libraries clean up as Python ends would tell so with a traceback."""
    try:
        return main()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    show_what_can_be_shown()
    status = 0
    try:
        try:
            status = _main(sys.argv[1:] if arguments is None else arguments)
        except SystemExit:  # of --help
            sys.stdout.flush()
            raise
        sys.stdout.flush()  # what a full disk or a closed pipe refuses is told here, and not as Python ends
    except BrokenPipeError:
        _drop_output()
        return _CLOSED_PIPE
    except OSError as error:
        if error.errno not in _OF_A_DISK:
            raise
        _drop_output()
        if status:  # why it ended is told already
            return status
        print(f"distill: standard output cannot be written ({error.strerror}).", file=sys.stderr)
        return 2
    return status


def _main(arguments: Sequence[str]) -> int:
    if wrong := next((argument for argument in arguments if no_text(argument)), None):
        print(
            f"distill: {echo(wrong)}: {no_text(wrong)} in it is no character of text (UTF-8). Leave it out; a file or "
            "folder of such a name has to be renamed.",
            file=sys.stderr,
        )
        return 2
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.version:
        print(f"distill {_version()}")
        return 0
    if options.command is None:
        parser.print_help()
        return 0
    if options.command not in COMMANDS:
        from distill.registry import expected

        print(
            f"distill: no command is called {echo(options.command)}. {expected(options.command, [*COMMANDS])}",
            file=sys.stderr,
        )
        return 2
    settle()
    try:
        module = importlib.import_module(f"distill.commands.{options.command}")
        return int(module.main(options.rest))
    except DistillError as error:
        print(f"distill {options.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from the last checkpoint" if options.command in _GO_ON else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130
    except Exception as error:
        if (said := exhausted(error) or _of_a_file(error)) is None:
            raise
        print(f"distill {options.command}: {said}", file=sys.stderr)
        return 2


def _of_a_file(error: Exception) -> str | None:
    """What the system refuses of a file, in a line; None of other errors."""
    if not isinstance(error, OSError) or error.errno not in _OF_A_FILE or error.filename is None:
        return None
    place = few([error.filename])  # which may be the very name that is too long
    return f"{place}: {error.strerror}. Make room or rights for it there, or name another place."


def _drop_output() -> None:
    """Python writes what is left of the output as it ends: let it go nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = CommandParser(
        prog="distill",
        usage="distill COMMAND ...",
        description="Distil large vision models into MobileNets, and score the files that ship.\n\n"
        + "\n".join(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()),
        epilog='distill COMMAND --help says more. Completion for bash: eval "$(distill completion bash)"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="say which version this is")
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("distill")
    except PackageNotFoundError:
        return "of a source tree that is not installed"


if __name__ == "__main__":
    sys.exit(program())
