"""The one exception a user is meant to see, and the kind of it that is told apart."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

_SHORT = 200  # characters of what others wrote that a message repeats
ECHOED = 180
"""Characters of an input's value that a message repeats at most."""


_QUOTED_OR_WORD = re.compile(rf"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|\S{{{_SHORT},}}""")
_BEGINNING, _END = 120, 60  # of a value that is cut
_MOST = 2000  # characters of a message; ours have fewer


class DistillError(Exception):
    """A mistake in the input: a file, a key, a picture, a pair of networks that do not fit.

    The message names the file or key, what was found, what was expected and what to do. The command line prints
    it without a traceback and exits with status 2. Of a name or a value of an input that is long it has the beginning
    and the end; of a list of names, `few` has the first.
    """

    def __init__(self, message: str = "") -> None:
        cut = _QUOTED_OR_WORD.sub(_cut, message)
        super().__init__(cut if len(cut) <= _MOST else f"{cut[:_MOST]}... (cut)")


class OutputsError(DistillError):
    """A network has another number of outputs than it was asked for; a teacher's can be chosen from by a class map."""


def shortened(text: object) -> str:
    """What a library or a file says, for a message: in one line, and of a long one the beginning."""
    line = " ".join(str(text).split())
    return line if len(line) <= _SHORT else f"{line[: _SHORT - 4]} ..."


@contextmanager
def in_section(section: str, keys: Collection[str]) -> Iterator[None]:
    """Name the section of a recipe in the errors of what does not know which is its own: `data` or `web`, a stage.

    Args:
        keys: of the section. A message that begins with one is of that key; another may be of a file.
    """
    try:
        yield
    except DistillError as error:
        message = str(error)
        first = re.match(r"\w*", message)
        dot = "." if first and first[0] in keys else ": "
        raise type(error)(f"{section}{dot}{message}") from error


def few(names: Iterable[object]) -> str:
    """Names of an input, which may be any number and of any length, as a message repeats them: the first of them."""
    text, some = "", [str(name) for name in islice(names, _SHORT)]
    for place, name in enumerate(some):
        text += f"{', ' if place else ''}{name}"
        if len(text) > ECHOED:
            return f"{text[:ECHOED]}... (cut)"
    return text


def _cut(found: re.Match[str]) -> str:
    """What is quoted, or has no blank; no sentence of ours has one as long."""
    value = found[0]
    return value if len(value) <= _SHORT else f"{value[:_BEGINNING]}...{value[-_END:]}"


def echo(value: object) -> str:
    """A value of an input as a message repeats it: as Python writes it, cut where it is long."""
    text = repr(value[: ECHOED + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= ECHOED else f"{text[:ECHOED]}... (cut)"
