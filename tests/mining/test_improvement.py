"""Indicators of the improvement loop, worked by hand."""

from __future__ import annotations

from datetime import date

import pytest

from domain.errors import SettingRefused
from mining.improvement import (
    MeasureRecord,
    contribution,
    improvement_indicators,
    prevented,
)

TODAY = date(2025, 9, 1)
WORKED = MeasureRecord(date(2025, 6, 1), date(2025, 6, 1), date(2025, 7, 11), "有效", 200, 50)
CAME_BACK = MeasureRecord(
    date(2025, 5, 1), date(2025, 5, 11), date(2025, 8, 19), "有效", 40, 10, returned=True
)
FAILED = MeasureRecord(date(2025, 6, 1), date(2025, 6, 1), date(2025, 8, 1), "无效", 100, 130)
OPEN = MeasureRecord(date(2025, 8, 1), date(2025, 8, 1), None, "过早", 30, 10)
OVERDUE = MeasureRecord(date(2025, 8, 1))
LATER = MeasureRecord(date(2025, 12, 1))
ALL = [WORKED, CAME_BACK, FAILED, OPEN, OVERDUE, LATER]


def test_a_measure_that_is_not_due_yet_does_not_count_as_not_done() -> None:
    """Four of five due are done, three of them by their date."""
    found = improvement_indicators(ALL, TODAY)
    assert found.implementation_rate == pytest.approx(4 / 5)
    assert found.on_time_rate == pytest.approx(3 / 5)


def test_effectiveness_is_of_those_that_could_be_judged() -> None:
    """Two of three; the early one is among the undecided."""
    found = improvement_indicators(ALL, TODAY)
    assert found.effectiveness == pytest.approx(2 / 3)
    assert found.undecided_rate == pytest.approx(1 / 4)


def test_only_what_worked_prevented_complaints() -> None:
    """150 and 30; neither the failed one's rise nor the open one's fall counts."""
    assert prevented(ALL) == 180
    found = improvement_indicators(ALL, TODAY, complaints_before=3000, complaints_after=2600)
    assert found.contribution == pytest.approx(0.45)


def test_one_of_two_came_back_and_the_median_took_seventy_days() -> None:
    """Forty days and a hundred."""
    found = improvement_indicators(ALL, TODAY)
    assert found.repeat_rate == pytest.approx(0.5)
    assert found.days_to_effect == 70


def test_without_a_denominator_an_indicator_is_none() -> None:
    """No measures, no rates."""
    found = improvement_indicators([], TODAY)
    assert found.prevented == 0
    assert {
        found.implementation_rate,
        found.on_time_rate,
        found.effectiveness,
        found.undecided_rate,
        found.contribution,
        found.repeat_rate,
        found.days_to_effect,
    } == {None}


@pytest.mark.parametrize(("before", "after"), [(100, 100), (100, 120), (None, 90), (100, None)])
def test_no_fall_has_no_contribution(before: float | None, after: float | None) -> None:
    """A share of nothing, or of what is unknown, is no number."""
    assert contribution(10, before, after) is None


def test_negative_complaints_are_refused() -> None:
    """With the numbers given."""
    with pytest.raises(SettingRefused, match="-1"):
        contribution(10, -1, 5)
