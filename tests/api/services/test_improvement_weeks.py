"""Weekly counts around a measure, gathered from cases."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from api.services.improvement.effects import measured, returned
from api.services.improvement.patterns import Pattern
from api.services.improvement.weeks import Carried, Case, History, Range, Units, weekly

FIRST, LAST = date(2025, 1, 6), date(2025, 6, 29)
HERE = [{"attribute": "product", "value": "L10"}]


def history(counts: list[int], elsewhere: int = 5, **more: object) -> History:
    """So many cases in each week here, and always as many elsewhere, on Wednesdays."""
    cases = [
        Case(FIRST + timedelta(days=7 * week + 2), {"product": product})
        for week, here in enumerate(counts)
        for product in ["l-10"] * here + ["K4"] * elsewhere
    ]
    return History(cases, FIRST, LAST, **more)  # type: ignore[arg-type]


def test_weeks_start_on_the_weekday_of_the_measure() -> None:
    """A measure in the middle of a week mixes no week; what is cut at the ends is left out."""
    found = weekly(history([3] * 25), Pattern.of(HERE), date(2025, 3, 6), Range(FIRST, LAST))
    assert found.start == date(2025, 1, 9)
    assert found.days()[found.done_week] == "2025-03-06"
    assert found.counts.tolist() == [3.0] * 24


def test_a_customer_counts_once_a_week_on_each_side() -> None:
    """Sixty times in a week is one; who is not named counts each time."""
    often = [Case(FIRST, {"product": "L10"}, "C1") for _ in range(60)]
    unnamed = [Case(FIRST, {"product": "L10"}) for _ in range(3)]
    other = [
        Case(FIRST, {"product": "K4"}, "C1"),
        Case(FIRST + timedelta(7), {"product": "L10"}, "C1"),
    ]
    found = weekly(
        History([*often, *unnamed, *other], FIRST, LAST),
        Pattern.of(HERE),
        date(2025, 1, 27),
        Range(FIRST, LAST),
    )
    assert found.counts[:3].tolist() == [4.0, 1.0, 0.0]
    assert found.elsewhere[:2].tolist() == [1.0, 0.0]


def test_places_of_other_measures_are_no_comparison() -> None:
    """They were treated too."""
    left = [Pattern.of([{"attribute": "product", "value": "K4"}])]
    found = weekly(history([3] * 25), Pattern.of(HERE), date(2025, 3, 3), Range(FIRST, LAST, left))
    assert found.elsewhere.sum() == 0


def test_weeks_without_any_data_are_not_weeks_without_complaints() -> None:
    """Where all else is missing too, but not where only the problem is."""
    counts = [8] * 10 + [0] * 3 + [8] * 12
    daily = {
        FIRST + timedelta(days=7 * week + 2): 30 + count
        for week, count in enumerate(counts)
        if count
    }
    gap = weekly(history(counts, 0, daily=daily), Pattern.of(HERE), date(2025, 3, 3),
                 Range(FIRST, LAST))  # fmt: skip
    assert np.flatnonzero(np.isnan(gap.counts)).tolist() == [10, 11, 12]
    there = daily | {FIRST + timedelta(days=7 * week + 2): 30 for week in (10, 11, 12)}
    real = weekly(history(counts, 0, daily=there), Pattern.of(HERE), date(2025, 3, 3),
                  Range(FIRST, LAST))  # fmt: skip
    assert real.counts[10:13].tolist() == [0.0, 0.0, 0.0]
    back = daily | {FIRST + timedelta(days=72): 8}
    only_here = weekly(history([*counts[:10], 8, *counts[11:]], 0, daily=back), Pattern.of(HERE),
                       date(2025, 3, 3), Range(FIRST, LAST))  # fmt: skip
    assert only_here.counts[10] == 8.0
    alone = {day: count - 30 for day, count in daily.items()}
    only = weekly(history(counts, 0, daily=alone), Pattern.of(HERE), date(2025, 3, 3),
                  Range(FIRST, LAST))  # fmt: skip
    assert only.counts[10:13].tolist() == [0.0, 0.0, 0.0]


def test_units_are_shared_between_the_weeks_that_they_lie_in() -> None:
    """Sales by Mondays, a measure on a Thursday: three days here, four there."""
    units = [
        Units(FIRST + timedelta(days=7 * week), {"product": product}, 70.0 if week < 12 else 140.0)
        for week in range(25)
        for product in ("L10", "K4")
    ]
    found = weekly(history([3] * 25, units=units), Pattern.of(HERE), date(2025, 3, 6),
                   Range(FIRST, LAST))  # fmt: skip
    assert found.exposure is not None
    assert found.exposure[10:13].tolist() == [70.0, 4 / 7 * 70 + 3 / 7 * 140, 140.0]
    some = [each for each in units if each.start != FIRST + timedelta(days=70)]
    lacking = weekly(history([3] * 25, units=some), Pattern.of(HERE), date(2025, 3, 3),
                     Range(FIRST, LAST))  # fmt: skip
    assert lacking.exposure is None


def test_measures_at_the_same_place_bound_each_other_where_they_lie_apart() -> None:
    """Four weeks apart; closer ones are judged together."""
    counts = [12] * 8 + [6] * 8 + [6] * 9
    first = Carried("A", "1001", HERE, FIRST + timedelta(weeks=8))
    second = Carried("B", "1001", HERE, FIRST + timedelta(weeks=16))
    close = Carried("C", "1001", HERE, FIRST + timedelta(weeks=10))
    assert measured(history(counts), first, [second]).effect.after.weeks == 8
    assert measured(history(counts), second, [first]).effect.before.weeks == 8
    assert measured(history(counts), first, [close]).effect.after.weeks == 17


def test_a_problem_comes_back_above_the_level_that_was_reached() -> None:
    """Not while the level holds, and not before the first whole week."""
    one = Carried("A", "1001", HERE, FIRST + timedelta(weeks=8))
    ended = FIRST + timedelta(weeks=18)
    calm = returned(history([10] * 8 + [1] * 17), one, ended)
    back = returned(history([10] * 8 + [1] * 11 + [10] * 6), one, ended)
    assert calm is not None
    assert not calm.returned
    assert back is not None
    assert back.returned
    assert returned(history([10] * 8 + [1] * 17), one, LAST) is None
