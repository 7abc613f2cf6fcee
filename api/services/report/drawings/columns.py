"""Columns over time: weekly volumes, small multiples, sparklines, Pareto."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from api.services.report.drawings.canvas import (
    BLUE,
    FAINT,
    INK,
    PALE,
    RUST,
    SOFT,
    box,
    line,
    note,
    number,
    percent,
    round_ticks,
    spaced,
    svg,
    tag,
    words,
    wrapped,
)

Counts = Sequence[int | None]


@dataclass(frozen=True)
class Frame:
    """The plotting area of a chart and its vertical scale."""

    left: float
    top: float
    width: float
    height: float
    highest: float

    @property
    def bottom(self) -> float:
        """Where zero lies."""
        return self.top + self.height

    def y(self, value: float) -> float:
        """Height of a value."""
        return self.bottom - self.height * value / self.highest

    def x(self, at: int, of: int) -> float:
        """Middle of a slot."""
        return self.left + self.width * (at + 0.5) / of


def grid(frame: Frame, ticks: Sequence[float]) -> list[Markup]:
    """Level lines with their values at the left."""
    drawn = []
    for tick in ticks:
        y = frame.y(tick)
        drawn.append(line(frame.left, y, frame.left + frame.width, y, SOFT if tick == 0 else FAINT))
        drawn.append(words(frame.left - 7, y + 4, number(tick), "end", 11, SOFT))
    return drawn


def under(frame: Frame, labels: Sequence[str]) -> list[Markup]:
    """Labels below the slots, as many as fit."""
    step = spaced(labels, frame.width)
    y = frame.bottom + 17
    return [
        words(frame.x(at, len(labels)), y, label, "middle", 11, SOFT)
        for at, label in enumerate(labels)
        if at % step == 0
    ]


def weekly_columns(
    labels: Sequence[str], counts: Counts, whole: Sequence[bool], title: str, gap: str
) -> Markup:
    """Volume by week; weeks that the period cuts are pale, weeks without data are marked."""
    ticks = round_ticks(max((count or 0 for count in counts), default=0))
    frame = Frame(52, 14, 894, 170, ticks[-1])
    slot = frame.width / max(len(counts), 1)
    drawn = grid(frame, ticks)
    for at, count in enumerate(counts):
        x = frame.x(at, len(counts)) - slot * 0.38
        if count is None:
            if at == 0 or counts[at - 1] is not None:
                drawn.append(_gap(frame, counts, at, f"{labels[at]} {gap}"))
            continue
        fill = BLUE if whole[at] else PALE
        y = frame.y(count)
        bar = box(x, y, slot * 0.76, frame.bottom - y, fill, note(f"{labels[at]}: {count:,}"))
        drawn.append(bar)
    return svg(960, 214, title, *drawn, *under(frame, labels))


def _gap(frame: Frame, counts: Counts, first: int, label: str) -> Markup:
    """One dashed box around neighbouring weeks without data."""
    length = next((n for n, count in enumerate(counts[first:]) if count is not None), None)
    slot = frame.width / len(counts)
    return tag(
        "rect",
        note(label),
        x=frame.left + slot * (first + 0.12),
        y=frame.top,
        width=slot * ((length or len(counts) - first) - 0.24),
        height=frame.height,
        fill="none",
        stroke=SOFT,
        stroke_dasharray="2 4",
        stroke_width=0.8,
    )


def rise_columns(
    labels: Sequence[str],
    counts: Counts,
    expected: Sequence[float | None],
    upper: Sequence[float | None],
    alarms: Sequence[bool],
    title: str,
) -> Markup:
    """Weekly counts beside what was expected; weeks with an alarm are red."""
    highest = max([*(count or 0 for count in counts), *(level or 0 for level in upper)], default=0)
    ticks = round_ticks(highest, 3)
    frame = Frame(52, 10, 894, 112, ticks[-1])
    slot = frame.width / max(len(counts), 1)
    drawn = grid(frame, ticks)
    for at, count in enumerate(counts):
        if count is not None:
            x, y = frame.x(at, len(counts)) - slot * 0.38, frame.y(count)
            fill = RUST if alarms[at] else PALE
            shown = note(f"{labels[at]}: {count:,}")
            drawn.append(box(x, y, slot * 0.76, frame.bottom - y, fill, shown))
    drawn.append(_steps(frame, expected, INK, "none"))
    drawn.append(_steps(frame, upper, RUST, "4 3"))
    return svg(960, frame.bottom + 28, title, *drawn, *under(frame, labels))


def _steps(frame: Frame, levels: Sequence[float | None], stroke: str, dashes: str) -> Markup:
    """A level for each slot as a stepped line, broken where none is known."""
    slot = frame.width / max(len(levels), 1)
    path = []
    for at, level in enumerate(levels):
        if level is None:
            continue
        start = "L" if at and levels[at - 1] is not None else "M"
        left = frame.left + slot * at
        path.append(f"{start}{left:.1f},{frame.y(level):.1f} H{left + slot:.1f}")
    return tag(
        "path",
        d=" ".join(path) or "M0,0",
        fill="none",
        stroke=stroke,
        stroke_width=1.3,
        stroke_dasharray=dashes,
    )


def forecast_columns(
    known: Sequence[tuple[str, int | None]],
    ahead: Sequence[tuple[str, float, float, float]],
    title: str,
) -> Markup:
    """Known weeks dark, weeks ahead pale with the interval of each (mean, low, high)."""
    counts = [count or 0 for _, count in known]
    ticks = round_ticks(max([*counts, *(high for *_, high in ahead)], default=0))
    frame = Frame(52, 14, 894, 170, ticks[-1])
    slots = len(known) + len(ahead)
    width = frame.width / max(slots, 1) * 0.76
    drawn = grid(frame, ticks)
    for at, (label, count) in enumerate(known):
        if count is not None:
            y, x = frame.y(count), frame.x(at, slots) - width / 2
            shown = note(f"{label}: {count:,}")
            drawn.append(box(x, y, width, frame.bottom - y, BLUE, shown))
    for at, (label, mean, low, high) in enumerate(ahead, start=len(known)):
        x, y = frame.x(at, slots), frame.y(mean)
        shown = note(f"{label}: {mean:,.0f} ({low:,.0f}–{high:,.0f})")
        drawn.append(box(x - width / 2, y, width, frame.bottom - y, PALE, shown))
        drawn.append(line(x, frame.y(low), x, frame.y(high), INK, 1.4))
        drawn += [line(x - 4, frame.y(end), x + 4, frame.y(end), INK, 1.4) for end in (low, high)]
    labels = [label for label, _ in known] + [label for label, *_ in ahead]
    return svg(960, 214, title, *drawn, *under(frame, labels))


def small_columns(labels: Sequence[str], counts: Counts, title: str) -> Markup:
    """One of several small charts, each on its own scale."""
    ticks = round_ticks(max((count or 0 for count in counts), default=0), 2)
    frame = Frame(38, 8, 258, 66, ticks[-1])
    slot = frame.width / max(len(counts), 1)
    drawn = grid(frame, ticks)
    for at, count in enumerate(counts):
        if count is not None:
            y, x = frame.y(count), frame.x(at, len(counts)) - slot * 0.4
            shown = note(f"{labels[at]}: {count:,}")
            drawn.append(box(x, y, slot * 0.8, frame.bottom - y, BLUE, shown))
    ends = [words(frame.left, frame.bottom + 15, labels[0], "start", 10, SOFT)] if labels else []
    if len(labels) > 1:
        right = frame.left + frame.width
        ends.append(words(right, frame.bottom + 15, labels[-1], "end", 10, SOFT))
    return svg(300, 96, title, *drawn, *ends)


def sparkline(labels: Sequence[str], counts: Counts, title: str) -> Markup:
    """Weekly counts without axes: when it held."""
    highest = max((count or 0 for count in counts), default=0) or 1
    slot = 220 / max(len(counts), 1)
    drawn = [line(0, 35.5, 220, 35.5, SOFT, 0.8)]
    for at, count in enumerate(counts):
        if count:
            height = 33 * count / highest
            shown = note(f"{labels[at]}: {count:,}")
            drawn.append(box(at * slot + slot * 0.1, 35 - height, slot * 0.8, height, BLUE, shown))
        elif count is None:
            drawn.append(line(at * slot, 35.5, (at + 1) * slot, 35.5, "#ffffff", 2))
    return svg(220, 37, title, *drawn)


def pareto(
    names: Sequence[str], found: Sequence[int], running: Sequence[float], title: str
) -> Markup:
    """Columns in falling order and the running share of all mentions above them."""
    ticks = round_ticks(max(found, default=0))
    frame = Frame(52, 22, 850, 200, ticks[-1])
    slot = frame.width / max(len(found), 1)
    drawn = grid(frame, ticks)
    width = min(slot * 0.7, 64)
    below = 1
    for at, (name, count) in enumerate(zip(names, found, strict=True)):
        x, y = frame.x(at, len(found)), frame.y(count)
        shown = note(f"{name}: {count:,} ({percent(running[at])})")
        drawn.append(box(x - width / 2, y, width, frame.bottom - y, BLUE, shown))
        for row, part in enumerate(wrapped(name, max(slot - 6, 30), 11, 3)):
            drawn.append(words(x, frame.bottom + 17 + 14 * row, part, "middle", 11, INK))
            below = max(below, row + 1)
    return svg(960, frame.bottom + 12 + 14 * below, title, *drawn, *_running(frame, running))


def _running(frame: Frame, running: Sequence[float]) -> list[Markup]:
    def y(share: float) -> float:
        return frame.bottom - frame.height * share

    right = frame.left + frame.width
    places = [(frame.x(at, len(running)), y(share)) for at, share in enumerate(running)]
    path = " ".join(f"{x:.1f},{height:.1f}" for x, height in places)
    drawn = [tag("polyline", points=path, fill="none", stroke=RUST, stroke_width=1.8)]
    drawn += [tag("circle", cx=x, cy=height, r=2.6, fill=RUST) for x, height in places]
    for share in (0.0, 0.5, 0.8, 1.0):
        drawn.append(words(right + 8, y(share) + 4, percent(share, 0), "start", 11, RUST))
    level = y(0.8)
    eighty = tag(
        "line",
        x1=frame.left,
        y1=level,
        x2=right,
        y2=level,
        stroke=RUST,
        stroke_width=0.8,
        stroke_dasharray="3 4",
    )
    return [eighty, *drawn]
