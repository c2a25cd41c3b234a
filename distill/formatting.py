"""Numbers as a reader wants them: few digits, a unit, a dash where nothing was measured."""

from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"
ABSENT = "\N{EN DASH}"
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def score(value: float | None) -> str:
    """A fraction of 1 with four decimals, for a tenth of a point matters: 0.6412; a number of something, such as
    kilometres, with one: 412.3."""
    return ABSENT if value is None else f"{value:.{1 if abs(value) >= 10 else 4}f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    """A difference, its sign always shown."""
    return ABSENT if value is None else f"{value:+.4f}".replace("-", MINUS)


def interval(bounds: Sequence[float] | None) -> str:
    """The two ends of an interval: [0.6301, 0.6520]."""
    return "" if bounds is None else f"[{score(bounds[0])}, {score(bounds[1])}]"


def points(number: float) -> str:
    """A tolerance in hundredths of a score: 0.1 point."""
    return f"{number:g} point{'s' if number > 1 else ''}"


def per_cent(share: float) -> str:
    """A share with three significant digits: 98.4 %; of more than the whole, no digit less than a per cent: 1230 %."""
    return f"{100 * share:.0f}{NARROW_SPACE}%" if share >= 1 else f"{100 * share:.3g}{NARROW_SPACE}%"


def count(number: int | None) -> str:
    """Pictures: 19 962."""
    return ABSENT if number is None else f"{number:,}".replace(",", NARROW_SPACE)


def magnitude(number: float | None) -> str:
    """Parameters and mult-adds with three digits and a unit: 41.0 M."""
    if number is None:
        return ABSENT
    for size, unit in UNITS:
        if number >= 0.9995 * size:  # what three digits round up to it
            digits = 2 if number < 9.995 * size else 1 if number < 99.95 * size else 0
            return f"{number / size:.{digits}f}{NARROW_SPACE}{unit}"
    return str(number)


def size(length: int | None) -> str:
    """Bytes of a file, decimal units: 1.92 MB."""
    if length is None:
        return ABSENT
    return f"{length}{NARROW_SPACE}B" if length < 1000 else f"{magnitude(length)}B"


def duration(seconds: float) -> str:
    """4.2 s, 3 min 05 s, 2 h 07 min."""
    if seconds < 59.95:
        return f"{seconds:.1f}{NARROW_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{NARROW_SPACE}min {rest:02d}{NARROW_SPACE}s"
    return f"{minutes // 60}{NARROW_SPACE}h {minutes % 60:02d}{NARROW_SPACE}min"


def reading(value: object) -> str:
    """Whatever a stage reported: numbers with four significant digits, words as they are."""
    if value is None:
        return ABSENT
    return f"{value:.4g}".replace("-", MINUS) if isinstance(value, float) else str(value)
