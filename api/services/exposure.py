"""Denominators for findings: how many were sold, how many were served."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from api.services.tables import read_table
from domain.errors import ColumnMissing, SettingRefused

_UNITS = ("units", "customers_served", "sold", "served")


def read_exposure(path: Path, attributes: Iterable[str] | None = None) -> pd.DataFrame:
    """Units by attribute value, from a table that is one already or from sales to be summed.

    Either the file has the columns ``attribute, value, units``, or a column of units
    (``units``, ``customers_served``) beside columns of attributes, whose values are summed.
    """
    frame = read_table(path).frame
    if {"attribute", "value", "units"} <= set(frame.columns):
        return frame.assign(units=_numbers(frame, "units", path))[["attribute", "value", "units"]]
    amounts = units_column(frame, path)
    named = [name for name in frame.columns if name != amounts.name and _is_asked(name, attributes)]
    sums = [amounts.groupby(frame[name]).sum() for name in named]
    return pd.concat(
        [
            pd.DataFrame({"attribute": name, "value": total.index, "units": total.to_numpy()})
            for name, total in zip(named, sums, strict=True)
        ],
        ignore_index=True,
    )


def units_column(frame: pd.DataFrame, path: Path) -> pd.Series[float]:
    """The column of units, as numbers."""
    units = next((name for name in _UNITS if name in frame.columns), None)
    if units is None:
        raise ColumnMissing(
            f"{path.name} has the columns {', '.join(frame.columns)}; needed are attribute, value, "
            "units, or a column units beside columns such as product and batch"
        )
    return _numbers(frame, units, path)


def _is_asked(name: str, attributes: Iterable[str] | None) -> bool:
    return not name.startswith("week") if attributes is None else name in set(attributes)


def _numbers(frame: pd.DataFrame, column: str, path: Path) -> pd.Series[float]:
    numbers = pd.to_numeric(frame[column], errors="coerce")
    wrong = numbers.isna() | (numbers < 0)
    if wrong.any():
        row = int(str(numbers.index[wrong][0]))
        raise SettingRefused(
            f"{path.name}, row {row:,}, column {column!r}: {frame[column][row]!r} is no number "
            "from 0; give units as a number"
        )
    return numbers
