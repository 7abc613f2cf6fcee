"""Measures of a complaint table, judged without a service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from api.services.exposure import units_column
from api.services.improvement.effects import measured
from api.services.improvement.weeks import EXPOSED, Carried, Case, History, Units
from api.services.tables import RowError, Table, read_table
from domain.calendar import china_day, parse_time
from domain.complaint import is_anonymous, is_unknown
from domain.errors import ColumnMissing, InputError, SettingRefused

_WHERE = ("product", "batch", "region", "outlet", "channel", "department", "courier", "team",
          "handler", "customer_value")  # fmt: skip
_LAGS = frozenset(map(str, range(53)))
_YEARS = range(1900, 2200)


@dataclass(frozen=True)
class MeasureTable:
    """The measures of a table, and its rows that were left out."""

    measures: tuple[Carried, ...]
    errors: tuple[RowError, ...]
    rows_in: int


def read_measures(path: Path) -> MeasureTable:
    """A table with the columns ``id, issue, done_on`` and those that say where it applies."""
    table = read_table(path)
    frame = table.frame
    for column in ("id", "issue", "done_on"):
        if column not in frame.columns:
            raise ColumnMissing(
                f"{path.name} has the columns {', '.join(frame.columns)}; needed are id, issue, "
                f"done_on and where it applies ({', '.join(_WHERE[:5])})"
            )
    read = [_carried(int(str(row)), told) for row, told in frame.iterrows()]
    errors = (*table.errors, *(each for each in read if isinstance(each, RowError)))
    measures = tuple(each for each in read if not isinstance(each, RowError))
    if errors and not measures:
        raise SettingRefused(f"{path.name}, {errors[0]}")
    return MeasureTable(measures, errors, table.rows_in)


def _carried(row: int, told: Any) -> Carried | RowError:
    where = [name for name in _WHERE if name in told.index and str(told[name]).strip()]
    places = [{"attribute": name, "value": str(told[name]).strip()} for name in where]
    lag = str(told.get("lag_weeks", "") or "0").strip()
    try:
        done_on = _day_of_measure(str(told["done_on"]))
    except ValueError:
        return RowError(row, "is no day from 1900 to 2199; write 2026-01-31", "done_on")
    if lag not in _LAGS:
        return RowError(row, "is no number from 0 to 52", "lag_weeks")
    return Carried(str(told["id"]), str(told["issue"]).strip(), places, done_on, int(lag))


def _day_of_measure(written: str) -> date:
    day = date.fromisoformat(written.strip()[:10])
    if day.year not in _YEARS:
        raise ValueError(written)
    return day


def read_units(path: Path) -> list[Units]:
    """Units by week and place, from a table with ``week_start`` and a column of units."""
    frame = read_table(path).frame
    amounts = units_column(frame, path)
    if "week_start" not in frame.columns:
        raise ColumnMissing(
            f"{path.name} has the columns {', '.join(frame.columns)}; needed is week_start, the "
            "first day of the week that the units were sold or served in"
        )
    named = [name for name in EXPOSED if name in frame.columns]
    sums = amounts.groupby([frame[name] for name in ("week_start", *named)]).sum()
    return [_units(path, key if isinstance(key, tuple) else (key,), named, units)
            for key, units in sums.items()]  # fmt: skip


def _units(path: Path, key: Sequence[Any], named: Sequence[str], units: float) -> Units:
    try:
        start = date.fromisoformat(str(key[0])[:10])
    except ValueError:
        raise SettingRefused(f"{path.name}: a week_start is no day; write 2026-01-31") from None
    return Units(start, dict(zip(named, map(str, key[1:]), strict=True)), float(units))


def judge_table(
    table: Table,
    measures: Sequence[Carried],
    units: Sequence[Units] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[dict[str, Any]]:
    """The measured effect of each measure, in order."""
    frame = table.require("issues", "received_at").frame
    days = [_day(raw) for raw in frame["received_at"]]
    known = [day for day in days if day is not None]
    if not known:
        raise InputError("no row has a time that can be read; effects need received_at")
    cases = _cases(frame, days, {code for one in measures for code in _codes(one)})
    histories: dict[frozenset[str], History] = {}
    daily = Counter(known)
    answers = []
    for place, one in enumerate(measures):
        codes = _codes(one)
        if codes not in histories:
            rows = sorted({at for code in codes for at in cases.by_code.get(code, ())})
            held = [cases.found[at] for at in rows]
            histories[codes] = History(held, min(known), max(known), units, daily)
        others = [other for other in measures if other is not one and _codes(other) & codes]
        effect = measured(histories[codes], one, others)
        told = {"id": one.id, "issue": one.issue, "places": list(one.places)}
        answers.append({**told, "done_on": one.done_on.isoformat(), **effect.figures()})
        progress(place + 1, len(measures))
    return answers


def _codes(one: Carried) -> frozenset[str]:
    return frozenset(one.issue.split("|"))


def _day(raw: Any) -> date | None:
    try:
        return china_day(parse_time(raw))
    except InputError:
        return None


@dataclass(frozen=True)
class _Cases:
    """Cases of some issues, and which of them have which code."""

    found: list[Case]
    by_code: dict[str, list[int]]


def _cases(frame: pd.DataFrame, days: Sequence[date | None], codes: set[str]) -> _Cases:
    where = [name for name in _WHERE if name in frame.columns]
    customers = frame["customer_id"] if "customer_id" in frame.columns else [None] * len(frame)
    columns = [frame[name] for name in where]
    found: list[Case] = []
    by_code: dict[str, list[int]] = {}
    for day, issues, customer, *values in zip(
        days, frame["issues"], customers, *columns, strict=True
    ):
        named = codes & set(str(issues).split("|"))
        if day is not None and named:
            held = {name: v for name, v in zip(where, values, strict=True) if not is_unknown(v)}
            for code in named:
                by_code.setdefault(code, []).append(len(found))
            found.append(Case(day, held, None if is_anonymous(customer) else str(customer)))
    return _Cases(found, by_code)
