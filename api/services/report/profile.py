"""投诉画像: who complains about what, through which channel, when; small groups unseen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.report.cases import Cases

_SEGMENTS = ("customer_value", "product", "region", "channel")
_MOST_COLUMNS = 11
REST = ""
_MOST_ROWS = 15


def profile(cases: Cases, small_group: int) -> dict[str, Any]:
    """Segments against categories and a clock of the week; cells under ``small_group`` unseen."""
    return {
        "small_group": small_group,
        "segments": [
            table
            for name in _SEGMENTS
            if cases.known(name)
            for table in [_segment(cases, name, small_group)]
            if table["rows"]
        ],
        "clock": _clock(cases, small_group),
    }


def _segment(cases: Cases, name: str, small_group: int) -> dict[str, Any]:
    """How each group of customers, products … complains: counts by category, each row whole."""
    frame = cases.frame[cases.frame[name] != ""]
    table = _few_columns(pd.crosstab(frame[name], frame["category"]))
    columns = list(table.columns)
    rows = _commonest(table.sum(axis=1), _MOST_ROWS)
    shown = [_row(str(row), table.loc[row, columns], small_group) for row in rows]
    kept = [row for row in shown if row["count"] >= small_group]
    sums = table.sum(axis=1)
    return {
        "attribute": name,
        "columns": [str(column) for column in columns],
        "usual": [float(table[column].sum() / table.to_numpy().sum()) for column in columns],
        "rows": _hide_lone_gaps(kept),
        "others": int(len(sums) - len(rows)),
        "suppressed_groups": int((sums < small_group).sum()),
    }


def _few_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The commonest categories; what is in none of them in a last column, ``REST``."""
    named = [category for category in table.columns if category]
    if not named:
        return table.iloc[:0, :0]
    shown = table[_commonest(table[named].sum(axis=0), _MOST_COLUMNS)]
    rest = table.sum(axis=1) - shown.sum(axis=1)
    return shown.assign(**{REST: rest}) if rest.any() else shown


def _commonest(sums: pd.Series[Any], most: int) -> list[Any]:
    return sorted(sums.index, key=lambda name: (-sums[name], str(name)))[:most]


def _row(value: str, cells: pd.Series[Any], small_group: int) -> dict[str, Any]:
    seen = [int(cell) if cell == 0 or cell >= small_group else None for cell in cells]
    return {"value": value, "count": int(cells.sum()), "cells": seen}


def _hide_lone_gaps(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A single hidden cell could be told from the row's sum: hide the next smallest too."""
    for row in rows:
        cells = row["cells"]
        if cells.count(None) == 1:
            seen = [at for at, cell in enumerate(cells) if cell]
            if seen:
                cells[min(seen, key=lambda at: cells[at])] = None
    return rows


def _clock(cases: Cases, small_group: int) -> list[list[int | None]]:
    """Complaints by weekday (Monday first) and hour; empty where only dates are known."""
    if not cases.timed:
        return []
    hours = cases.frame["hour"].to_numpy(np.int64)
    if not (hours > 0).any():
        return []
    weekdays = cases.frame["received"].dt.day_of_week.to_numpy(np.int64)
    return _seen(np.bincount(weekdays * 24 + hours, minlength=168).reshape(7, 24), small_group)


def _seen(counts: NDArray[np.int64], small_group: int) -> list[list[int | None]]:
    return [[int(c) if c == 0 or c >= small_group else None for c in row] for row in counts]
