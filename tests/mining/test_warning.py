"""Rises are warned of in time, chance and season are not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from domain.errors import SettingRefused
from mining.warning import Vigilance, episodes, false_alarms, watch

Floats = NDArray[np.float64]


def _quiet(series: int, weeks: int, mean: float, seed: int) -> Floats:
    return np.random.default_rng(seed).poisson(mean, (series, weeks)).astype(np.float64)


def _exposure(counts: Floats, total: float = 700.0) -> Floats:
    return np.full(counts.shape, total)


def test_chance_alone_gives_less_than_one_alarm_in_26_weeks() -> None:
    """Thirty quiet series of all sizes, forty times over."""
    found = 0
    for seed in range(40):
        sizes = np.geomspace(1, 100, 30)[:, None] * np.ones((1, 34))
        counts = np.random.default_rng(seed).poisson(sizes).astype(np.float64)
        found += len(episodes(watch(counts, _exposure(counts)), counts))
    assert found / 40 < 0.5


def test_a_doubling_is_found_within_two_weeks() -> None:
    """From 20 to 44 a week, in at least 90 of 100 histories."""
    late = 0
    for seed in range(100):
        counts = _quiet(1, 26, 20, seed)
        counts[0, 17:] += np.random.default_rng(1000 + seed).poisson(24, 9)
        weeks = np.flatnonzero(watch(counts, _exposure(counts)).alarms[0])
        late += not (weeks.size and weeks[0] <= 18)
    assert late <= 10


def test_a_slow_rise_is_found_by_the_sum_before_any_single_week() -> None:
    """Growing from 20 to 40 over twenty weeks."""
    counts = np.full((1, 36), 20.0)
    counts[0, 16:] = np.linspace(20, 40, 20).round()
    found = watch(counts, _exposure(counts))
    first = int(np.flatnonzero(found.alarms[0])[0])
    assert found.slow[0, first]


def test_a_rise_of_everything_is_no_rise_of_one_thing() -> None:
    """In a busy season all complaints grow; per complaint nothing does."""
    counts = _quiet(20, 30, 20, 3)
    busy = np.where((np.arange(30) >= 14) & (np.arange(30) < 20), 1.6, 1.0)
    grown = np.random.default_rng(4).poisson(20 * busy, (20, 30)).astype(np.float64)
    exposure = np.tile(700 * busy, (20, 1))
    assert not watch(grown, exposure).alarms.any()
    assert watch(grown, _exposure(counts)).alarms.any()


def test_last_years_season_is_known_this_year() -> None:
    """The same peak a year later is expected; the first one is news."""
    mean = np.full(120, 30.0)
    mean[[30, 31, 32, 82, 83, 84]] = 75.0
    counts = mean[None, :].round()
    alarms = np.flatnonzero(watch(counts, _exposure(counts)).alarms[0])
    assert set(alarms) & {30, 31, 32}
    assert not set(alarms) & {82, 83, 84}


def test_weeks_without_data_are_neither_a_fall_nor_a_rise() -> None:
    """Five silent weeks, then as before."""
    counts = _quiet(12, 40, 25, 9)
    counts[:, 18:23] = np.nan
    found = watch(counts, _exposure(counts))
    assert not found.alarms.any()
    assert np.isnan(found.expected[:, 18:23]).all()


def test_a_rise_does_not_become_its_own_measure() -> None:
    """Ten weeks on, the expectation is still the old level."""
    counts = np.full((1, 30), 20.0)
    counts[0, 18:] = 60.0
    found = watch(counts, _exposure(counts))
    assert found.expected[0, -1] == pytest.approx(20, rel=0.05)
    assert found.alarms[0, 18:].all()


def test_small_rises_are_no_news() -> None:
    """A third more, however certain, stays below the rise that is looked for."""
    counts = np.full((1, 40), 400.0)
    counts[0, 20:] = 530.0
    exposure = np.full(counts.shape, 10_000.0)
    assert not watch(counts, exposure).alarms.any()
    assert watch(counts, exposure, Vigilance(rise=1.2)).alarms[0, 20:].any()


def test_nothing_is_judged_before_there_is_a_baseline() -> None:
    """Six weeks and two of guard come first."""
    counts = _quiet(1, 20, 30, 1)
    expected = watch(counts, _exposure(counts)).expected[0]
    assert np.isnan(expected[:8]).all()
    assert np.isfinite(expected[8:]).all()


def test_alarms_near_each_other_are_one_rise() -> None:
    """Two bursts ten weeks apart are two."""
    counts = np.full((1, 40), 10.0)
    counts[0, [15, 17, 30]] = 60.0
    found = episodes(watch(counts, _exposure(counts)), counts)
    assert [(episode.first, episode.last) for episode in found] == [(15, 17), (30, 30)]
    assert found[0].observed == 60 + 10 + 60


def test_one_spike_is_not_taken_for_a_slow_rise() -> None:
    """A mildly busy week a fortnight after a spike is no second alarm."""
    counts = np.full((1, 30), 21.0)
    counts[0, [14, 16]] = 105.0, 31.0
    found = watch(counts, _exposure(counts))
    assert np.flatnonzero(found.alarms[0]).tolist() == [14]


def test_false_alarms_are_counted_on_data_that_do_not_change() -> None:
    """A rise in the history is not drawn again; a lax watch gives more alarms."""
    counts = _quiet(30, 40, 15, 2)
    counts[0, 25:] += 60
    strict = false_alarms(counts, _exposure(counts))
    lax = false_alarms(counts, _exposure(counts), Vigilance(p_value=0.02, rise=1.2))
    assert strict < 0.5 < lax
    assert false_alarms(counts[:, :5], _exposure(counts)[:, :5]) == 0.0


def test_settings_that_cannot_work_are_refused() -> None:
    """With the values and what would be right."""
    for wrong in ({"least": 1}, {"p_value": 0.0}, {"rise": 1.0}, {"threshold": 0.0}):
        with pytest.raises(SettingRefused, match="give"):
            Vigilance(**wrong)
    with pytest.raises(SettingRefused, match="shape"):
        watch(np.ones((1, 3)), np.ones((1, 4)))
