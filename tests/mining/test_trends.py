"""Rates compared, intervals of counts, weeks with their gaps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from domain.errors import SettingRefused
from mining.trends import poisson_interval, rate_ratio, weekly_counts


def test_the_ratio_of_rates_is_per_exposure() -> None:
    """Twice as many in twice the days is no change."""
    ratio, low, high = rate_ratio([60], 62, [30], 31)
    assert ratio[0] == 1
    assert low[0] < 1 < high[0]


def test_the_interval_of_a_ratio_covers_it_as_often_as_stated() -> None:
    """Drawn 4,000 times from rates 3 and 2, about 95 % of the intervals hold 1.5."""
    rng = np.random.default_rng(5)
    now, before = rng.poisson(60, 4000), rng.poisson(40, 4000)
    _, low, high = rate_ratio(now, 20, before, 20)
    covered = ((low <= 1.5) & (high >= 1.5)).mean()
    assert 0.935 < covered < 0.965


def test_the_interval_agrees_with_the_exact_one_for_large_counts() -> None:
    """Clopper and Pearson's, turned into odds, within two per cent."""
    _, low, high = rate_ratio([400], 10, [300], 10)
    exact = stats.binomtest(400, 700).proportion_ci()
    assert low[0] == pytest.approx(exact.low / (1 - exact.low), rel=0.02)
    assert high[0] == pytest.approx(exact.high / (1 - exact.high), rel=0.02)


def test_nothing_before_is_an_endless_ratio_and_nothing_at_all_is_none() -> None:
    """Infinite and NaN, not an error."""
    ratio, _, high = rate_ratio([5, 0], 1, [0, 0], 1)
    assert np.isinf(ratio[0])
    assert np.isinf(high[0])
    assert np.isnan(ratio[1])


def test_exposures_must_be_above_zero() -> None:
    """A rate over nothing is refused."""
    with pytest.raises(SettingRefused, match="above 0"):
        rate_ratio([1], 0, [1], 1)


def test_the_interval_of_a_count_is_garwoods() -> None:
    """Against scipy's chi-square form, zero included."""
    counts = np.array([0, 1, 7, 250])
    low, high = poisson_interval(counts)
    assert high == pytest.approx(stats.chi2.ppf(0.975, 2 * counts + 2) / 2)
    assert low[1:] == pytest.approx(stats.chi2.ppf(0.025, 2 * counts[1:]) / 2)
    assert low[0] == 0


def test_weeks_count_every_event_once_and_keep_their_gaps() -> None:
    """Against a loop; events outside the span or of no group change nothing."""
    rng = np.random.default_rng(0)
    weeks, groups = rng.integers(0, 12, 300), rng.integers(-1, 4, 300)
    weeks[weeks == 5] = 6
    counted = weekly_counts(weeks, groups, 4, range(2, 10))
    assert np.isnan(counted[:, 3]).all()
    for group in range(4):
        for place, week in enumerate(range(2, 10)):
            if week != 5:
                assert counted[group, place] == ((weeks == week) & (groups == group)).sum()
