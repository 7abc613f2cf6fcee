"""Rises that chance does not explain: weekly counts held against a baseline that knows its limits.

Each week's count is compared with what the weeks before it lead one to expect. The baseline is a
rate per complaint received (so season, weekdays and holidays that touch everything cancel out),
times a factor for this time of year where last year is known. The prediction is negative binomial:
it holds the scatter of the counts and the doubt about the rate. A cumulative sum beside it finds
slow rises. Weeks that gave the alarm don't enter later baselines; weeks without data are gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from domain.errors import SettingRefused

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_YEAR = 52
_SEASON_PRIOR = 20.0
_SCATTER_PRIOR = 10.0
_HALF = 0.5
_STILL_HIGH = 0.05
_MONTH = 4
_CAP = 1.2


@dataclass(frozen=True)
class Vigilance:
    """How watchful the warnings are.

    Attributes
    ----------
    baseline : int
        Most weeks that a baseline is made of.
    least : int
        Fewest weeks; before that nothing is judged.
    guard : int
        Weeks just before the judged one that stay out of its baseline, so that a slow rise does
        not become its own measure.
    patience : int
        The same for slow rises, where the history is long enough.
    p_value : float
        A single week gives the alarm below this chance.
    threshold : float
        The cumulative sum of log likelihood ratios gives the alarm above this; by Wald, false
        alarms are then at least ``exp(threshold)`` weeks apart on average.
    rise : float
        The rise that is looked for, as a ratio; smaller ones are no news.
    fewest : int
        Fewest complaints in the week.
    """

    baseline: int = 26
    least: int = 6
    guard: int = 2
    patience: int = 13
    p_value: float = 1e-4
    threshold: float = 10.0
    rise: float = 1.5
    fewest: int = 5

    def __post_init__(self) -> None:
        """Refuse what can't work."""
        if not 2 <= self.least <= self.baseline:
            raise SettingRefused(
                f"least={self.least}, baseline={self.baseline}; give 2 <= least <= baseline"
            )
        if not 0 < self.p_value < 1 or self.rise <= 1 or self.threshold <= 0:
            raise SettingRefused(
                f"p_value={self.p_value}, rise={self.rise}, threshold={self.threshold}; "
                "give a chance below 1, a rise above 1 and a threshold above 0"
            )


@dataclass(frozen=True)
class Watch:
    """What watching found, series by week.

    Attributes
    ----------
    expected, upper : ndarray of float64, shape (n, weeks)
        Expected count and the largest one that gives no alarm by itself; NaN where not judged.
    p_values : ndarray of float64, shape (n, weeks)
        Chance of at least the count seen.
    sums : ndarray of float64, shape (n, weeks)
        The cumulative sum, kept below 1.2 times its threshold.
    scatter : ndarray of float64, shape (n, weeks)
        Variance over mean that the baseline showed, at least 1.
    alarms, slow : ndarray of bool, shape (n, weeks)
        Weeks with an alarm; those of them that the cumulative sum alone gave.
    """

    expected: Floats
    upper: Floats
    p_values: Floats
    sums: Floats
    scatter: Floats
    alarms: Flags
    slow: Flags


def watch(counts: Floats, exposure: Floats, vigilance: Vigilance | None = None) -> Watch:
    """Go through the weeks of every series, judging each by the weeks before it.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, weeks)
        Weekly counts; NaN in weeks without data.
    exposure : ndarray of float64, shape (n, weeks)
        What each count was made out of, such as the other complaints of the week; above 0
        wherever there is a count.
    vigilance : Vigilance, optional

    Returns
    -------
    Watch

    Raises
    ------
    SettingRefused
        The arrays' shapes differ.

    References
    ----------
    Farrington et al. (1996). A statistical algorithm for the early detection of outbreaks of
    infectious disease. Page (1954). Continuous inspection schemes.

    Examples
    --------
    >>> counts = np.array([[9.0, 11, 10, 8, 12, 10, 9, 10, 11, 10, 27]])
    >>> found = watch(counts, np.full(counts.shape, 200.0))
    >>> np.flatnonzero(found.alarms).tolist(), found.expected[0, -1].round(1)
    ([10], np.float64(9.9))
    """
    if counts.shape != exposure.shape:
        raise SettingRefused(f"counts have shape {counts.shape}, exposures {exposure.shape}")
    return _Round(counts, exposure, vigilance or Vigilance()).run()


@dataclass(frozen=True)
class _Baseline:
    """What the weeks before lead one to expect of a week, by series."""

    judged: Flags
    seen: Floats
    expected: Floats
    scatter: Floats

    @property
    def variance(self) -> Floats:
        """Of the count to come: its own scatter and the doubt about the rate."""
        variance: Floats = self.scatter * self.expected * (1 + self.expected / (self.seen + _HALF))
        return variance


class _Round:
    """One pass over the weeks; keeps which weeks may serve as a baseline."""

    def __init__(self, counts: Floats, exposure: Floats, vigilance: Vigilance) -> None:
        self.vigilance = vigilance
        self.known = ~np.isnan(counts)
        self.counts = np.where(self.known, counts, 0.0)
        self.exposure = np.where(self.known, exposure, 0.0)
        self.calm = self.known.copy()
        shape = counts.shape
        self.out = {name: np.full(shape, np.nan) for name in ("expected", "upper", "p_values")}
        self.out |= {"sums": np.zeros(shape), "scatter": np.ones(shape)}
        self.alarms, self.slow = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        self.sum = np.zeros(shape[0])
        self.run_start = np.zeros(shape[0], dtype=np.int64)
        self.older = np.full(shape, np.nan)
        self.tamed = self.counts.copy()

    def run(self) -> Watch:
        for week in range(self.counts.shape[1]):
            self._single(week, self._baseline(week, self.vigilance.guard))
            self._cumulative(week, self._baseline(week, self._patience(week)))
            self.calm[self.alarms[:, week], week] = False
        return Watch(**self.out, alarms=self.alarms, slow=self.slow)

    def _patience(self, week: int) -> int:
        """How far back the baseline of slow rises ends, as far as a short history allows."""
        possible = (week - self.vigilance.least) // 2
        return max(self.vigilance.guard, min(self.vigilance.patience, possible))

    def _baseline(self, week: int, guard: int) -> _Baseline:
        end = max(week - guard, 0)
        window = slice(max(end - self.vigilance.baseline, 0), end)
        used = self.calm[:, window]
        seen = (self.counts[:, window] * used).sum(axis=1)
        base = (self.exposure[:, window] * used).sum(axis=1)
        judged = (used.sum(axis=1) >= self.vigilance.least) & self.known[:, week] & (base > 0)
        rate = (seen + _HALF) / np.where(base > 0, base, 1.0)
        expected = rate * self.exposure[:, week] * self._season(week, window)
        return _Baseline(
            judged, seen, np.maximum(expected, 1e-9), self._scatter(window, used, rate)
        )

    def _season(self, week: int, window: slice) -> Floats:
        """How this time of last year stood to last year's baseline, drawn towards 1."""
        then = slice(max(week - _YEAR - 1, 0), week - _YEAR + 2)
        earlier = slice(max(window.start - _YEAR, 0), window.stop - _YEAR)
        if earlier.stop - earlier.start < self.vigilance.least:
            return np.ones(self.counts.shape[0])
        seen, out_of = self.counts[:, then].sum(axis=1), self.exposure[:, then].sum(axis=1)
        usual = self.counts[:, earlier].sum(axis=1)
        base = np.maximum(self.exposure[:, earlier].sum(axis=1), 1e-9)
        factor: Floats = (seen + _SEASON_PRIOR) / (usual / base * out_of + _SEASON_PRIOR)
        return factor

    def _scatter(self, window: slice, used: Flags, rate: Floats) -> Floats:
        """Variance over mean in the baseline, drawn towards the Poisson's 1."""
        fitted = np.maximum(rate[:, None] * self.exposure[:, window], 1e-9)
        squares = ((self.counts[:, window] - fitted) ** 2 / fitted * used).sum(axis=1)
        free = np.maximum(used.sum(axis=1) - 1, 0)
        scatter: Floats = np.maximum((squares + _SCATTER_PRIOR) / (free + _SCATTER_PRIOR), 1.0)
        return scatter

    def _single(self, week: int, usual: _Baseline) -> None:
        """One week against the negative binomial prediction of its count."""
        expected, judged, now = usual.expected, usual.judged, self.counts[:, week]
        size = expected**2 / np.maximum(usual.variance - expected, 1e-9 * expected + 1e-12)
        chance = size / (size + expected)
        p_values = np.asarray(stats.nbinom.sf(now - 1, size, chance))
        upper = np.asarray(stats.nbinom.isf(self.vigilance.p_value, size, chance))
        large = np.maximum(np.ceil(self.vigilance.rise * expected), self.vigilance.fewest)
        upper = np.maximum(upper, large - 1)
        shown = {"expected": expected, "p_values": p_values, "upper": upper}
        for name, values in {**shown, "scatter": usual.scatter}.items():
            self.out[name][judged, week] = values[judged]
        surely = p_values < self.vigilance.p_value
        self.alarms[:, week] = judged & (now >= large) & surely
        self.tamed[:, week] = np.where(judged, np.minimum(now, upper), now)

    def _cumulative(self, week: int, usual: _Baseline) -> None:
        """Page's sum of log likelihood ratios of a rise against none, from an older baseline.

        A count counts at most as far as a single week's alarm: one spike is no slow rise.
        """
        now, rise, threshold = self.tamed[:, week], self.vigilance.rise, self.vigilance.threshold
        doubt = usual.variance / usual.expected
        step = (now * np.log(rise) - usual.expected * (rise - 1)) / doubt
        self.run_start = np.where(self.sum <= 0, week, self.run_start)
        grown = np.clip(self.sum + step, 0.0, _CAP * threshold)
        self.sum = np.where(usual.judged, grown, self.sum)
        self.out["sums"][:, week] = self.sum
        self.older[usual.judged, week] = usual.expected[usual.judged]
        crossed = usual.judged & (self.sum > threshold) & self._is_large(week)
        self.slow[:, week] = crossed & ~self.alarms[:, week]
        self.alarms[:, week] |= crossed
        for row in np.flatnonzero(crossed):
            self.calm[row, self.run_start[row] : week + 1] = False

    def _is_large(self, week: int) -> Flags:
        """Whether the last month is as large as the rise that is looked for, and this week too."""
        month = slice(max(week - _MONTH + 1, 0), week + 1)
        expected = np.nansum(self.older[:, month], axis=1)
        seen = np.where(np.isnan(self.older[:, month]), 0.0, self.tamed[:, month]).sum(axis=1)
        large: Flags = seen >= self.vigilance.rise * expected
        large &= self.out["p_values"][:, week] < _STILL_HIGH
        return large & (self.counts[:, week] >= self.vigilance.fewest)


@dataclass(frozen=True)
class Episode:
    """One rise: alarms of one series that belong together.

    Attributes
    ----------
    series, first, last : int
        Which series, and its first and last week with an alarm.
    observed, expected : float
        Counts from the first to the last of these weeks.
    p_value : float
        Smallest chance among the weeks.
    slow : bool
        Whether the cumulative sum alone gave the first alarm.
    """

    series: int
    first: int
    last: int
    observed: float
    expected: float
    p_value: float
    slow: bool


def episodes(watched: Watch, counts: Floats, apart: int = 4) -> list[Episode]:
    """Join alarms of a series that lie fewer than so many weeks apart.

    Parameters
    ----------
    watched : Watch
    counts : ndarray of float64, shape (n, weeks)
        As given to `watch`.
    apart : int, default 4

    Returns
    -------
    list of Episode
        By first week, then by series.

    Examples
    --------
    >>> counts = np.array([[9.0, 11, 10, 8, 12, 10, 9, 10, 11, 10, 30, 35]])
    >>> [(e.first, e.last) for e in episodes(watch(counts, np.full((1, 12), 200.0)), counts)]
    [(10, 11)]
    """
    found = []
    for series in np.flatnonzero(watched.alarms.any(axis=1)):
        weeks = np.flatnonzero(watched.alarms[series])
        starts = np.flatnonzero(np.diff(weeks, prepend=weeks[0] - apart) >= apart)
        parts = np.split(weeks, starts[1:])
        found += [_episode(watched, counts, int(series), part) for part in parts]
    return sorted(found, key=lambda episode: (episode.first, episode.series))


def _episode(watched: Watch, counts: Floats, series: int, weeks: NDArray[np.intp]) -> Episode:
    first, last = int(weeks[0]), int(weeks[-1])
    span = slice(first, last + 1)
    return Episode(
        series,
        first,
        last,
        float(np.nansum(counts[series, span])),
        float(np.nansum(watched.expected[series, span])),
        float(np.nanmin(watched.p_values[series, span])),
        bool(watched.slow[series, first]),
    )


def false_alarms(
    counts: Floats,
    exposure: Floats,
    vigilance: Vigilance | None = None,
    runs: int = 20,
    seed: int = 0,
) -> float:
    """How many alarms the same watching gives where nothing rises.

    Series with the rates, the exposures and the scatter of the real ones, but no change, are
    drawn and watched.

    Parameters
    ----------
    counts, exposure : ndarray of float64, shape (n, weeks)
        As given to `watch`.
    vigilance : Vigilance, optional
    runs : int, default 20
        Histories drawn.
    seed : int, default 0

    Returns
    -------
    float
        Rises reported over all series in 26 weeks, on average.

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(20, (10, 40)).astype(float)
    >>> false_alarms(counts, np.full(counts.shape, 500.0)) < 1
    True
    """
    vigilance = vigilance or Vigilance()
    judged = counts.shape[1] - vigilance.least - vigilance.guard
    if judged <= 0 or counts.shape[0] == 0:
        return 0.0
    calm, scatter = _calm(counts, exposure)
    rng = np.random.default_rng(seed)
    drawn = _drawn(rng, np.tile(calm, (runs, 1)), scatter)
    drawn[np.tile(np.isnan(counts), (runs, 1))] = np.nan
    found = episodes(watch(drawn, np.tile(exposure, (runs, 1)), vigilance), drawn)
    return float(len(found) / runs * 26 / judged)


def _calm(counts: Floats, exposure: Floats) -> tuple[Floats, float]:
    """Expected counts of every week at the usual rate, and the scatter that all series share.

    The scatter comes from the differences of neighbouring weeks, so that a rise or a fall in the
    history does not pass for scatter.
    """
    rates = counts / np.where(exposure > 0, exposure, np.nan)
    fitted = np.nan_to_num(np.nanmedian(rates, axis=1, keepdims=True) * exposure)
    level = np.maximum(np.nanmean(counts, axis=1, keepdims=True), _HALF)
    squares = np.diff(counts, axis=1) ** 2 / (2 * level)
    scatter = np.nanmedian(squares) / stats.chi2.median(1)
    return np.maximum(fitted, 1e-9), float(max(scatter, 1.0))


def _drawn(rng: np.random.Generator, mean: Floats, scatter: float) -> Floats:
    """Counts with this mean and this variance over mean."""
    over = scatter - 1
    level = rng.gamma(mean / over) * over if over > 0 else mean
    return rng.poisson(level).astype(np.float64)
