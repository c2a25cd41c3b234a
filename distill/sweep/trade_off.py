"""Score against cost, drawn as inline SVG that a script can bring to life and that prints as it stands.

Series differ in shape as well as in colour; the colours are Okabe and Ito's, told apart by colour-blind readers. The
plot is 480 units wide, so that its text is still read when a phone shrinks it to its screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from distill import formatting
from distill.sweep.axes import Axis, cost_axis, score_axis, tick_label

WIDTH, HEIGHT = 480, 340
LEFT, RIGHT, TOP, BOTTOM = 54, 472, 18, 296
TEXT = 12.5  # units, 9 px on a phone
_DODGE = 5  # units that a mark for comparison stands to the right of the one it is compared with
_RADIUS = 5.0
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B58900", "#56B4E9", "#444444")
_POLYGONS = (
    (),  # a circle
    ((0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)),
    ((-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)),
    ((0, -1.25), (1.15, 0.85), (-1.15, 0.85)),
    ((0, 1.25), (1.15, -0.85), (-1.15, -0.85)),
    ((0, -1.2), (1.14, -0.37), (0.71, 0.97), (-0.71, 0.97), (-1.14, -0.37)),
    ((-1.3, -0.5), (1.3, -0.5), (1.3, 0.5), (-1.3, 0.5)),
)


@dataclass(frozen=True)
class Mark:
    """One student, or one file of it.

    Attributes:
        name: of the student, the same in all plots.
        series: what it is drawn as.
        label: a few letters beside it; empty for none.
        said: its values in words.
        interval: of the score.
        on_front: whether nothing cheaper is as good.
        compared: drawn hollow and a little aside.
    """

    name: str
    series: int
    label: str
    said: str
    cost: float
    score: float
    interval: tuple[float, float] | None
    on_front: bool = False
    compared: bool = False


@dataclass(frozen=True)
class Line:
    """A score that costs something else: the teacher's."""

    label: str
    score: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class TradeOff:
    """A plot.

    Attributes:
        series: their names; the place of a name is its `Mark.series`.
        joined: whether the marks of a series lie on a curve.
    """

    cost: str
    metric: str
    series: Sequence[str]
    marks: Sequence[Mark]
    line: Line | None = None
    joined: bool = field(default=True)


def draw(plot: TradeOff, logarithmic: bool) -> str:
    """The plot as an `<svg>` element."""
    x = cost_axis([mark.cost for mark in plot.marks], LEFT + 8, RIGHT - 8, logarithmic)
    drawn: list[Mark | Line] = [*plot.marks, *([plot.line] if plot.line else [])]
    held = [bound for shape in drawn for bound in _bounds(shape)]
    y = score_axis(held, BOTTOM, TOP)
    parts = [
        *_frame(plot, x, y),
        *_line(plot.line, y),
        *_front(plot, x, y),
        *(_curves(plot, x, y) if plot.joined else ()),
        *(_mark(mark, x, y) for mark in sorted(plot.marks, key=lambda mark: (not mark.compared, mark.on_front))),
        *_labels(plot, x, y),
    ]
    kind = "log" if logarithmic else "linear"
    label = escape(f"{plot.metric} against {plot.cost}; the tables below have the same numbers.")
    opening = f'<svg class="{kind}" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="{label}">'
    return "\n".join([opening, *parts, "</svg>"])


def shape(series: int, x: float = 0.0, y: float = 0.0, hollow: bool = False) -> str:
    """The shape of a series, as an SVG element."""
    color, corners = COLORS[series % len(COLORS)], _POLYGONS[series % len(_POLYGONS)]
    fill = "#fff" if hollow else color
    paint = f'fill="{fill}" stroke="{color}" stroke-width="1.6"'
    if not corners:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" {paint}/>'
    points = " ".join(f"{x + _RADIUS * dx:.1f},{y + _RADIUS * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}" {paint}/>'


def _bounds(drawn: Mark | Line) -> tuple[float, ...]:
    return (drawn.score, *(drawn.interval or ()))


def _frame(plot: TradeOff, x: Axis, y: Axis) -> list[str]:
    parts = []
    for tick in y.ticks(7):
        at = y(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{tick_label(tick)}</text>')
    for tick in x.ticks(7):
        at = x(tick)
        parts.append(f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{BOTTOM}"/>')
        parts.append(f'<text x="{at:.1f}" y="{BOTTOM + 17}" text-anchor="middle">{tick_label(tick)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}"/>')
    scale = ", log axis" if x.logarithmic else ""
    middle = (LEFT + RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{BOTTOM + 37}" text-anchor="middle">{escape(plot.cost)}{scale}</text>')
    parts.append(
        f'<text transform="translate(13 {(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(plot.metric)}, with 95 % interval</text>"
    )
    return parts


def _line(line: Line | None, y: Axis) -> list[str]:
    if line is None:
        return []
    at = y(line.score)
    parts = []
    if line.interval:
        low, high = (y(bound) for bound in line.interval)
        parts.append(f'<rect class="band" x="{LEFT}" width="{RIGHT - LEFT}" y="{high:.1f}" height="{low - high:.1f}"/>')
    parts.append(f'<line class="teacher" x1="{LEFT}" x2="{RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
    text = escape(f"{line.label} {formatting.score(line.score)}")
    parts.append(f'<text class="halo" x="{LEFT + 6}" y="{at - 5:.1f}">{text}</text>')
    return parts


def _front(plot: TradeOff, x: Axis, y: Axis) -> list[str]:
    front = sorted((mark for mark in plot.marks if mark.on_front), key=lambda mark: mark.cost)
    corners = " ".join(f"{x(mark.cost):.1f},{y(mark.score):.1f}" for mark in front)
    return [f'<polyline class="front" points="{corners}"/>'] if len(front) > 1 else []


def _curves(plot: TradeOff, x: Axis, y: Axis) -> list[str]:
    curves = []
    for series in range(len(plot.series)):
        marks = sorted((m for m in plot.marks if m.series == series and not m.compared), key=lambda mark: mark.cost)
        corners = " ".join(f"{x(mark.cost):.1f},{y(mark.score):.1f}" for mark in marks)
        if len(marks) > 1:
            color = COLORS[series % len(COLORS)]
            curves.append(f'<polyline class="curve" data-series="{series}" stroke="{color}" points="{corners}"/>')
    return curves


def _mark(mark: Mark, x: Axis, y: Axis) -> str:
    at, height = x(mark.cost) + (_DODGE if mark.compared else 0), y(mark.score)
    color = COLORS[mark.series % len(COLORS)]
    whisker = ""
    if mark.interval:
        low, high = (y(bound) for bound in mark.interval)
        dashes = ' stroke-dasharray="2 2"' if mark.compared else ""
        whisker = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{color}"{dashes}/>'
    ring = f'<circle class="ring" cx="{at:.1f}" cy="{height:.1f}" r="9.5"/>' if mark.on_front else ""
    facts = f'data-name="{escape(mark.name)}" data-series="{mark.series}" aria-label="{escape(mark.said)}"'
    compared = " compared" if mark.compared else ""
    # A finger needs more room than the mark.
    reach = f'<circle class="reach" cx="{at:.1f}" cy="{height:.1f}" r="13"/>'
    drawn = shape(mark.series, at, height, mark.compared)
    return f'<g class="mark{compared}" tabindex="0" role="img" {facts}>{whisker}{ring}{reach}{drawn}</g>'


def _labels(plot: TradeOff, x: Axis, y: Axis) -> list[str]:
    """Beside each mark, where no other mark or label is in the way; left out where there is no room at all."""
    taken = [(x(mark.cost) - 6, y(mark.score) - 6, x(mark.cost) + 6, y(mark.score) + 6) for mark in plot.marks]
    if plot.line:
        at, length = y(plot.line.score), 7 * (len(plot.line.label) + 7)
        taken.append((LEFT, at - 5 - TEXT, LEFT + length, at))
    placed = []
    for mark in sorted(plot.marks, key=lambda mark: not mark.on_front):
        at, height, width = x(mark.cost), y(mark.score), 0.6 * TEXT * len(mark.label)
        for left, top in (
            (at - width / 2, height - 11 - TEXT),
            (at - width - 11, height - TEXT / 2),
            (at + 11, height - TEXT / 2),
            (at - width / 2, height + 11),
        ):
            box = (left, top, left + width, top + TEXT)
            inside = left >= LEFT and box[2] <= WIDTH and top >= TOP - 12 and box[3] <= BOTTOM
            if mark.label and inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                facts = f'class="halo name" data-series="{mark.series}" data-name="{escape(mark.name)}"'
                text = f'<text {facts} x="{left:.1f}" y="{top + 0.85 * TEXT:.1f}">{escape(mark.label)}</text>'
                placed.append(text)
                break
    return placed


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]
