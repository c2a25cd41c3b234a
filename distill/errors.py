"""The one exception a user is meant to see, and the kind of it that is told apart."""

import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

_SHORT = 200  # characters of what others wrote that a message repeats
ECHOED, NAMED = 90, 110
"""Characters of an input's value, and of names that it has, which a message repeats at most: most have one of each."""


# What may be of an input, where it is longer than anything of ours: what is named before the first colon, what is
# quoted, a word, a path with blanks.
_BEFORE_COLON = re.compile(r"^.*?(?=: )", re.DOTALL)
_QUOTED_OR_WORD = re.compile(r"""(?<!\w)'[^']*'(?!\w)|"[^"]*"|\S{201,}|/[^:;,.'"]{200,}""")
_MOST = 2000  # characters of a message; ours have fewer


class DistillError(Exception):
    """A mistake in the input: a file, a key, a picture, a pair of networks that do not fit.

    The message names the file or key, what was found, what was expected and what to do. The command line prints
    it without a traceback and exits with status 2. Of names and values of an input that are longer than 200 characters
    it has the beginning and the end, 200 characters of all of them together; of a list of names, `few` has the first.
    """

    def __init__(self, message: str = "") -> None:
        cut = _cut(message)
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
        if len(text) > NAMED:
            return _ended(text, NAMED)
    return text


def _cut(message: str) -> str:
    """The message with its long values cut to one length each, so that they have `_SHORT` characters together."""
    named = _BEFORE_COLON.match(message)
    head = named[0] if named and len(named[0]) > _SHORT and not _QUOTED_OR_WORD.search(named[0]) else ""
    body = message[len(head) :]
    each = _SHORT // max(1, bool(head) + len([1 for value in _QUOTED_OR_WORD.findall(body) if len(value) > _SHORT]))
    end = each // 3

    def cut(value: str) -> str:
        return value if len(value) <= _SHORT else f"{value[: each - end]}...{value[len(value) - end :]}"

    return cut(head) + _QUOTED_OR_WORD.sub(lambda found: cut(found[0]), body)


def echo(value: object) -> str:
    """A value of an input as a message repeats it: as Python writes it, cut where it is long."""
    text = repr(value[: ECHOED + 1] if isinstance(value, str | bytes) else value)
    return text if len(text) <= ECHOED else _ended(text, ECHOED)


def _ended(text: str, most: int) -> str:
    """The beginning of a long text. A quotation that it cuts is closed, or it would end at the message's next."""
    beginning = text[:most]
    opened = text[0] if text[0] in "'\"" else "'" * (beginning.count("'") % 2)
    return f"{beginning}{opened}... (cut)"
