"""A measure that worked is called 有效; chance, season and a general fall are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from domain.errors import SettingRefused
from mining.baseline import Side, compared
from mining.effect import measure_effect, sentence
from mining.ratio import LogRatio
from mining.scatter import Weeks, weigh_scatter

Floats = NDArray[np.float64]


def _noisy(rng: np.random.Generator, mean: Floats, over: float) -> Floats:
    """Counts with this mean and this variance over mean."""
    level = rng.gamma(mean / (over - 1)) * (over - 1) if over > 1 else mean
    return rng.poisson(level).astype(np.float64)


def _season(weeks: int, depth: float, start: float) -> Floats:
    return 1 + depth * np.sin(2 * np.pi * (np.arange(weeks) / 52 + start))


def _fall(before: int, after: int, ratio: float) -> Floats:
    return np.r_[np.ones(before), np.full(after, ratio)]


def test_a_halving_is_effective_and_its_interval_holds_the_half() -> None:
    """Ten a week, then five, with a steady comparison."""
    rng = np.random.default_rng(1)
    effect = measure_effect(
        rng.poisson(10 * _fall(20, 12, 0.5)), 20, comparison=rng.poisson(100, 32)
    )
    assert effect.verdict == "有效"
    assert effect.interval is not None
    assert effect.interval[0] < 0.5 < effect.interval[1]
    assert effect.season == "comparison"
    assert effect.sample_needed == 0


def test_a_general_fall_is_no_success() -> None:
    """Here and elsewhere complaints fall to a third."""
    rng = np.random.default_rng(2)
    fall = _fall(20, 12, 0.33)
    there = rng.poisson(200 * fall)
    here = rng.poisson(20 * fall)
    effect = measure_effect(here, 20, comparison=there)
    assert effect.verdict in ("无效", "不确定")
    assert effect.comparison is not None
    assert effect.comparison.ratio == pytest.approx(0.33, abs=0.03)


def test_a_season_alone_is_not_called_success_without_a_comparison() -> None:
    """A falling season, two weeks long and half a year long, and no earlier year to know it by."""
    for after in (6, 13, 20):
        mean = 30 * _season(20 + after, 0.2, 0.15)
        effect = measure_effect(np.round(mean), 20)
        assert effect.verdict != "有效", after


def test_what_a_season_could_do_is_no_proof_without_a_comparison() -> None:
    """A fifth less, week for week: sure with a steady comparison, not without one."""
    counts = [100.0] * 12 + [78.0] * 12
    unknown = measure_effect(counts, 12)
    compared = measure_effect(counts, 12, comparison=[400.0] * 24)
    assert (unknown.verdict, compared.verdict) == ("不确定", "有效")
    assert unknown.season == "none"
    assert "季节" in sentence(unknown)
    assert "season" in sentence(unknown, "en")


def test_earlier_years_tell_the_season_from_success() -> None:
    """The season takes complaints to a half every year; once a measure does beside it."""
    season = _season(130, 0.4, 0.3)
    rng = np.random.default_rng(3)
    nothing = measure_effect(rng.poisson(20 * season), 114)
    worked = measure_effect(rng.poisson(20 * season * _fall(114, 16, 0.5)), 114)
    assert nothing.season == worked.season == "last year"
    assert nothing.verdict != "有效"
    assert worked.verdict == "有效"
    assert worked.rate_ratio == pytest.approx(0.5, abs=0.12)


def test_two_weeks_are_too_early_whatever_they_show() -> None:
    """Even where nothing came at all."""
    effect = measure_effect([20.0] * 12 + [0, 0], 12, comparison=[200.0] * 14)
    assert effect.verdict == "过早"
    assert effect.sample_needed == 2
    assert "2周" in sentence(effect)


def test_the_lag_is_left_out_of_both_windows() -> None:
    """Three weeks in which old stock was sold."""
    counts = [10.0] * 12 + [10, 11, 9] + [2.0] * 10
    effect = measure_effect(counts, 12, lag_weeks=3)
    assert effect.after.weeks == 10
    assert effect.rate_ratio == pytest.approx(0.2)
    assert np.isnan(effect.expected[12:15]).all()


def test_a_sure_miss_of_the_worthwhile_fall_is_ineffective() -> None:
    """Complaints stay; with so many, a fall by a fifth is excluded."""
    effect = measure_effect([200.0] * 26, 13, comparison=[900.0] * 26)
    assert (effect.verdict, effect.reason) == ("无效", "no fall worth while")
    assert "20%" in sentence(effect)


def test_a_rise_is_ineffective() -> None:
    """Twice as many as before."""
    effect = measure_effect([10.0] * 12 + [20.0] * 12, 12)
    assert (effect.verdict, effect.reason) == ("无效", "rise")


def test_a_small_fall_that_is_certain_is_not_worth_while() -> None:
    """Seven in a hundred, as crowding out makes in a million complaints."""
    effect = measure_effect([10_000.0] * 13 + [9_300.0] * 13, 13, comparison=[90_000.0] * 26)
    assert effect.interval is not None
    assert effect.interval[1] < 1
    assert effect.verdict == "无效"


def test_exposure_takes_the_place_of_time() -> None:
    """Half the complaints because half was sold."""
    units = np.r_[np.full(12, 1000.0), np.full(12, 500.0)]
    counts = units / 25
    effect = measure_effect(counts, 12, exposure=units)
    assert effect.rate_ratio == pytest.approx(1)
    assert effect.before.rate == pytest.approx(0.04)
    assert effect.verdict != "有效"


def test_exposures_of_both_groups_count_week_by_week() -> None:
    """With exact rates the ratio is exact, however the exposures wander."""
    rng = np.random.default_rng(4)
    here, there = np.exp(rng.normal(7, 0.5, (2, 24)))
    season = _season(24, 0.5, 0.1)
    effect = measure_effect(
        0.02 * here * season * _fall(14, 10, 0.4),
        14,
        exposure=here,
        comparison=0.01 * there * season,
        comparison_exposure=there,
    )
    assert effect.rate_ratio == pytest.approx(0.4, rel=1e-6)


def test_gaps_are_left_out() -> None:
    """Weeks without data or exposure say nothing; a week of no complaints does."""
    counts = np.array([10.0, np.nan, 9, 11, 10, 10, 5, np.nan, 5, 5, 0, 5])
    effect = measure_effect(counts, 6)
    assert (effect.before.weeks, effect.after.weeks) == (5, 5)
    assert effect.before.rate == pytest.approx(10)
    assert effect.after.rate == pytest.approx(4)


def test_nothing_after_gives_a_ratio_of_0_and_an_interval_from_0() -> None:
    """A problem that is gone."""
    effect = measure_effect([6.0] * 13 + [0.0] * 13, 13, comparison=[60.0] * 26)
    assert effect.verdict == "有效"
    assert effect.rate_ratio == 0
    assert effect.interval is not None
    assert effect.interval[0] == 0
    assert effect.interval[1] < 0.2


def test_nothing_before_can_not_be_judged() -> None:
    """No baseline, no ratio."""
    effect = measure_effect([0.0] * 10 + [3.0] * 10, 10)
    assert (effect.verdict, effect.reason) == ("不确定", "no baseline")
    assert effect.rate_ratio is None
    assert effect.interval is None
    assert sentence(effect).endswith("。")


def test_an_empty_comparison_is_no_comparison() -> None:
    """The issue comes nowhere else: the group's own past has to do, and the season is open."""
    effect = measure_effect([20.0] * 12 + [2.0] * 12, 12, comparison=[0.0] * 24)
    assert effect.season == "none"
    assert effect.verdict == "有效"
    assert "季节影响不能排除" in sentence(effect)


def test_scatter_widens_the_interval() -> None:
    """The same totals, evenly and in heaps."""
    calm = measure_effect([10.0] * 12 + [5.0] * 12, 12)
    wild = measure_effect([0.0, 20] * 6 + [0.0, 10] * 6, 12)
    assert calm.interval is not None
    assert wild.interval is not None
    assert wild.interval[1] - wild.interval[0] > 1.5 * (calm.interval[1] - calm.interval[0])
    assert wild.dispersion > 3 > 1.3 > calm.dispersion


def test_a_few_complaints_need_more_weeks_and_more_complaints_fewer() -> None:
    """Weeks still needed fall with the rate."""
    few = measure_effect([1.0] * 26 + [1, 0, 1, 0, 1, 1], 26, comparison=[50.0] * 32)
    more = measure_effect([6.0] * 26 + [5, 4, 5, 4, 5, 5], 26, comparison=[300.0] * 32)
    assert few.verdict == more.verdict == "不确定"
    assert more.sample_needed is not None
    assert few.sample_needed is None or few.sample_needed > more.sample_needed > 0


def test_where_more_weeks_do_not_help_the_sentence_says_what_would() -> None:
    """The doubt about the season stays, however long one waits."""
    effect = measure_effect([100.0] * 12 + [85.0] * 12, 12)
    assert (effect.verdict, effect.sample_needed) == ("不确定", None)
    assert "对照组" in sentence(effect)
    assert "comparison group" in sentence(effect, "en")


def test_the_chart_has_an_expectation_for_every_week_that_was_used() -> None:
    """What was to be expected after adds up to the count over the ratio."""
    rng = np.random.default_rng(5)
    effect = measure_effect(rng.poisson(12 * _fall(15, 9, 0.6)), 15, comparison=rng.poisson(80, 24))
    assert effect.rate_ratio is not None
    assert effect.expected[15:].sum() == pytest.approx(effect.after.count / effect.rate_ratio)
    assert (effect.expected_low <= effect.expected).all()
    assert (effect.expected <= effect.expected_high).all()


@pytest.mark.parametrize("design", ["compared", "season unknown", "earlier years"])
def test_intervals_cover_95_in_100_and_no_effect_is_seldom_success(design: str) -> None:
    """400 measures of all sizes; the bounds leave room for four standard errors."""
    rng = np.random.default_rng(6)
    covered, false, null = 0, 0, 0
    for _ in range(400):
        ratio, over = float(rng.choice([0.4, 1.0])), float(rng.choice([1.0, 2.0, 3.0]))
        before = 104 + 13 if design == "earlier years" else 13
        weekly = np.exp(rng.uniform(np.log(1), np.log(40)))
        depth = 0.3
        mean = weekly * _season(before + 10, depth, rng.random())
        counts = _noisy(rng, mean * _fall(before, 10, ratio), over)
        other = _noisy(rng, 5 * mean, over) if design == "compared" else None
        effect = measure_effect(counts, before, comparison=other)
        assert effect.interval is not None
        covered += effect.interval[0] <= ratio <= effect.interval[1]
        null += ratio == 1
        false += ratio == 1 and effect.verdict == "有效"
    assert 0.907 < covered / 400 < 0.99
    assert false <= stats.binom.ppf(0.999, null, 0.025)


def test_the_ratio_of_two_gamma_rates_is_an_f_distribution() -> None:
    """Against SciPy's quantiles, from few counts to many."""
    for a, b in [(0.5, 3.5), (2.5, 0.5), (20.5, 40.5), (500.5, 700.5)]:
        ratio = LogRatio(np.array([[a, b]]), np.array([1.0, -1.0]), np.zeros(1), np.ones(1))
        for chance in (0.025, 0.5, 0.975):
            exact = math.log(stats.f.ppf(chance, 2 * a, 2 * b) * a / b)
            assert ratio.quantile(chance) == pytest.approx(exact, abs=0.02)
            assert ratio.below(exact) == pytest.approx(chance, abs=5e-4)


def test_poisson_counts_agree_with_the_exact_binomial_test() -> None:
    """Given their sum, one count is binomial; mid-p lies between the exact tails."""
    ratio = LogRatio(np.array([[20.5, 40.5]]), np.array([1.0, -1.0]), np.zeros(1), np.ones(1))
    exact = stats.binom.cdf([19, 20], 60, 0.5)
    assert exact[0] < 1 - ratio.below(0.0) < exact[1]


def test_a_comparison_that_is_known_exactly_is_no_source_of_doubt() -> None:
    """A million a week beside ten: what is left is the doubt about the ten."""
    before = Side(np.arange(8), np.array([9.0, 11, 10, 8, 12, 10, 9, 11]), np.ones(8))
    after = Side(np.arange(8, 14), np.array([5.0, 6, 4, 5, 5, 5]), np.ones(6))
    sides = (before, after)
    many = [Side(side.weeks, np.full(side.weeks.size, 1e6), side.exposure) for side in sides]
    baseline = compared((before, many[0]), (after, many[1]))
    assert baseline.ratio == pytest.approx(0.5, rel=1e-4)
    scatter = weigh_scatter(
        [Weeks(s.counts, np.full(s.counts.size, 1 / s.counts.size)) for s in sides]
    )
    level = scatter.values
    pair = LogRatio(
        np.column_stack([30 / level[:, 1], 80 / level[:, 0]]) + 0.5,
        np.array([1.0, -1.0]),
        np.log(8 / 6) + np.log(level[:, 1] / level[:, 0]),
        scatter.weights,
    )
    assert baseline.distribution(scatter).quantile(0.9) == pytest.approx(
        pair.quantile(0.9), abs=0.01
    )


def test_the_weighed_scatter_is_near_the_true_one_where_weeks_are_many() -> None:
    """Five hundred weeks of 30, variance three times the mean."""
    counts = _noisy(np.random.default_rng(8), np.full(500, 30.0), 3.0)
    assert weigh_scatter([Weeks(counts, np.full(500, 1 / 500))]).mean == pytest.approx(3, abs=0.5)


@given(
    counts=st.lists(st.integers(0, 60), min_size=1, max_size=40),
    other=st.lists(st.integers(0, 900), min_size=40, max_size=40),
    done=st.integers(0, 40),
    lag=st.integers(0, 6),
    use_other=st.booleans(),
)
def test_any_series_gets_a_verdict_and_two_sentences(
    counts: list[int], other: list[int], done: int, lag: int, use_other: bool
) -> None:
    """Whatever the counts: a verdict, an ordered interval, and words without a hole in them."""
    effect = measure_effect(
        counts,
        min(done, len(counts)),
        lag_weeks=lag,
        comparison=other[: len(counts)] if use_other else None,
    )
    assert effect.verdict in ("有效", "无效", "不确定", "过早")
    if effect.interval is not None:
        assert 0 <= effect.interval[0] < effect.interval[1]
        assert effect.rate_ratio is not None
        assert effect.p_value is not None
        assert 0 <= effect.p_value <= 1
    for words in (sentence(effect), sentence(effect, "en")):
        assert "{" not in words
        assert "nan" not in words


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"done_week": 13}, "done_week"),
        ({"done_week": -1}, "done_week"),
        ({"lag_weeks": -1}, "lag_weeks"),
        ({"least_after_weeks": 0}, "least_after_weeks"),
        ({"baseline_weeks": 0}, "baseline_weeks"),
        ({"worthwhile": 1.0}, "worthwhile"),
        ({"comparison": [1.0]}, "comparison"),
        ({"exposure": [-1.0] * 12}, "exposure"),
        ({"counts": [[1.0]]}, "counts"),
        ({"counts": [1.0, math.inf]}, "counts"),
    ],
)
def test_what_can_not_be_judged_is_refused_by_name(change: dict[str, object], told: str) -> None:
    """The message says which argument is wrong."""
    given_all = {"counts": [5.0] * 12, "done_week": 6} | change
    with pytest.raises(SettingRefused, match=told):
        measure_effect(**given_all)  # type: ignore[arg-type]


def test_counts_of_millions_that_scatter_are_no_sure_change() -> None:
    """Gamma weeks in millions: the scatter is seen, with a comparison and without."""
    counts = np.random.default_rng(9).gamma(50, 1e5, 30)
    for other in (None, [1e8] * 30):
        effect = measure_effect(counts, 20, comparison=other)
        assert effect.interval is not None
        assert effect.interval[0] < 1 < effect.interval[1]
        assert effect.rate_ratio == pytest.approx(1, abs=0.25)
        assert effect.dispersion > 1e4


def test_one_freak_week_is_no_baseline() -> None:
    """A thousand in the last week before, and nothing in all others: nothing is sure."""
    effect = measure_effect([0.0] * 19 + [1000.0] + [0.0] * 10, 20, comparison=[5.0] * 30)
    assert effect.verdict == "不确定"
    assert effect.dispersion > 100
