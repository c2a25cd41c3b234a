"""The rows of a CSV file: separated by commas, semicolons, tabs or bars, as its header shows."""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from distill.errors import DistillError, echo
from distill.files.text import read_text

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"sep=(.)\n")  # Excel's own, before the header
_NAMELESS = re.compile(r"(Unnamed: \d+(\.\d+)?)?")  # what pandas calls the index that it has written without a name


class Row(NamedTuple):
    """A row by columns, without blanks around its cells, and the number of its line."""

    number: int
    cells: dict[str, str]


class Rows(NamedTuple):
    """A CSV file.

    Attributes:
        header: names of the columns.
        rows: all but empty ones, at least one.
        nameless: places of the columns without a name, from 1, which are not read.
    """

    header: tuple[str, ...]
    rows: list[Row]
    nameless: tuple[int, ...]


def read_rows(file: Path) -> Rows:
    """The names of the columns, and the rows.

    A column without a name, such as the index that pandas writes, is passed over.

    Raises:
        DistillError: the file is missing or no text; has no header of names, each once, or no row; or a row has another
            number of cells.
    """
    text = read_text(file, "a table, a CSV file with a header")
    said = _SEPARATOR_LINE.match(text)
    text = text[said.end() :] if said else text
    first = text.partition("\n")[0]
    delimiter = said[1] if said else max(_SEPARATORS, key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    above, rows = int(said is not None), []
    try:
        names = tuple(name.strip() for name in next(lines, []))
        named = [place for place, name in enumerate(names) if not _NAMELESS.fullmatch(name)]
        header = tuple(names[place] for place in named)
        if not header or len(set(header)) < len(header):
            raise DistillError(f"{file}:{1 + above}: {echo(first)}, expected the names of the columns, each once.")
        for cells in lines:
            number = lines.line_num + above
            if not any(cells):
                continue
            if len(cells) < len(names) or any(cells[len(names) :]):
                raise DistillError(
                    f"{file}:{number}: {len(cells)} cells, and the header has {len(names)}, separated by "
                    f"{delimiter!r}. Mend that row; a cell that holds the separator stands in quotes."
                )
            rows.append(Row(number, {names[place]: cells[place].strip() for place in named}))
    except csv.Error as error:
        raise DistillError(f"{file}:{lines.line_num + above}: cannot be read as CSV ({error}).") from None
    if not rows:
        raise DistillError(f"{file}: no rows after the header; expected one a picture.")
    nameless = tuple(place + 1 for place in range(len(names)) if place not in named)
    return Rows(header, rows, nameless)
