"""Stratified tests against statsmodels and against enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable

from mining.strata import Division, Strata


def drawn(seed: int, n: int = 400, strata: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, strata, n).astype(np.int32)
    with_ = rng.random(n) < 0.2 + 0.1 * codes
    held = rng.random(n) < 0.1 + 0.1 * codes + 0.15 * with_
    return codes, with_, held


def two_by_twos(codes: np.ndarray, with_: np.ndarray, held: np.ndarray) -> list[np.ndarray]:
    return [
        np.array(
            [[(m & with_ & held).sum(), (m & with_ & ~held).sum()],
             [(m & ~with_ & held).sum(), (m & ~with_ & ~held).sum()]]
        )
        for m in (codes == s for s in np.unique(codes))
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_mantel_haenszel_equals_statsmodels(seed: int) -> None:
    """Common odds ratio, risk ratio and the CMH statistic."""
    codes, with_, held = drawn(seed)
    ours = Strata.of(codes, held).compare([np.flatnonzero(with_).astype(np.int32)])
    theirs = StratifiedTable(two_by_twos(codes, with_, held))
    assert ours.odds_ratio[0] == pytest.approx(theirs.oddsratio_pooled)
    assert ours.risk_ratio[0] == pytest.approx(theirs.riskratio_pooled)
    assert ours.z[0] ** 2 == pytest.approx(theirs.test_null_odds(correction=False).statistic)


def test_the_exact_tail_equals_fisher_in_one_stratum() -> None:
    """Nothing to convolve."""
    _, with_, held = drawn(7, n=60)
    strata = Strata.of(np.zeros(60, dtype=np.int32), held)
    both = int((with_ & held).sum())
    expected = stats.hypergeom.sf(both - 1, 60, held.sum(), with_.sum())
    assert strata.p_value(np.flatnonzero(with_).astype(np.int32)) == pytest.approx(expected)


def test_the_exact_tail_equals_enumeration_over_strata() -> None:
    """The sum over all pairs of counts in two strata."""
    codes, with_, held = drawn(9, n=80, strata=2)
    both = int((with_ & held).sum())
    margins = [(int(t.sum()), int(t[:, 0].sum()), int(t[0].sum())) for t in
               two_by_twos(codes, with_, held)]  # fmt: skip
    first, second = (stats.hypergeom(*margin) for margin in margins)
    pairs = [(i, j) for i in range(81) for j in range(81) if i + j >= both]
    expected = sum(first.pmf(i) * second.pmf(j) for i, j in pairs)
    found = Strata.of(codes, held).p_value(np.flatnonzero(with_).astype(np.int32))
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_normal_tail_meets_the_exact_one_where_it_takes_over() -> None:
    """Large strata: within a tenth of the exact tail near three standard deviations."""
    rng = np.random.default_rng(4)
    n = 4_000
    held, with_ = rng.random(n) < 0.2, rng.random(n) < 0.2
    with_[np.flatnonzero(held & ~with_)[:50]] = True
    strata = Strata.of(np.zeros(n, dtype=np.int32), held)
    exact = stats.hypergeom.sf((with_ & held).sum() - 1, n, held.sum(), with_.sum())
    assert strata.p_value(np.flatnonzero(with_).astype(np.int32)) == pytest.approx(exact, rel=0.2)


def test_simpson_disappears_inside_the_strata() -> None:
    """Marginally guilty, innocent among likes."""
    codes = np.repeat(np.array([0, 1], dtype=np.int32), 1_000)
    with_ = np.r_[np.arange(1_000) % 10 < 8, np.arange(1_000) % 10 < 2]
    place = np.arange(2_000) // 10 % 10
    held = np.where(codes == 0, place < 5, place < 1)
    rows = [np.flatnonzero(with_).astype(np.int32)]
    crude = Strata.of(np.zeros(2_000, dtype=np.int32), held).compare(rows)
    alike = Strata.of(codes, held).compare(rows)
    assert crude.risk_ratio[0] > 1.8
    assert alike.risk_ratio[0] == pytest.approx(1.0)


def test_crossing_equals_distinct_combinations_and_open_parts_stay_aside() -> None:
    """Against numpy's unique over rows, with and without open parts."""
    rng = np.random.default_rng(1)
    parts = [rng.integers(-1, 4, 3_000).astype(np.int32) for _ in range(3)]
    codes = Division.of(*parts).codes
    rows = np.stack(parts, axis=1)
    closed = (rows >= 0).all(axis=1)
    assert (codes[~closed] == -1).all()
    expected = np.unique(rows[closed], axis=0, return_inverse=True)[1].ravel()
    pairs = np.unique(np.stack([codes[closed], expected], axis=1), axis=0)
    assert len(pairs) == len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == codes.max() + 1


def test_many_strata_outgrow_the_first_table() -> None:
    """More than 512 combinations."""
    part = np.arange(5_000, dtype=np.int32)
    np.testing.assert_array_equal(Division.of(part).codes, part)
