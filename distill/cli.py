"""distill COMMAND: the command line.

A user's mistake is printed without a traceback and ends with status 2; a file outside its tolerance with status 1.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from distill.commands import COMMANDS
from distill.errors import DistillError
from distill.host import settle

_GO_ON = ("run", "sweep")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
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
            f"distill: no command is called {options.command!r}. {expected(options.command, [*COMMANDS])}",
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


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    parser = argparse.ArgumentParser(
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
    sys.exit(main())
