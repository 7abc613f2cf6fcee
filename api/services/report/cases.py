"""The complaints that a report counts, gathered from a table into typed columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from api.services.periods import Period, last_whole
from api.services.report.language import Language
from api.services.report.options import ITEMS, ReportOptions
from api.services.tables import RowError, Table, moments
from domain.calendar import CHINA
from domain.complaint import COLUMNS, is_unknown
from domain.errors import ColumnMissing, InputError, SettingRefused
from domain.taxonomy import NO_COMPLAINT, Taxonomy
from mining.spelling import join_spellings, spelling_key

_NUMBERS = ("cost", "compensation", "satisfaction", "answer_satisfaction", "nps")
_TRUTHS = ("reopened", "returned", "substantiated")
_WORDS = ("tier", "sentiment", "customer_value", "escalated_to")
_NAMES = ("channel", "department", "product", "batch", "region", "outlet", "team", "handler")
_JOINED = r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)$"
_EPOCH_MONDAY = np.datetime64("1970-01-05", "D")
_APART = timedelta(weeks=8)


class Labels(Protocol):
    """What a desk says of one text, as far as a report uses it."""

    category: str
    issues: Sequence[str]
    tier: str
    sentiment: str


Desk = Callable[[Sequence[str]], Sequence[Labels]]


@dataclass(frozen=True)
class Cases:
    """Complaints by row, in the order of the table.

    ``frame`` has ``id, text, received`` (local time), ``day, week, hour`` where times are known,
    labels and attributes as strings ("" says nothing), figures as floats (NaN says nothing).
    ``issue_rows`` and ``issue_codes`` hold one entry for each issue of each complaint, the main
    issue of a row first; codes index ``issue_names``.
    """

    frame: pd.DataFrame
    issue_rows: NDArray[np.int64]
    issue_codes: NDArray[np.int64]
    codes: tuple[str, ...]
    items: tuple[str, ...]
    timed: bool
    predicted: int
    without_time: int
    errors: tuple[RowError, ...]

    def __len__(self) -> int:
        """Number of complaints."""
        return len(self.frame)

    def keep(self, rows: NDArray[np.bool_]) -> Cases:
        """The cases of some of the rows."""
        place = np.cumsum(rows) - 1
        held = rows[self.issue_rows]
        return replace(
            self,
            frame=self.frame[rows].reset_index(drop=True),
            issue_rows=place[self.issue_rows[held]],
            issue_codes=self.issue_codes[held],
        )

    def within(self, period: Period) -> Cases:
        """The cases received in a period."""
        day = self.frame["day"].to_numpy()
        return self.keep((day >= np.datetime64(period.start)) & (day <= np.datetime64(period.end)))

    @property
    def main_issue(self) -> NDArray[np.int64]:
        """Code of each case's first issue, -1 where it has none."""
        main = np.full(len(self), -1, dtype=np.int64)
        rows, first = np.unique(self.issue_rows, return_index=True)
        main[rows] = self.issue_codes[first]
        return main

    def has_issue(self, code: int) -> NDArray[np.bool_]:
        """Which cases have an issue."""
        found = np.zeros(len(self), dtype=np.bool_)
        found[self.issue_rows[self.issue_codes == code]] = True
        return found

    def known(self, column: str) -> bool:
        """Whether a column says something in at least one row."""
        if column not in self.frame.columns:
            return False
        values = self.frame[column]
        if pd.api.types.is_numeric_dtype(values):
            return bool(values.notna().any())
        return bool((values != "").any())


def gather(table: Table, options: ReportOptions, desk: Desk | None = None) -> Cases:
    """Gather a table's complaints; a wrong cell costs that cell, a doubled id its row."""
    errors = list(table.errors)
    frame, doubled = _rows_with_id(table)
    errors += doubled
    items = _items(table, options)
    table.require(*options.only)
    columns = _columns(frame, items, errors, options)
    timed = "received_at" in frame.columns
    if timed:
        columns |= _times(frame["received_at"], errors)
        columns["answer_hours"] = _hours(frame, "answered_at", columns["received"], errors)
    cases = pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))
    predicted = _predict(cases, desk)
    _categories(cases, options.taxonomy)
    rows, codes, names = _issues(cases["issues"])
    gathered = Cases(cases, rows, codes, names, items, timed, predicted, 0, tuple(errors))
    return _unnamed(_with_times(_only(gathered, options), options), options)


def _unnamed(cases: Cases, options: ReportOptions) -> Cases:
    """Numbers in place of the names of persons, counted as they come."""
    language = Language(options.language)
    numbered = {}
    for name in options.personal:
        if name in cases.frame.columns:
            codes, values = pd.factorize(cases.frame[name])
            word = language.column(name)
            known = [f"{word} {at}" if value else "" for at, value in enumerate(values, start=1)]
            numbered[name] = np.array(known, dtype=object)[codes]
    return replace(cases, frame=cases.frame.assign(**numbered))


def _only(cases: Cases, options: ReportOptions) -> Cases:
    """The cases of one product line or unit, where the report is about one."""
    for name, wanted in options.only.items():
        column = cases.frame[name]
        known = {value: spelling_key(value) for value in column.unique() if value}
        meant = [value for value, key in known.items() if key == spelling_key(wanted)]
        if not meant:
            there = ", ".join(sorted(known)[:12]) or "nothing"
            raise SettingRefused(f"no complaint has {name} {wanted!r}; there is {there}")
        cases = cases.keep((column == meant[0]).to_numpy(dtype=np.bool_))
    return cases


def _with_times(cases: Cases, options: ReportOptions) -> Cases:
    if not cases.timed:
        if options.start or options.end:
            raise ColumnMissing(
                "the table has no column 'received_at', so it has no period; leave --from and "
                "--to out, or name the column with --map received_at=HEADER"
            )
        return cases
    known = cases.frame["received"].notna().to_numpy()
    if not known.any():
        raise InputError("no row has a time in column 'received_at'; write 2026-02-14 15:00:00")
    return replace(cases.keep(known), without_time=int((~known).sum()))


def _rows_with_id(table: Table) -> tuple[pd.DataFrame, list[RowError]]:
    """Rows by their ids; one without is called by its number, an id counts once."""
    frame = table.frame
    numbers = pd.Series([f"row {number}" for number in frame.index], index=frame.index)
    ids = frame["id"].str.strip() if "id" in frame.columns else numbers
    ids = ids.mask(ids == "", numbers)
    first = dict(zip(ids[::-1], ids.index[::-1], strict=True))
    again = ids.duplicated()
    errors = [
        RowError(int(n), f"{ids[n][:40]!r} stands in row {first[ids[n]]:,} already", "id")
        for n in ids.index[again]
    ]
    return frame.assign(id=ids)[~again], errors


def _items(table: Table, options: ReportOptions) -> tuple[str, ...]:
    if options.items is None:
        return tuple(name for name in ITEMS if name in table.frame.columns)
    refused = {"id", "text", "issues", "customer_id"} & set(options.items)
    if refused:
        raise SettingRefused(f"{sorted(refused)[0]!r} can't be an item; name attributes")
    table.require(*options.items)
    return tuple(dict.fromkeys(options.items))


def _columns(
    frame: pd.DataFrame, items: tuple[str, ...], errors: list[RowError], options: ReportOptions
) -> dict[str, Any]:
    columns: dict[str, Any] = {"id": frame["id"].str.strip().to_numpy(object)}
    columns["text"] = _plain(frame, "text")
    columns["issues"] = _plain(frame, "issues")
    columns["customer_id"] = _plain(frame, "customer_id")
    columns["category"] = _plain(frame, "category")
    for name in _WORDS:
        columns[name] = _parsed(frame, name, errors, "")
    for name in (*_NUMBERS, *_TRUTHS):
        columns[name] = _parsed(frame, name, errors, np.nan).astype(np.float64)
    for name in dict.fromkeys((*_NAMES, *items, *options.only)):
        columns.setdefault(name, _joined(frame, name, options.aliases.get(name)))
    return columns


def _plain(frame: pd.DataFrame, name: str) -> NDArray[np.object_]:
    if name not in frame.columns:
        return np.full(len(frame), "", dtype=object)
    return frame[name].str.strip().to_numpy(object)


def _parsed(
    frame: pd.DataFrame, name: str, errors: list[RowError], missing: object
) -> NDArray[np.object_]:
    """Each distinct value is read once; a wrong one counts as missing and is reported."""
    if name not in frame.columns:
        return np.full(len(frame), missing, dtype=object)
    codes, values = pd.factorize(frame[name])
    read = np.full(len(values) + 1, missing, dtype=object)
    for at, raw in enumerate(values):
        if is_unknown(raw):
            continue
        try:
            read[at] = COLUMNS[name].parse(raw)
        except InputError as error:
            rows = frame.index[codes == at]
            errors.extend(RowError(int(row), str(error), name) for row in rows)
    return read[codes]


def _joined(frame: pd.DataFrame, name: str, aliases: Any) -> NDArray[np.object_]:
    if name not in frame.columns:
        return np.full(len(frame), "", dtype=object)
    codes, values = pd.factorize(frame[name])
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    names, joined = join_spellings(list(values), counts, aliases)
    shown: NDArray[np.object_] = np.array([*names, ""], dtype=object)
    picked: NDArray[np.object_] = shown[np.append(joined, -1)[codes]]
    return picked


def _local(column: pd.Series[Any], errors: list[RowError]) -> pd.Series[Any]:
    read, wrong = moments(column.str.replace(_JOINED, r"\1 \2", regex=True))
    errors.extend(wrong)
    local: pd.Series[Any] = read.dt.tz_convert(CHINA).dt.tz_localize(None)
    return local


def _times(column: pd.Series[Any], errors: list[RowError]) -> dict[str, Any]:
    local = _local(column, errors)
    day = local.to_numpy().astype("datetime64[D]")
    known = ~np.isnat(day)
    week = np.where(known, (day - _EPOCH_MONDAY).astype(np.int64) // 7, -1)
    return {
        "received": local.to_numpy(),
        "day": day.astype("datetime64[s]"),
        "week": week,
        "hour": local.dt.hour.fillna(-1).to_numpy(np.int64),
    }


def _hours(
    frame: pd.DataFrame, name: str, received: NDArray[Any], errors: list[RowError]
) -> NDArray[np.float64]:
    """Hours from receipt to a later time; a time before receipt says nothing."""
    if name not in frame.columns:
        return np.full(len(frame), np.nan)
    later = _local(frame[name], errors).to_numpy()
    hours = (later - received) / np.timedelta64(1, "h")
    return np.where(hours >= 0, hours, np.nan)


def _predict(cases: pd.DataFrame, desk: Desk | None) -> int:
    """Fill the labels that rows lack from the desk; how many rows it was asked for."""
    if desk is None:
        return 0
    lacking = (cases["issues"] == "") | (cases["tier"] == "") | (cases["sentiment"] == "")
    lacking &= cases["text"] != ""
    rows = cases.index[lacking]
    said = desk(cases.loc[rows, "text"].tolist())
    filled = {
        "issues": ["|".join(labels.issues) for labels in said],
        "category": [labels.category for labels in said],
        "tier": [labels.tier for labels in said],
        "sentiment": [labels.sentiment for labels in said],
    }
    for name, values in filled.items():
        predicted = pd.Series(values, index=rows, dtype=object)
        empty = cases.loc[rows, name] == ""
        if name == "category":
            empty &= cases.loc[rows, "issues"] == np.array(filled["issues"], dtype=object)
        cases.loc[rows[empty], name] = predicted[empty]
    return len(rows)


def _categories(cases: pd.DataFrame, taxonomy: Taxonomy) -> None:
    """Where a row brings no category, that of its main issue."""
    codes, values = pd.factorize(cases["issues"])
    names = []
    for value in values:
        main = str(value).replace("｜", "|").split("|")[0].strip()
        names.append(taxonomy.category(main) if main in taxonomy else "")
    derived = np.array([*names, ""], dtype=object)[codes]
    empty = (cases["category"] == "").to_numpy()
    cases.loc[empty, "category"] = derived[empty]


def _issues(column: pd.Series[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    codes, values = pd.factorize(column)
    pieces = [_split(str(value)) for value in values]
    names = tuple(sorted({name for piece in pieces for name in piece}))
    place = {name: at for at, name in enumerate(names)}
    owned = [np.array([place[name] for name in piece], dtype=np.int64) for piece in pieces]
    lengths = np.array([len(piece) for piece in owned], dtype=np.int64)[codes]
    rows = np.repeat(np.arange(len(column)), lengths)
    flat = [owned[code] for code in codes]
    return rows, np.concatenate(flat) if flat else np.empty(0, np.int64), names


def _split(value: str) -> list[str]:
    parts = [part.strip() for part in value.replace("｜", "|").split("|")]
    return list(
        dict.fromkeys(part for part in parts if not is_unknown(part) and part != NO_COMPLAINT)
    )


def period_of(cases: Cases, options: ReportOptions) -> Period | None:
    """The period asked for, open ends filled from the bulk of the data; None without times."""
    if not cases.timed:
        return None
    first, last = _extent(cases)
    begin, finish = _bulk(cases)
    if options.period:
        wanted = last_whole(options.period, finish + timedelta(days=1))
    else:
        start = options.start or (begin if (options.end or begin) >= begin else first)
        end = options.end or (finish if (options.start or finish) <= finish else last)
        wanted = Period(start, end)
    if wanted.start > wanted.end or not len(cases.within(wanted)):
        raise SettingRefused(
            f"no complaint was received from {wanted.start} to {wanted.end}; "
            f"the table holds {first} to {last}"
        )
    return wanted


def _extent(cases: Cases) -> tuple[date, date]:
    days = cases.frame["day"]
    return days.min().date(), days.max().date()


def _bulk(cases: Cases) -> tuple[date, date]:
    """First and last day without stragglers: a hundredth at most, weeks away from all others."""
    days = np.sort(cases.frame["day"].to_numpy().astype("datetime64[D]"))
    gaps = np.flatnonzero(np.diff(days) > np.timedelta64(_APART))
    few = len(days) // 100
    before, after = gaps[gaps + 1 <= few], gaps[len(days) - 1 - gaps <= few]
    first = days[before[-1] + 1] if len(before) else days[0]
    last = days[after[0]] if len(after) else days[-1]
    return first.item(), last.item()


def reach(cases: Cases) -> Period:
    """The days that the data span, stragglers left out."""
    return Period(*_bulk(cases))


def known_until(everything: Cases, period: Period) -> Cases:
    """The cases up to the end of a period, stragglers before all others left out."""
    return everything.within(Period(min(reach(everything).start, period.start), period.end))


def extent(cases: Cases) -> Period | None:
    """All days that the data span."""
    return Period(*_extent(cases)) if cases.timed else None
