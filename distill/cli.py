"""distill COMMAND: the command line.

A user's mistake is printed without a traceback and ends with status 2; a file outside its tolerance with status 1.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from distill.errors import DistillError
from distill.host import settle

# A command's module is imported when it is called: `distill --help` must not wait for torch.
_COMMANDS = {
    "run": "run a recipe",
    "sweep": "run a recipe for every size of student, and draw score against cost",
    "evaluate": "score a file on a recipe's test pictures",
    "export": "write a run's student in more formats, each scored in its runtime",
    "predict": "write what a student sees in a folder of pictures",
    "push": "push a run to the Hugging Face hub",
    "store": "keep a teacher's answers to learn from again and again",
    "leaks": "find the pictures that two folders share",
    "bench": "compare speeds side by side",
    "audit": "recompute the cost tables of the MobileNets paper",
    "cost": "say what a network costs, layer by layer",
}
_GO_ON = ("run", "sweep")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="distill", description="Distil large vision models into MobileNets, and score the files that ship."
    )
    listing = "; ".join(f"{name}: {what}" for name, what in _COMMANDS.items())
    parser.add_argument("command", choices=list(_COMMANDS), help=listing)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="see distill COMMAND --help")
    chosen = parser.parse_args(arguments)
    settle()
    try:
        module = importlib.import_module(f"distill.commands.{chosen.command}")
        return int(module.main(chosen.rest))
    except DistillError as error:
        print(f"distill {chosen.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        goes_on = "; the same command goes on from the last checkpoint" if chosen.command in _GO_ON else ""
        print(f"\nstopped{goes_on}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
