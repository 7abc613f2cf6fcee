"""Rates per unit against exact binomial limits, and tables that can't be used."""

from __future__ import annotations

import pandas as pd
import pytest
from scipy import stats

from domain.errors import ColumnMissing, SettingRefused
from mining.exposure import exposure_table

FRAME = pd.DataFrame(
    {"attribute": ["batch"] * 3, "value": ["B07", "b-07", "B08"], "units": [60, 40, 900]}
)


def test_spellings_add_up_and_the_interval_is_the_exact_one() -> None:
    """Ten of thirty complaints on a tenth of the units."""
    seen = exposure_table(FRAME).compare("batch", "B07", {"B07": 10, "B08": 20})
    limits = stats.binomtest(10, 30).proportion_ci(method="exact")
    odds = [share / (1 - share) * 9 for share in limits]
    assert (seen.units, seen.other_units) == (100, 900)
    assert seen.rate_ratio == pytest.approx(4.5)
    assert seen.rate_ratio_interval == pytest.approx(odds)
    assert seen.p_value == pytest.approx(stats.binom.sf(9, 30, 0.1))
    assert seen.is_excess


def test_no_complaints_elsewhere_leave_the_ratio_open_above() -> None:
    """Infinite, with a finite lower end."""
    seen = exposure_table(FRAME).compare("batch", "B07", {"B07": 5})
    assert seen.rate_ratio == float("inf")
    assert 1 < seen.rate_ratio_interval[0] < float("inf")


def test_a_value_without_units_or_without_others_is_not_known() -> None:
    """Nothing to compare with."""
    table = exposure_table(FRAME)
    assert table.knows("batch", "b07")
    assert not table.knows("batch", "B09")
    assert not table.knows("region", "甲")


@pytest.mark.parametrize("units", [0, -1, None, "many"])
def test_units_must_be_numbers_above_zero(units: object) -> None:
    """The message names the value and the row."""
    frame = pd.DataFrame({"attribute": ["batch"], "value": ["B07"], "units": [units]})
    with pytest.raises(SettingRefused, match="in row 1 of the exposure table"):
        exposure_table(frame)


def test_missing_columns_are_named() -> None:
    """All three are needed."""
    with pytest.raises(ColumnMissing, match="no column 'units'"):
        exposure_table(FRAME.drop(columns="units"))
