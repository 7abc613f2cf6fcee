"""P-values, corrections and intervals against exact sums, scipy and statsmodels."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from domain.errors import SettingRefused
from mining.significance import (
    benjamini_hochberg,
    bonferroni_holm,
    fisher_p_values,
    rule_measures,
    wilson_interval,
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, int, int, int]:
    total = draw(st.integers(1, 120))
    x, y = draw(st.integers(0, total)), draw(st.integers(0, total))
    both = draw(st.integers(max(0, x + y - total), min(x, y)))
    return both, x, y, total


@given(tables())
def test_fisher_equals_the_exact_sum_of_fractions(table: tuple[int, int, int, int]) -> None:
    """Every tail agrees with integer arithmetic to 13 digits."""
    both, x, y, total = table
    ways = sum(comb(y, j) * comb(total - y, x - j) for j in range(both, min(x, y) + 1))
    exact = float(Fraction(ways, comb(total, x)))
    assert fisher_p_values(both, x, y, total)[()] == pytest.approx(exact, rel=1e-12)


def test_fisher_agrees_with_scipy_on_a_million_complaints() -> None:
    """Far tails of large tables agree with scipy to nine digits."""
    rng = np.random.default_rng(3)
    x, y = rng.integers(500, 50_000, 40), rng.integers(500, 50_000, 40)
    mean = x * y / 1_000_000
    both = np.minimum(np.minimum(x, y), (mean + rng.normal(0, 5, 40) * np.sqrt(mean)).astype(int))
    both = np.maximum(both, 0)
    expected = stats.hypergeom.sf(both - 1, 1_000_000, y, x)
    np.testing.assert_allclose(fisher_p_values(both, x, y, 1_000_000), expected, rtol=1e-9)


def test_a_tea_taster_by_hand() -> None:
    """Fisher's tea: all four right has chance 1 in 70, three right 17 in 70."""
    p = fisher_p_values([4, 3], [4, 4], [4, 4], 8)
    np.testing.assert_allclose(p, [1 / 70, 17 / 70])


@pytest.mark.parametrize("table", [(5, 4, 9, 20), (-1, 4, 4, 8), (0, 6, 6, 8)])
def test_counts_that_make_no_table_are_refused(table: tuple[int, int, int, int]) -> None:
    """The message names the counts."""
    with pytest.raises(SettingRefused, match=r"make no two-by-two table"):
        fisher_p_values(*table)


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 50))
def test_corrections_equal_statsmodels_with_the_untested_as_ones(
    p_values: list[float], more: int
) -> None:
    """Rules that were tested and dropped count as p = 1."""
    padded = [*p_values, *[1.0] * more]
    bh = multipletests(padded, method="fdr_bh")[1][: len(p_values)]
    holm = multipletests(padded, method="holm")[1][: len(p_values)]
    np.testing.assert_allclose(benjamini_hochberg(p_values, len(padded)), bh, rtol=1e-9)
    np.testing.assert_allclose(bonferroni_holm(p_values, len(padded)), holm, rtol=1e-9)


def test_weights_of_one_change_nothing_and_heavier_tests_need_less() -> None:
    """A weight divides the p-value."""
    p = np.array([0.01, 0.02, 0.3])
    np.testing.assert_array_equal(benjamini_hochberg(p, 9, np.ones(3)), benjamini_hochberg(p, 9))
    assert benjamini_hochberg([0.01], 9, [3.0])[0] == pytest.approx(0.03)
    assert bonferroni_holm([0.01], 9, [3.0])[0] == pytest.approx(0.03)


def test_fewer_tests_than_p_values_are_refused() -> None:
    """Everything that was tested counts."""
    with pytest.raises(SettingRefused, match="fewer than the 3 p-values"):
        benjamini_hochberg([0.1, 0.2, 0.3], tests=2)


@given(st.integers(1, 500), st.data())
def test_wilson_equals_statsmodels(trials: int, data: st.DataObject) -> None:
    """The score interval, ends included."""
    k = data.draw(st.integers(0, trials))
    low, high = wilson_interval(k, trials)
    expected = proportion_confint(k, trials, method="wilson")
    np.testing.assert_allclose([low, high], expected, atol=1e-12)


def test_measures_of_a_table_worked_by_hand() -> None:
    """30 of 40 against 20 of 60."""
    m = rule_measures([30], [40], [50], [100])
    assert (m.support[0], m.confidence[0], m.lift[0]) == (0.3, 0.75, 1.5)
    assert m.leverage[0] == pytest.approx(0.1)
    assert m.conviction[0] == pytest.approx(0.5 / 0.25)
    assert m.zhang[0] == pytest.approx(0.1 / max(0.3 * 0.6, 0.4 * 0.2))
    assert m.odds_ratio[0] == pytest.approx(30 * 40 / (10 * 20))
    assert m.excess[0] == pytest.approx(10)
    expected = np.exp(np.log(6) + np.array([-1, 1]) * 1.959964 * np.sqrt(1 / 30 + 1 / 10 + 3 / 40))
    np.testing.assert_allclose([m.odds_ratio_low[0], m.odds_ratio_high[0]], expected, rtol=1e-6)


def test_an_empty_cell_leaves_the_odds_ratio_finite() -> None:
    """Half a complaint is added to each cell; conviction alone is endless."""
    m = rule_measures([5], [5], [8], [20])
    assert np.isfinite(m.odds_ratio[0])
    assert np.isinf(m.conviction[0])


def test_the_lower_bound_of_the_excess_covers_the_truth() -> None:
    """In 2,000 tables drawn from known shares it lies above the truth in about one in forty."""
    rng = np.random.default_rng(11)
    cells = np.array([0.05, 0.05, 0.15, 0.75])
    drawn = rng.multinomial(2_000, cells, 2_000)
    a, x, y = drawn[:, 0], drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2]
    low = rule_measures(a, x, y, np.full(2_000, 2_000)).excess_low
    truth = 2_000 * (0.05 - 0.1 * 0.2)
    assert 0.01 < (low > truth).mean() < 0.045
