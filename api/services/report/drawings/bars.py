"""Lying bars: shares with their intervals, and the clock of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from api.services.report.drawings.canvas import (
    BLUE,
    INK,
    PALE,
    RUST,
    SOFT,
    box,
    line,
    note,
    percent,
    svg,
    tag,
    text_width,
    words,
    wrapped,
)

_ROW = 26


@dataclass(frozen=True)
class Share:
    """One bar: its name, share with interval, count, and the share before where known."""

    name: str
    share: float
    low: float
    high: float
    count: int
    before: float | None = None


def share_bars(rows: Sequence[Share], title: str, width: float = 460) -> Markup:
    """Shares as bars with 95 % whiskers; a rust tick marks the earlier period."""
    label = min(max((text_width(row.name, 12) for row in rows), default=0) + 12, 172)
    room = width - label - 108
    highest = max((max(row.high, row.before or 0) for row in rows), default=1) or 1
    drawn: list[Markup] = []
    for at, row in enumerate(rows):
        drawn += _share(row, at * _ROW + 4, label, room / highest, width)
    return svg(width, max(len(rows), 1) * _ROW + 6, title, *drawn)


def _share(row: Share, top: float, left: float, scale: float, width: float) -> list[Markup]:
    middle = top + 9
    name = wrapped(row.name, left - 10, 12, 1)[0]
    shown = note(f"{row.name}: {row.count:,} ({percent(row.share)})")
    drawn = [
        words(left - 8, top + 13, name, "end", 12),
        box(left, top, row.share * scale, 18, PALE, shown),
        line(left + row.low * scale, middle, left + row.high * scale, middle, INK, 1.2),
        words(width - 58, top + 13, percent(row.share), "end", 12, INK, "600"),
        words(width - 2, top + 13, f"{row.count:,}", "end", 11, SOFT),
    ]
    ends = (left + row.low * scale, left + row.high * scale)
    drawn += [line(x, middle - 4, x, middle + 4, INK, 1.2) for x in ends]
    if row.before is not None:
        x = left + row.before * scale
        drawn.append(line(x, top - 2, x, top + 20, RUST, 2))
    return drawn


def clock(
    counts: Sequence[Sequence[int | None]], days: Sequence[str], title: str, hidden: str
) -> Markup:
    """Weekday by hour, darker where more came in; groups too small to show are hatched."""
    highest = max((count or 0 for row in counts for count in row), default=0) or 1
    drawn = [words(46 + 37.5 * h, 12, f"{h}", "middle", 11, SOFT) for h in range(0, 24, 3)]
    for at, row in enumerate(counts):
        top = 20 + 24 * at
        drawn.append(words(22, top + 15, days[at], "end", 11, SOFT))
        for hour, count in enumerate(row):
            drawn.append(
                _hour(30 + 37.5 * hour, top, count, highest, f"{days[at]} {hour}:00", hidden)
            )
    return svg(940, 20 + 24 * 7 + 4, title, *drawn)


def _hour(x: float, y: float, count: int | None, highest: int, when: str, hidden: str) -> Markup:
    shown = note(f"{when}: {hidden if count is None else f'{count:,}'}")
    strength = 0.0 if count is None else 0.06 + 0.94 * count / highest
    kind = {"fill": BLUE, "fill_opacity": round(strength, 3)} if count else {"fill": "#f3f5f7"}
    return tag("rect", shown, x=x, y=y, width=34.5, height=21, rx=2, **kind)
