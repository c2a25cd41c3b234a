"""The rows of a CSV file: separated by commas, semicolons or tabs, as its header shows."""

import csv
import io
from pathlib import Path
from typing import NamedTuple

from distill.errors import DistillError, echo
from distill.files.text import read_text


class Row(NamedTuple):
    """A row by columns, without blanks around its cells, and the number of its line."""

    number: int
    cells: dict[str, str]


def read_rows(file: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The names of the columns, and the rows but empty ones, at least one.

    Raises:
        DistillError: the file is missing or no text; has no header of names, each once, or no row; or a row has another
            number of cells.
    """
    text = read_text(file, "a table, a CSV file with a header")
    first = text.partition("\n")[0].rstrip("\r")
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    try:
        header = tuple(name.strip() for name in next(lines, []))
        if not header or not all(header) or len(set(header)) < len(header):
            raise DistillError(f"{file}:1: {echo(first)}, expected the names of the columns, each once.")
        for cells in lines:
            if len(cells) != len(header) and any(cells):
                raise DistillError(
                    f"{file}:{lines.line_num}: {len(cells)} cells, and the header has {len(header)}, separated by "
                    f"{delimiter!r}. Mend that row; a cell that holds the separator stands in quotes."
                )
            if any(cells):
                rows.append(Row(lines.line_num, dict(zip(header, map(str.strip, cells), strict=True))))
    except csv.Error as error:
        raise DistillError(f"{file}:{lines.line_num}: cannot be read as CSV ({error}).") from None
    if not rows:
        raise DistillError(f"{file}: no rows after the header; expected one a picture.")
    return header, rows
