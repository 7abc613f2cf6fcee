"""The rules drawn: what leads to which issue, how strongly, how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from api.services.report.drawings.canvas import (
    BLUE,
    FAINT,
    INK,
    RUST,
    SOFT,
    line,
    note,
    percent,
    svg,
    tag,
    words,
    wrapped,
)

_ROW = 40
_TOP = 44
_LINKS = (292, 420)
_SCALE = (600, 890)


@dataclass(frozen=True)
class Link:
    """One rule as drawn: both sides, its excess, its confidence beside what is usual."""

    antecedent: str
    consequent: str
    excess: float
    confidence: float
    low: float
    high: float
    usual: float


@dataclass(frozen=True)
class Heads:
    """What stands above the columns of the drawing."""

    antecedent: str
    consequent: str
    confidence: str


def rule_drawing(links: Sequence[Link], heads: Heads, title: str) -> Markup:
    """Antecedents at the left, issues in the middle, confidence with its interval at the right."""
    rows = _grouped(links)
    height = _TOP + _ROW * len(rows) + 30
    widest = max((link.excess for link in rows), default=1.0) or 1.0
    drawn = _heads(heads) + _axis(height)
    middles = _issue_places(rows)
    for name, y in middles.items():
        drawn += _issue(name, y)
    for at, link in enumerate(rows):
        y = _TOP + _ROW * (at + 0.5)
        drawn += _rule(link, y, middles[link.consequent], 1.5 + 16 * link.excess / widest)
    return svg(960, height, title, *drawn)


def _grouped(links: Sequence[Link]) -> list[Link]:
    """Rules of one issue side by side, the issue of the best rule first."""
    order = list(dict.fromkeys(link.consequent for link in links))
    return sorted(links, key=lambda link: order.index(link.consequent))


def _issue_places(rows: Sequence[Link]) -> dict[str, float]:
    places: dict[str, list[float]] = {}
    for at, link in enumerate(rows):
        places.setdefault(link.consequent, []).append(_TOP + _ROW * (at + 0.5))
    return {name: sum(ys) / len(ys) for name, ys in places.items()}


def _heads(heads: Heads) -> list[Markup]:
    middle = sum(_SCALE) / 2
    return [
        words(_LINKS[0] - 12, 16, heads.antecedent, "end", 12, SOFT),
        words(_LINKS[1] + 12, 16, heads.consequent, "start", 12, SOFT),
        words(middle, 16, heads.confidence, "middle", 12, SOFT),
    ]


def _axis(height: float) -> list[Markup]:
    drawn = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _x(share)
        drawn.append(line(x, _TOP - 8, x, height - 26, FAINT))
        drawn.append(words(x, height - 10, percent(share, 0), "middle", 11, SOFT))
    return drawn


def _x(share: float) -> float:
    return _SCALE[0] + (_SCALE[1] - _SCALE[0]) * share


def _issue(name: str, y: float) -> list[Markup]:
    lines = wrapped(name, _SCALE[0] - _LINKS[1] - 34, 13, 2)
    top = y + 4.5 - 8.5 * (len(lines) - 1)
    return [
        words(_LINKS[1] + 12, top + 17 * at, part, "start", 13, INK, "600")
        for at, part in enumerate(lines)
    ]


def _rule(link: Link, y: float, issue_y: float, width: float) -> list[Markup]:
    left, right = _LINKS
    bend = (left + right) / 2
    curve = tag(
        "path",
        note(f"{link.antecedent} → {link.consequent}: +{link.excess:,.0f}"),
        d=f"M{left},{y:.1f} C{bend:.1f},{y:.1f} {bend:.1f},{issue_y:.1f} {right},{issue_y:.1f}",
        fill="none",
        stroke=BLUE,
        stroke_opacity=0.55,
        stroke_width=width,
    )
    lines = wrapped(link.antecedent, left - 24, 13, 2)
    top = y + 4.5 - 8.5 * (len(lines) - 1)
    names = [words(left - 12, top + 17 * at, part, "end", 13) for at, part in enumerate(lines)]
    return [curve, *names, *_interval(link, y)]


def _interval(link: Link, y: float) -> list[Markup]:
    low, high, usual = _x(link.low), _x(link.high), _x(link.usual)
    shown = note(f"{percent(link.confidence)} ({percent(link.low)}–{percent(link.high)})")
    return [
        line(usual, y - 8, usual, y + 8, RUST, 2),
        line(low, y, high, y, BLUE, 2.4),
        line(low, y - 5, low, y + 5, BLUE, 1.6),
        line(high, y - 5, high, y + 5, BLUE, 1.6),
        tag("circle", shown, cx=_x(link.confidence), cy=y, r=4.5, fill=BLUE),
        words(_SCALE[1] + 62, y + 4, percent(link.confidence, 0), "end", 13, INK, "600"),
    ]
