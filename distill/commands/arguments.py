"""The parser of a command's own arguments."""

import argparse
from typing import NoReturn

from distill.errors import DistillError, few

_UNKNOWN = "unrecognized arguments: "  # argparse names all of them, as they were typed


class CommandParser(argparse.ArgumentParser):
    """As argparse has it; of a long argument its refusal has the beginning and the end."""

    def error(self, message: str) -> NoReturn:
        unknown = message.removeprefix(_UNKNOWN)
        super().error(f"{_UNKNOWN}{few([unknown])}" if unknown != message else str(DistillError(message)))
