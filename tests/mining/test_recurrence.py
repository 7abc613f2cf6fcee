"""Whether a solved problem has come back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from domain.errors import SettingRefused
from mining.recurrence import Level, recurrence


def test_p_is_the_conditional_binomial_of_two_counts() -> None:
    """By hand: 9 of 11 in a third of the time."""
    found = recurrence(Level(2, 8), Level(9, 4))
    assert found.p_value == pytest.approx(float(stats.binom.sf(8, 11, 4 / 12)))
    assert found.ratio == pytest.approx(9 * 8 / (2 * 4))


def test_few_complaints_or_a_small_rise_are_no_return() -> None:
    """However sure chance is excluded."""
    assert not recurrence(Level(0, 50), Level(2, 1)).returned
    assert not recurrence(Level(10_000, 10), Level(12_000, 10)).returned
    assert recurrence(Level(0, 50), Level(5, 2)).returned


def test_a_rise_that_came_elsewhere_too_is_no_return() -> None:
    """The same issue everywhere: a season, not this problem."""
    assert recurrence(Level(10, 10), Level(20, 4)).returned
    assert not recurrence(Level(10, 10, elsewhere=100), Level(20, 4, elsewhere=200)).returned


def test_scatter_asks_for_more() -> None:
    """Counts that scatter three times as much weigh a third."""
    assert recurrence(Level(8, 8), Level(20, 4), 1.0).returned
    assert not recurrence(Level(8, 8), Level(20, 4), 3.0).returned


def test_weekly_looks_for_a_year_seldom_reopen_what_stays_solved() -> None:
    """At most one in twenty problems a year, with the two windows that the service looks at."""
    random = np.random.default_rng(5)
    reopened = 0
    for _ in range(120):
        rate = random.choice([0.3, 2.0, 8.0])
        reached, weeks = random.poisson(rate, 12).sum(), random.poisson(rate, 52)
        looks = [
            recurrence(Level(reached, 12), Level(weeks[at - length : at].sum(), length)).returned
            for at in range(1, 53)
            for length in (2, 8)
            if at >= length
        ]
        reopened += any(looks)
    assert reopened <= 6


def test_what_can_not_be_tested_is_refused() -> None:
    """No weeks, negative counts, a dispersion below one."""
    for reached, recent, dispersion in (
        (Level(1, 0), Level(1, 1), 1.0),
        (Level(-1, 1), Level(1, 1), 1.0),
        (Level(1, 1), Level(1, 1), 0.5),
    ):
        with pytest.raises(SettingRefused):
            recurrence(reached, recent, dispersion)
