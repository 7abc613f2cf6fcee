"""Elements, widths of words and round scales: what every chart is drawn with."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

INK = "#1b1f24"
SOFT = "#5a6470"
FAINT = "#dfe4e8"
BLUE = "#1f5f8b"
PALE = "#c4d7e4"
RUST = "#b23c17"
GOLD = "#b98a1e"
FONTS = (
    "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC',"
    "'Microsoft YaHei','Hiragino Sans GB',sans-serif"
)


def tag(name: str, *children: str, **attributes: str | float) -> Markup:
    """One element; attribute names with ``_`` for ``-``, everything escaped."""
    shown = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_written(value))}"'
        for key, value in attributes.items()
    )
    inside = Markup("").join(escape(child) for child in children)
    return Markup(f"<{name}{shown}>{inside}</{name}>")  # noqa: S704  (all parts escaped above)


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def svg(width: float, height: float, label: str, *children: Markup) -> Markup:
    """A drawing with the words that stand for it where it can't be seen."""
    return tag(
        "svg",
        tag("title", label),
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_written(width)} {_written(height)}",
        width=width,
        height=height,
        role="img",
        font_family=FONTS,
        font_size=12,
        fill=INK,
    )


def line(
    x1: float, y1: float, x2: float, y2: float, stroke: str = FAINT, width: float = 1
) -> Markup:
    """A straight line."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width)


def box(x: float, y: float, width: float, height: float, fill: str, *children: Markup) -> Markup:
    """A filled rectangle."""
    sides = {"x": x, "y": y, "width": max(width, 0), "height": max(height, 0)}
    return tag("rect", *children, fill=fill, **sides)


def words(
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    size: float = 12,
    fill: str = INK,
    weight: str = "normal",
) -> Markup:
    """A line of text; ``y`` is its baseline."""
    return tag(
        "text", text, x=x, y=y, text_anchor=anchor, font_size=size, fill=fill, font_weight=weight
    )


def note(text: str) -> Markup:
    """What a reader sees on hovering, and a screen reader says."""
    return tag("title", text)


def text_width(text: str, size: float = 12) -> float:
    """Width of a text in pixels: an ideograph is as wide as high, a Latin letter 0.6 of it."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (wide + 0.6 * (len(text) - wide))


def wrapped(text: str, width: float, size: float = 12, lines: int = 2) -> list[str]:
    """Break a text into lines that fit; what does not fit the last line ends in …."""
    broken: list[str] = [""]
    for piece in _pieces(text):
        if broken[-1] and text_width(broken[-1] + piece, size) > width:
            broken.append("")
        broken[-1] += piece if broken[-1] else piece.lstrip()
    if len(broken) <= lines and all(text_width(part, size) <= width for part in broken):
        return broken
    kept = broken[:lines]
    kept[-1] = _shortened("".join(broken[lines - 1 :]), width, size)
    return [_shortened(part, width, size) for part in kept[:-1]] + kept[-1:]


def _shortened(text: str, width: float, size: float) -> str:
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…"


def _pieces(text: str) -> Iterable[str]:
    """Where a line may break: around every ideograph, after blanks and joints."""
    piece = ""
    for character in text:
        if unicodedata.east_asian_width(character) in "WF":
            yield from filter(None, (piece, character))
            piece = ""
        else:
            piece += character
            if character in " -/·":
                yield piece
                piece = ""
    if piece:
        yield piece


def round_ticks(highest: float, about: int = 4) -> list[float]:
    """Round values from 0 to just above the highest, about so many steps."""
    if highest <= 0:
        return [0.0, 1.0]
    raw = highest / about
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(s * magnitude for s in (1, 2, 2.5, 5, 10) if s * magnitude >= raw * 0.999)
    if highest >= about and step < 1:
        step = 1.0
    return [step * n for n in range(math.ceil(highest / step - 1e-9) + 1)]


def number(value: float) -> str:
    """A count or an amount with its thousands parted."""
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 or value >= 100 else f"{value:,.1f}"


def percent(share: float, digits: int = 1) -> str:
    """A share in per cent."""
    return f"{100 * share:.{digits}f}%"


def spaced(labels: Sequence[str], room: float, size: float = 11) -> int:
    """Show every n-th label so that none touches the next."""
    widest = max((text_width(label, size) for label in labels), default=0.0) + 14
    return max(1, math.ceil(widest * len(labels) / max(room, 1)))
