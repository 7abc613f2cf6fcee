"""The chart of an effect: weeks before and after, the expected, the same elsewhere, the ratio."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from api.services.report.drawings.canvas import (
    BLUE,
    FAINT,
    GOLD,
    INK,
    PALE,
    RUST,
    SOFT,
    box,
    line,
    note,
    number,
    round_ticks,
    svg,
    tag,
    words,
)
from api.services.report.drawings.columns import Frame, grid, under

_WIDTH = 960
_LEFT, _ROOM = 52, 880
_MOST = 78
_SERIES = ("weeks", "counts", "elsewhere", "expected", "expected_low", "expected_high")
_BAND = "#f3d9b1"
_SCALE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_INKS = {"有效": "#2e7d4f", "无效": RUST, "不确定": GOLD, "过早": SOFT}
Figures = Mapping[str, Any]


def effect_chart(figures: Figures, title: str) -> Markup:
    """Everything that the verdict rests on, in one picture."""
    shown = slice(max(len(figures["weeks"]) - _MOST, 0), None)
    part = {name: figures[name][shown] for name in _SERIES}
    done = figures["done_week"] - shown.start
    compared = figures["comparison"] is not None
    frame = _frame(48, 176, [*_known(part["counts"]), *_known(part["expected_high"])])
    drawn = [*_heading(figures, title), *_legend(), *_main(part, frame, done, figures)]
    bottom = frame.bottom
    if compared:
        below = _frame(bottom + 58, 64, _known(part["elsewhere"]), 2)
        drawn += _elsewhere(part, below, done)
        bottom = below.bottom
    drawn += _ratio(figures, bottom + 52)
    return svg(_WIDTH, bottom + 112, f"{title}: {figures['sentence']}", *drawn)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _frame(top: float, height: float, values: Sequence[float], steps: int = 4) -> Frame:
    ticks = round_ticks(max(values, default=0), steps)
    return Frame(_LEFT, top, _ROOM, height, ticks[-1])


def _heading(figures: Figures, title: str) -> list[Markup]:
    verdict = figures["verdict"]
    return [
        words(_LEFT, 17, title, "start", 14, INK, "600"),
        words(_LEFT + _ROOM, 17, verdict, "end", 15, _INKS[verdict], "700"),
    ]


def _legend() -> list[Markup]:
    """What the marks mean, beneath the title."""
    entries = [(PALE, "措施前"), (BLUE, "措施后"), (_BAND, "若无措施的预计（带：95% 的周）")]
    x, drawn = float(_LEFT), []
    for fill, meaning in entries:
        drawn += [box(x, 27, 11, 11, fill), words(x + 16, 37, meaning, "start", 11, SOFT)]
        x += 16 + 12 * len(meaning) + 22
    return [*drawn, words(_LEFT + _ROOM, 37, "每周件数", "end", 11, SOFT)]


def _main(part: Figures, frame: Frame, done: int, figures: Figures) -> list[Markup]:
    drawn = grid(frame, round_ticks(frame.highest, 4))
    drawn.append(_band(part, frame))
    drawn += _columns(part, part["counts"], frame, done, figures["lag_weeks"])
    drawn += [_levels(part["expected"], frame), *_done(frame, done, part["weeks"])]
    return [*drawn, *under(frame, [day[5:].replace("-", "/") for day in part["weeks"]])]


def _columns(
    part: Figures, counts: Sequence[float | None], frame: Frame, done: int, lag: int
) -> list[Markup]:
    slot = frame.width / max(len(counts), 1)
    drawn = []
    for at, count in enumerate(counts):
        if count is None:
            continue
        x, y = frame.x(at, len(counts)) - slot * 0.32, frame.y(count)
        waits = done <= at < done + lag
        fill = PALE if at < done else FAINT if waits else BLUE
        shown = note(f"{part['weeks'][at]}: {number(count)}")
        drawn.append(box(x, y, slot * 0.64, frame.bottom - y, fill, shown))
    return drawn


def _band(part: Figures, frame: Frame) -> Markup:
    """The area in which 95 % of weeks would lie without the measure."""
    slots = len(part["weeks"])
    slot = frame.width / max(slots, 1)
    pieces = []
    for at, (low, high) in enumerate(zip(part["expected_low"], part["expected_high"], strict=True)):
        if low is not None and high is not None:
            x = frame.left + slot * at
            height = frame.y(low) - frame.y(high)
            pieces.append(box(x, frame.y(high), slot, max(height, 1), _BAND))
    return tag("g", *pieces, opacity=0.65)


def _levels(levels: Sequence[float | None], frame: Frame) -> Markup:
    slot = frame.width / max(len(levels), 1)
    path, drawing = [], False
    for at, level in enumerate(levels):
        if level is None:
            drawing = False
            continue
        left, y = frame.left + slot * at, frame.y(level)
        path.append(f"{'L' if drawing else 'M'}{left:.1f},{y:.1f} H{left + slot:.1f}")
        drawing = True
    return tag("path", d=" ".join(path) or "M0,0", fill="none", stroke=GOLD, stroke_width=2)


def _done(frame: Frame, done: int, weeks: Sequence[str]) -> list[Markup]:
    """The day of the measure as an upright line."""
    if not 0 <= done <= len(weeks):
        return []
    x = frame.left + frame.width * done / max(len(weeks), 1)
    upright = tag("line", x1=x, y1=frame.top - 6, x2=x, y2=frame.bottom, stroke=RUST,
                  stroke_width=1.6, stroke_dasharray="5 3")  # fmt: skip
    day = weeks[done] if done < len(weeks) else ""
    side = "end" if x > frame.left + frame.width * 0.8 else "start"
    shift = -6 if side == "end" else 6
    return [upright, words(x + shift, frame.top + 5, f"措施 {day}".strip(), side, 11, RUST, "600")]


def _elsewhere(part: Figures, frame: Frame, done: int) -> list[Markup]:
    """The comparison group on its own scale."""
    head = words(_LEFT, frame.top - 14, "对照：未实施处的同类投诉", "start", 12, INK, "600")
    drawn = [head, *grid(frame, round_ticks(frame.highest, 2))]
    slot = frame.width / max(len(part["elsewhere"]), 1)
    for at, count in enumerate(part["elsewhere"]):
        if count is None:
            continue
        x, y = frame.x(at, len(part["elsewhere"])) - slot * 0.32, frame.y(count)
        shown = note(f"{part['weeks'][at]}: {number(count)}")
        drawn.append(box(x, y, slot * 0.64, frame.bottom - y, "#aab4bd", shown))
    x = frame.left + frame.width * done / max(len(part["weeks"]), 1)
    drawn.append(tag("line", x1=x, y1=frame.top, x2=x, y2=frame.bottom, stroke=RUST,
                     stroke_width=1.2, stroke_dasharray="5 3"))  # fmt: skip
    return drawn


def _ratio(figures: Figures, top: float) -> list[Markup]:
    """The rate ratio with its interval on a logarithmic scale; 1 is no effect."""
    left, width = _LEFT + 260, _ROOM - 320

    def x(ratio: float) -> float:
        within = min(max(ratio, _SCALE[0]), _SCALE[-1])
        span = math.log(_SCALE[-1] / _SCALE[0])
        return left + width * math.log(within / _SCALE[0]) / span

    drawn = [words(_LEFT, top + 5, "实际 ÷ 预计（95% 区间）", "start", 12, INK, "600")]
    for tick in _SCALE:
        stroke, thick = (INK, 1.4) if tick == 1 else (FAINT, 1.0)
        drawn.append(line(x(tick), top - 16, x(tick), top + 20, stroke, thick))
        drawn.append(words(x(tick), top + 36, f"{tick:g}", "middle", 11, SOFT))
    if figures["rate_ratio"] is None or figures["interval"] is None:
        return [*drawn, words(left + width / 2, top + 5, "还不能计算", "middle", 12, SOFT)]
    low, high = (end if end is not None else _SCALE[-1] for end in figures["interval"])
    fill = _INKS[figures["verdict"]]
    drawn += [
        line(x(low), top, x(high), top, fill, 3),
        *(line(x(end), top - 6, x(end), top + 6, fill, 2) for end in (low, high)),
        tag("circle", cx=x(figures["rate_ratio"]), cy=top, r=5.5, fill=fill),
        words(_LEFT, top + 25, f"{figures['rate_ratio']:.2f}（{low:.2f} ～ {high:.2f}）",
              "start", 13, fill, "700"),
    ]  # fmt: skip
    drawn.append(words(x(1) - 8, top - 22, "← 减少", "end", 11, SOFT))
    drawn.append(words(x(1) + 8, top - 22, "增加 →", "start", 11, SOFT))
    return drawn
