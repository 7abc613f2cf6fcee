"""Other intervals for the ratio of a measure, from the same counts as ours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import betaln, expit, gammaln, logit

from mining.baseline import Baseline, Side
from mining.scatter import Scatter, Weeks, weigh_scatter

Floats = NDArray[np.float64]
Interval = tuple[float, float]

_CHI = stats.chi2.ppf(0.95, 1)
_DRAWS = 999


def alone(before: Side, after: Side) -> Baseline:
    """Without anything to compare with, and no season: the rate before."""
    over, then = float(before.exposure.sum()), float(after.exposure.sum())
    rate = before.total / over
    windows = tuple(
        Weeks(side.counts, side.exposure / side.exposure.sum()) for side in (before, after)
    )
    return Baseline(
        "before and after",
        "none",
        after.total / then / rate,
        (rate * before.exposure, rate * after.exposure),
        (windows[0], windows[1]),
        np.array([after.total, before.total]),
        np.array([1.0, -1.0]),
        np.array([1, 0]),
        float(np.log(over / then)),
    )


def poisson(baseline: Baseline) -> Interval:
    """No scatter: gamma rates, close to the exact mid-p interval."""
    return _quantiles(baseline, 1.0)


def plugged_in(baseline: Baseline) -> Interval:
    """The same with Pearson's scatter in the place of the true one."""
    return _quantiles(baseline, pearson(baseline)[0])


def quasi_poisson(baseline: Baseline) -> Interval:
    """Pearson's scatter, at least 1, and Student's t."""
    scatter, free = pearson(baseline)
    counts = baseline.counts + 0.5
    middle = baseline.shift + np.log(counts) @ baseline.signs
    reach = stats.t.ppf(0.975, free) * np.sqrt(scatter * np.sum(1 / counts))
    return float(np.exp(middle - reach)), float(np.exp(middle + reach))


def bootstrap(baseline: Baseline) -> Interval:
    """Parametric: negative binomial counts drawn with Pearson's scatter, percentiles."""
    scatter, _ = pearson(baseline)
    rng = np.random.default_rng(1)
    mean = np.maximum(baseline.counts, 0.5)
    if scatter > 1.0001:
        levels = rng.gamma(mean / (scatter - 1), scatter - 1, (_DRAWS, mean.size))
    else:
        levels = np.tile(mean, (_DRAWS, 1))
    drawn = rng.poisson(levels) + 0.5
    logs = baseline.shift + np.log(drawn) @ baseline.signs
    low, high = np.exp(np.quantile(logs, [0.025, 0.975]))
    return float(low), float(high)


def profile(baseline: Baseline) -> Interval:
    """Profile likelihood of the negative (with a comparison the beta) binomial, chi-square."""
    start = np.log(max(baseline.ratio, 0.02))

    def most(logs: float) -> float:
        found = optimize.minimize(
            lambda free: -_likelihood(baseline, logs, free[0], free[1]),
            np.array([0.0, -1.0]),
            method="Nelder-Mead",
            options={"maxfev": 120},
        )
        return -float(found.fun)

    best = optimize.minimize_scalar(
        lambda logs: -most(logs), bounds=(start - 1, start + 1), method="bounded",
        options={"maxiter": 15},
    )  # fmt: skip

    def short(logs: float) -> float:
        return 2 * (-float(best.fun) - most(logs)) - _CHI

    return tuple(float(np.exp(_edge(short, float(best.x), way))) for way in (-1, 1))  # type: ignore[return-value]


def _edge(short: Callable[[float], float], middle: float, way: int) -> float:
    reach = 0.25
    while short(middle + way * reach) < 0:
        reach *= 2
        if reach > 16:
            return way * np.inf
    ends = sorted([middle, middle + way * reach])
    return float(optimize.brentq(short, *ends, xtol=1e-3))


def _likelihood(baseline: Baseline, logs: float, level: float, over: float) -> float:
    """Of all weeks, at this log ratio, level of the weeks before and logarithm of the scatter."""
    scatter = np.exp(np.clip(over, -8, 4))
    then, now = baseline.windows
    moved = logs - np.log(max(baseline.ratio, 0.02)) + level
    return _week_likelihood(then, level, scatter) + _week_likelihood(now, moved, scatter)


def _week_likelihood(weeks: Weeks, moved: float, scatter: float) -> float:
    if weeks.totals is None:
        mean = max(weeks.counts.sum(), 0.5) * weeks.shares * np.exp(moved)
        return float(stats.nbinom.logpmf(weeks.counts, mean / scatter, 1 / (1 + scatter)).sum())
    share = expit(logit(weeks.shares) + moved)
    size = max(weeks.totals.mean(), 1e-6) / scatter
    mine, theirs, rest = size * share, size * (1 - share), weeks.totals - weeks.counts
    several = gammaln(weeks.totals + 1) - gammaln(weeks.counts + 1) - gammaln(rest + 1)
    return float(
        (several + betaln(weeks.counts + mine, rest + theirs) - betaln(mine, theirs)).sum()
    )


def weighed(baseline: Baseline) -> Interval:
    """Ours."""
    spread = baseline.distribution(weigh_scatter(baseline.windows))
    low = np.exp(spread.quantile(0.025)) if baseline.counts[0] > 0 else 0.0
    return float(low), float(np.exp(spread.quantile(0.975)))


def pearson(baseline: Baseline) -> tuple[float, float]:
    """Variance over mean, at least 1, and its degrees of freedom."""
    squares = free = 0.0
    for weeks in baseline.windows:
        totals = weeks.counts.sum() if weeks.totals is None else weeks.totals
        mean = np.maximum(totals * weeks.shares, 1e-9)
        rest = 1.0 if weeks.totals is None else 1 - weeks.shares
        squares += float(((weeks.counts - mean) ** 2 / (mean * rest)).sum())
        free += weeks.counts.size - 1
    return max(squares / free, 1.0), free


def _quantiles(baseline: Baseline, scatter: float) -> Interval:
    spread = baseline.distribution(Scatter(np.full((1, 2), scatter), np.ones(1)))
    low = np.exp(spread.quantile(0.025)) if baseline.counts[0] > 0 else 0.0
    return float(low), float(np.exp(spread.quantile(0.975)))


PEERS: dict[str, Callable[[Baseline], Interval]] = {
    "scatter weighed (ours)": weighed,
    "scatter plugged in": plugged_in,
    "quasi-Poisson, t": quasi_poisson,
    "parametric bootstrap": bootstrap,
    "profile likelihood": profile,
    "Poisson": poisson,
}
