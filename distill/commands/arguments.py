"""The parser of a command's own arguments."""

import argparse
from typing import NoReturn

from distill.errors import DistillError, few


class CommandParser(argparse.ArgumentParser):
    """As argparse has it; of a long argument its refusal has the beginning and the end."""

    def error(self, message: str) -> NoReturn:
        said, colon, value = message.partition(": ")
        super().error(str(DistillError(f"{said}{colon}{few([value])}")))
