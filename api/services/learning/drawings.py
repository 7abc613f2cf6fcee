"""Pictures of a comparison: differences with their intervals, and who is taken for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from api.services.report.drawings.canvas import (
    BLUE,
    FAINT,
    INK,
    RUST,
    SOFT,
    box,
    line,
    note,
    svg,
    tag,
    words,
    wrapped,
)

SETS = {"frozen": "固定测试集", "recent": "最近数据", "noise": "噪声副本", "table": "表格"}
TARGETS = {"category": "类别", "issues": "问题编码", "tier": "等级", "sentiment": "情绪"}
FIGURES = {"accuracy": "正确率", "exact": "全对率", "macro_f1": "macro-F1",
           "micro_f1": "micro-F1"}  # fmt: skip
_ROW, _LEFT, _WIDTH, _ROOM = 26, 250, 860, 430
_CELL = 46


def difference_chart(sets: Mapping[str, Mapping[str, Any]]) -> Markup:
    """New model less the one in use, figure by figure, with 95 % intervals around no change."""
    rows = [
        (name, target, figure, each)
        for name, targets in sets.items()
        for target, found in targets.items()
        for figure, each in found["figures"].items()
        if figure in FIGURES
    ]
    widest = max((abs(each[side]) for *_, each in rows for side in ("low", "high")), default=0)
    scale = _ROOM / 2 / (max(widest, 0.01) * 1.1)
    zero, bottom = _LEFT + _ROOM / 2, 30 + _ROW * len(rows)
    drawn = [
        words(zero - 8, 16, "◀ 新模型更差", "end", 12, RUST),
        words(zero + 8, 16, "新模型更好 ▶", "start", 12, BLUE),
        line(zero, 24, zero, bottom, SOFT, 1.2),
    ]
    for place, row in enumerate(rows):
        drawn += _difference(30 + _ROW * place, zero, scale, *row)
    return svg(_WIDTH, bottom + 8, "新旧模型之差 / difference with 95 % intervals", *drawn)


def _difference(
    top: float, zero: float, scale: float, name: str, target: str, figure: str, each: Any
) -> list[Markup]:
    y, gap = top + 13, each["difference"]
    ink = RUST if each["high"] < 0 else BLUE if each["low"] > 0 else INK
    label = f"{SETS.get(name, name)} · {TARGETS.get(target, target)} · {FIGURES[figure]}"
    told = f"{label}: {each['champion']:.3f} → {each['challenger']:.3f}"
    return [
        words(_LEFT - 12, y + 4, label, "end", 12),
        line(_LEFT, top + _ROW, _LEFT + _ROOM, top + _ROW, FAINT),
        line(zero + each["low"] * scale, y, zero + each["high"] * scale, y, ink, 2),
        tag("circle", note(told), cx=zero + gap * scale, cy=y, r=4.5, fill=ink),
        words(_LEFT + _ROOM + 14, y + 4, f"{gap:+.3f}", "start", 12, ink, "600"),
        words(_WIDTH - 4, y + 4, f"{each['champion']:.3f} → {each['challenger']:.3f}", "end", 11,
              SOFT),
    ]  # fmt: skip


def confusion_chart(classes: Sequence[str], counts: Sequence[Sequence[int]], title: str) -> Markup:
    """True labels by rows, answers by columns; mistakes in rust, hits in blue."""
    left, top = 110, 92
    drawn = [
        words(left - 10, top - 8, "实际 ↓　判为 →", "end", 11, SOFT),
        *(_column(left + _CELL * (k + 0.5), top, label) for k, label in enumerate(classes)),
    ]
    for i, row in enumerate(counts):
        y = top + _CELL * i
        drawn.append(words(left - 10, y + 28, wrapped(classes[i], left - 14, 12, 1)[0], "end", 12))
        for k, count in enumerate(row):
            drawn += _cell(left + _CELL * k, y, count, sum(row) or 1, i == k,
                           f"{classes[i]} → {classes[k]}")  # fmt: skip
    size = _CELL * len(classes)
    return svg(left + size + 60, top + size + 8, title, *drawn)


def _column(x: float, y: float, label: str) -> Markup:
    turned = f"rotate(-45 {x:.1f} {y - 8:.1f})"
    return tag("text", label, x=x, y=y - 8, font_size=12, fill=INK, transform=turned)


def _cell(x: float, y: float, count: int, of: int, hit: bool, told: str) -> list[Markup]:
    share = count / of
    ink = "#ffffff" if share > 0.55 else INK
    square = box(x + 1, y + 1, _CELL - 2, _CELL - 2, "#f3f5f7", note(f"{told}: {count:,}"))
    shade = tag("rect", x=x + 1, y=y + 1, width=_CELL - 2, height=_CELL - 2,
                fill=BLUE if hit else RUST, fill_opacity=round(share, 3))  # fmt: skip
    shown = words(x + _CELL / 2, y + 28, f"{count:,}" if count else "", "middle", 12, ink)
    return [square, shade, shown]
