"""How many could have complained: units sold, customers served."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from domain.errors import ColumnMissing, SettingRefused
from mining.spelling import spelling_key

_COLUMNS = ("attribute", "value", "units")
_LEAST = 0.0


@dataclass(frozen=True)
class Exposure:
    """Complaints of one issue for every unit exposed, here and elsewhere.

    Attributes
    ----------
    units, other_units : float
        Units exposed with the value, and with the attribute's other values.
    complaints, other_complaints : int
        Complaints of the issue among each.
    rate_ratio : float
        Complaints per unit here over complaints per unit elsewhere; infinite when none elsewhere.
    rate_ratio_interval : tuple of float
        Exact 95 % interval (Clopper and Pearson's, given the sum of both counts).
    p_value : float
        Chance of so many here, were both rates equal (exact, one-sided).
    """

    units: float
    other_units: float
    complaints: int
    other_complaints: int
    rate_ratio: float
    rate_ratio_interval: tuple[float, float]
    p_value: float

    @property
    def is_excess(self) -> bool:
        """Whether the rate here is surely higher than elsewhere."""
        return self.rate_ratio_interval[0] > 1


@dataclass(frozen=True)
class ExposureTable:
    """Units exposed by attribute and value.

    Attributes
    ----------
    units : mapping of attribute to mapping of spelling key to float
        From `exposure_table`.
    """

    units: Mapping[str, Mapping[str, float]]

    def knows(self, attribute: str, value: str) -> bool:
        """Whether units are known for this value and for another one of its attribute."""
        known = self.units.get(attribute, {})
        return spelling_key(value) in known and len(known) > 1

    def compare(self, attribute: str, value: str, complaints: Mapping[str, int]) -> Exposure:
        """Compare one value's rate with that of its attribute's other values.

        Parameters
        ----------
        attribute, value : str
            Known to the table.
        complaints : mapping of value to int
            Complaints of the issue for every value of the attribute.

        Returns
        -------
        Exposure

        Examples
        --------
        >>> table = exposure_table(pd.DataFrame(
        ...     {"attribute": ["batch"] * 2, "value": ["B07", "B08"], "units": [100, 900]}))
        >>> table.compare("batch", "B07", {"B07": 20, "B08": 18}).rate_ratio
        10.0
        """
        units, key = self.units[attribute], spelling_key(value)
        counted = {spelling_key(name): count for name, count in complaints.items()}
        here, there = counted.get(key, 0), sum(counted.get(k, 0) for k in units if k != key)
        return _compared(units[key], sum(units.values()) - units[key], here, there)


def _compared(units: float, other_units: float, here: int, there: int) -> Exposure:
    share = units / (units + other_units)
    low = stats.beta.ppf(0.025, here, there + 1) if here else 0.0
    high = stats.beta.ppf(0.975, here + 1, there) if there else 1.0
    return Exposure(
        units,
        other_units,
        here,
        there,
        _ratio(here / units, there / other_units),
        (_odds(low) / _odds(share), _ratio(_odds(high), _odds(share))),
        float(stats.binom.sf(here - 1, here + there, share)),
    )


def _odds(share: float) -> float:
    return float(share / (1 - share)) if share < 1 else float("inf")


def _ratio(one: float, other: float) -> float:
    return float(one / other) if other > 0 else float("inf")


def exposure_table(frame: pd.DataFrame) -> ExposureTable:
    """Read a table of units exposed.

    Parameters
    ----------
    frame : pandas.DataFrame
        Columns ``attribute, value, units``; spellings of one value are added up.

    Returns
    -------
    ExposureTable

    Raises
    ------
    ColumnMissing
        One of the columns is missing.
    SettingRefused
        A number of units is missing, or not above 0.
    """
    for name in _COLUMNS:
        if name not in frame.columns:
            raise ColumnMissing(f"no column {name!r} in the exposure table; it needs {_COLUMNS}")
    units = pd.to_numeric(frame["units"], errors="coerce")
    wrong = ~(units > _LEAST)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise SettingRefused(
            f"units {frame['units'].iloc[row]!r} in row {row + 1} of the exposure table; "
            "give a number above 0"
        )
    table: dict[str, dict[str, float]] = {}
    for attribute, value, count in zip(frame["attribute"], frame["value"], units, strict=True):
        known = table.setdefault(str(attribute), {})
        key = spelling_key(str(value))
        known[key] = known.get(key, 0.0) + float(count)
    return ExposureTable(table)
