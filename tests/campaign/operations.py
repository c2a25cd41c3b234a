"""The file operations of a process, one after another: counted, stopped at one, or failed at one.

Python tells what it opens, renames and removes by its audit events, before it does so; what it reads, writes, flushes
and locks is seen by functions put in place of its own. What libraries of C do to files by themselves is not seen.
"""

import builtins
import fcntl
import io
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

EVENTS = {
    "os.rename": "rename",
    "os.remove": "remove",
    "os.mkdir": "mkdir",
    "os.rmdir": "rmdir",
    "os.truncate": "write",
}
KINDS = ("open", "write", "fsync", "rename", "remove", "mkdir", "rmdir", "read", "lock")
CHANGING = ("open", "rename", "remove", "mkdir", "rmdir")
"""Those between which the disk has an image of its own; a write inside a file may be torn anywhere."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Operations:
    """Sees the operations on files below a directory.

    Args:
        act: told the kind of each, its number among all of that kind, and the path, before it is done; what it raises,
            the operation raises.

    Attributes:
        counts: of each kind so far.
    """

    def __init__(self, root: Path, act: Callable[[str, int, str], None]) -> None:
        self.root, self.act, self.counts = f"{root}/", act, Counter[str]()
        self.inside = False

    def install(self) -> None:
        """For good: only for a process that ends with what it does."""
        sys.addaudithook(self._audit)
        builtins.open = io.open = self._open
        self._replace(os, "fsync", "fsync")
        self._replace(fcntl, "flock", "lock")
        self._replace(os, "preadv", "read")

    def see(self, kind: str, path: Any) -> None:
        """One operation is about to be done."""
        if self.inside or not self.is_below(path):
            return
        self.counts[kind] += 1
        self.inside = True
        try:
            self.act(kind, self.counts[kind], str(path))
        finally:
            self.inside = False

    def is_below(self, path: Any) -> bool:
        """Whether a path is below the directory, in which the process works."""
        if isinstance(path, int):
            return True  # a descriptor: few are open, and of files here
        name = os.fsdecode(path)
        return name.startswith(self.root) or not name.startswith("/")

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS:
            self.see(EVENTS[event], arguments[0])
        elif event == "open" and not isinstance(arguments[0], int) and arguments[0] is not None:
            mode, flags = arguments[1], arguments[2]
            writing = flags & _WRITING if isinstance(flags, int) else mode and any(letter in mode for letter in "wax+")
            self.see("open" if writing else "read", arguments[0])

    def _replace(self, module: Any, name: str, kind: str) -> None:
        function = getattr(module, name)

        def seen(*arguments: Any) -> Any:
            self.see(kind, arguments[0] if not isinstance(arguments[0], int) else 0)
            return function(*arguments)

        setattr(module, name, seen)

    def _open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: Any = None,
        errors: Any = None,
        newline: Any = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        """As `open`, of a file whose reads and writes are seen."""
        if isinstance(file, int) or not self.is_below(file):
            return _OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Seen(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        raw.see = self.see
        if "b" in mode and buffering == 0:
            return raw
        kind: Any = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
        buffered = kind(raw)
        if "b" in mode:
            return buffered
        text = io.TextIOWrapper(buffered, io.text_encoding(encoding), errors, newline)
        text.mode = mode
        return text


_OPEN = io.open


class _Seen(io.FileIO):
    see: Callable[[str, Any], None]

    def write(self, data: Any) -> int:
        self.see("write", self.name)
        return super().write(data)

    def readinto(self, buffer: Any) -> Any:
        self.see("read", self.name)
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self.see("read", self.name)
        return super().readall()
