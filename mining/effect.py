"""Whether a measure worked, from weekly counts: 有效, 无效, 不确定 or 过早, and why.

The weeks after the measure (and a lag, for what is still on its way) are held against the weeks
before. With a comparison group each week's count is judged by its share of both groups' complaints
in that week, so a season or a general fall touches both and cancels out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit

from domain.errors import SettingRefused
from mining.ratio import LogRatio
from mining.scatter import Scatter, Weeks, weigh_scatter

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Verdict = Literal["有效", "无效", "不确定", "过早"]

_BASELINE = 26
_LEAST_BEFORE = 4
_TAIL = 0.025
_FURTHER = 520


@dataclass(frozen=True)
class Window:
    """One side of a measure.

    Attributes
    ----------
    weeks : int
        Weeks with data.
    count, exposure : float
        Complaints, and what they were counted over; without exposure the number of weeks.
    rate : float
        Complaints by exposure, so a week where there is no exposure.
    """

    weeks: int
    count: float
    exposure: float
    rate: float


@dataclass(frozen=True)
class Comparison:
    """The same where the measure does not apply; ``ratio`` is its rate after over before."""

    before: Window
    after: Window
    ratio: float | None


@dataclass(frozen=True)
class Effect:
    """What a measure did.

    Attributes
    ----------
    verdict : str
        有效, 无效, 不确定 or 过早.
    reason : str
        Code of the reason; `sentence` says it in words.
    facts : mapping of str to float, int or str
        Figures that the sentence names.
    rate_ratio : float or None
        Rate after over the rate expected without the measure; None where there is no baseline.
    interval : tuple of float or None
        Its 95 % interval.
    p_value : float or None
        One-sided, for a fall.
    before, after : Window
        What was compared.
    lag_weeks : int
        Weeks after the measure that were left out.
    dispersion : float
        Variance over mean of the weekly counts, as weighed; 1 for Poisson.
    comparison : Comparison or None
        The comparison group in the same weeks.
    season : str
        How it was accounted for: ``comparison``, ``last year`` or ``none``.
    sample_needed : int or None
        Further weeks until the interval would exclude 1, at the ratio seen where that is a fall
        worth while, else at the smallest one that is; 0 where it does; None where that can't be
        reached.
    expected, expected_low, expected_high : ndarray of float64, shape (weeks,)
        Count to expect without the measure, and where 95 % of weeks would fall; NaN in weeks
        that were not used.
    method : str
        Design and distribution.
    """

    verdict: Verdict
    reason: str
    rate_ratio: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    before: Window
    after: Window
    lag_weeks: int
    dispersion: float
    comparison: Comparison | None
    season: str
    sample_needed: int | None
    expected: Floats
    expected_low: Floats
    expected_high: Floats
    method: str
    facts: Mapping[str, float | int | str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Side:
    """The weeks of one window that hold data, of the group and of its comparison."""

    place: NDArray[np.intp]
    counts: Floats
    exposure: Floats
    other: Floats | None
    other_exposure: Floats

    @property
    def window(self) -> Window:
        return _window(self.counts, self.exposure)

    @property
    def odds(self) -> float:
        """Rate of the group over that of its comparison, each week by its own exposures."""
        assert self.other is not None
        totals, offsets = self.counts + self.other, self.exposure / self.other_exposure
        mine = self.counts.sum()
        if mine == 0 or mine == totals.sum():
            weight = totals if totals.sum() > 0 else np.ones_like(totals)
            offset = float(weight @ offsets / weight.sum())
            return (mine + 0.5) / (totals.sum() - mine + 0.5) / offset
        logs = np.log(offsets)
        value = float(np.log(mine / (totals.sum() - mine)) - totals @ logs / totals.sum())
        for _ in range(25):
            share = expit(logs + value)
            step = (mine - totals @ share) / (totals @ (share * (1 - share)))
            value += float(np.clip(step, -2, 2))
            if abs(step) < 1e-10:
                break
        return float(np.exp(value))

    @property
    def weeks(self) -> Weeks:
        """For weighing the scatter."""
        if self.other is None:
            return Weeks(self.counts, self.exposure / self.exposure.sum())
        odds = self.odds * self.exposure / self.other_exposure
        return Weeks(self.counts, odds / (1 + odds), self.counts + self.other)

    @property
    def terms(self) -> tuple[Floats, float]:
        """Counts that the rate rests on, and the logarithm of what they are counted over."""
        mine = float(self.counts.sum())
        if self.other is None:
            return np.array([mine]), float(np.log(self.exposure.sum()))
        weeks = self.weeks
        theirs = float(self.other.sum())
        if mine > 0 and theirs > 0:
            assert weeks.totals is not None
            known = float(weeks.totals @ (weeks.shares * (1 - weeks.shares)))
            theirs = 1 / (1 / known - 1 / mine)
        scale = (mine or 0.5) / (theirs or 0.5) / self.odds
        return np.array([mine, theirs]), float(np.log(scale))


def _window(counts: Floats, exposure: Floats) -> Window:
    count, base = float(counts.sum()), float(exposure.sum())
    return Window(counts.size, count, base, count / base if base > 0 else 0.0)


def measure_effect(
    counts: ArrayLike,
    done_week: int,
    *,
    exposure: ArrayLike | None = None,
    comparison: ArrayLike | None = None,
    comparison_exposure: ArrayLike | None = None,
    lag_weeks: int = 0,
    baseline_weeks: int | None = None,
    worthwhile: float = 0.8,
    least_after_weeks: int = 4,
) -> Effect:
    """Judge a measure by the weekly counts of the problem where it applies.

    Parameters
    ----------
    counts : array_like of float, shape (weeks,)
        Complaints of the problem by week; NaN in weeks without data.
    done_week : int
        First week in which the measure could act.
    exposure : array_like of float, shape (weeks,), optional
        What each count was made out of, such as units sold; weeks with 0 or NaN are left out.
    comparison, comparison_exposure : array_like of float, shape (weeks,), optional
        The same issue where the measure does not apply.
    lag_weeks : int, default 0
        Weeks from `done_week` on that are left out.
    baseline_weeks : int, optional
        Weeks before the measure to compare with; at most 26 if not given.
    worthwhile : float, default 0.8
        Largest ratio that would be worth the measure.
    least_after_weeks : int, default 4
        With fewer weeks after the lag it is 过早.

    Returns
    -------
    Effect

    Raises
    ------
    SettingRefused
        Shapes differ, counts are negative, or a parameter can't work.

    References
    ----------
    Przyborowski and Wilenski (1940). Farrington et al. (1996). Cox and Reid (1987).

    Examples
    --------
    >>> counts = [9, 12, 10, 8, 11, 10, 9, 12, 10, 9, 3, 2, 4, 3, 2, 3]
    >>> effect = measure_effect(counts, 10)
    >>> effect.verdict, round(effect.rate_ratio, 2)
    ('有效', 0.28)
    """
    given = _Given.read(counts, exposure, comparison, comparison_exposure)
    _check(given.counts.size, done_week, lag_weeks, baseline_weeks, worthwhile, least_after_weeks)
    start = max(0, done_week - (baseline_weeks or _BASELINE))
    before = given.side(np.arange(start, done_week))
    after = given.side(np.arange(done_week + lag_weeks, given.counts.size))
    return _Judgement(given, before, after, lag_weeks, worthwhile, least_after_weeks).effect()


def _check(
    weeks: int, done: int, lag: int, baseline: int | None, worthwhile: float, least: int
) -> None:
    if not 0 <= done <= weeks:
        raise SettingRefused(f"done_week={done} of {weeks} weeks; give 0 to {weeks}")
    if lag < 0 or least < 1 or (baseline is not None and baseline < 1):
        raise SettingRefused(
            f"lag_weeks={lag}, least_after_weeks={least}, baseline_weeks={baseline}; "
            "give 0 or more, 1 or more and 1 or more"
        )
    if not 0 < worthwhile < 1:
        raise SettingRefused(f"worthwhile={worthwhile}; give a ratio between 0 and 1")


@dataclass(frozen=True)
class _Given:
    """The series as given, checked."""

    counts: Floats
    exposure: Floats
    other: Floats | None
    other_exposure: Floats

    @classmethod
    def read(
        cls,
        counts: ArrayLike,
        exposure: ArrayLike | None,
        comparison: ArrayLike | None,
        comparison_exposure: ArrayLike | None,
    ) -> _Given:
        mine = _series("counts", counts, None)
        ones = np.ones(mine.size)
        other = None if comparison is None else _series("comparison", comparison, mine.size)
        base = ones if exposure is None else _series("exposure", exposure, mine.size)
        other_base = ones
        if comparison_exposure is not None:
            other_base = _series("comparison_exposure", comparison_exposure, mine.size)
        return cls(mine, base, other, other_base)

    def side(self, place: NDArray[np.intp]) -> _Side:
        """The weeks of a window that hold data."""
        known = ~np.isnan(self.counts[place]) & (self.exposure[place] > 0)
        if self.other is not None:
            known &= ~np.isnan(self.other[place]) & (self.other_exposure[place] > 0)
        held = place[known]
        other = None if self.other is None else self.other[held]
        return _Side(held, self.counts[held], self.exposure[held], other, self.other_exposure[held])


def _series(name: str, values: ArrayLike, size: int | None) -> Floats:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or (size is not None and series.size != size):
        expected = "one row of weeks" if size is None else f"{size} weeks, as counts has"
        raise SettingRefused(f"{name} has shape {series.shape}; give {expected}")
    if np.any(series < 0) or np.any(np.isinf(series)):
        raise SettingRefused(f"{name} holds negative or infinite values; give numbers from 0 up")
    return series


@dataclass(frozen=True)
class _Judgement:
    """One measure with its two windows."""

    given: _Given
    before: _Side
    after: _Side
    lag_weeks: int
    worthwhile: float
    least_after: int

    def effect(self) -> Effect:
        ratio, interval, p_value, scatter = self._estimate()
        verdict, reason = self._verdict(interval, p_value)
        needed = self._needed(verdict, ratio, interval, scatter)
        expected, low, high = self._expected(ratio, scatter)
        return Effect(
            verdict,
            reason,
            ratio,
            interval,
            p_value,
            self.before.window,
            self.after.window,
            self.lag_weeks,
            scatter.mean,
            self._comparison(),
            "none" if self.given.other is None else "comparison",
            needed,
            expected,
            low,
            high,
            self._method(scatter),
            self._facts(),
        )

    def _facts(self) -> dict[str, float | int | str | None]:
        return {
            "least_after_weeks": self.least_after,
            "least_before_weeks": _LEAST_BEFORE,
            "worthwhile": self.worthwhile,
            "after_weeks": self.after.counts.size,
            "before_weeks": self.before.counts.size,
        }

    def _comparison(self) -> Comparison | None:
        if self.before.other is None or self.after.other is None:
            return None
        before = _window(self.before.other, self.before.other_exposure)
        after = _window(self.after.other, self.after.other_exposure)
        return Comparison(before, after, after.rate / before.rate if before.rate > 0 else None)

    def _method(self, scatter: Scatter) -> str:
        design = "before and after" if self.given.other is None else "difference in differences"
        return f"{design}, {'Poisson' if scatter.mean < 1.2 else 'negative binomial'}"

    def _estimate(
        self,
    ) -> tuple[float | None, tuple[float, float] | None, float | None, Scatter]:
        calm = Scatter(np.ones((1, 2)), np.ones(1))
        if min(self.before.counts.size, self.after.counts.size) == 0 or self._no_baseline:
            return None, None, None, calm
        scatter = weigh_scatter([self.before.weeks, self.after.weeks])
        spread = self._distribution(scatter)
        nothing = self.after.counts.sum() == 0
        low = 0.0 if nothing else float(np.exp(spread.quantile(_TAIL)))
        high = float(np.exp(spread.quantile(1 - _TAIL)))
        return self._ratio(), (low, high), 1 - spread.below(0.0), scatter

    @property
    def _no_baseline(self) -> bool:
        """Whether nothing was there to fall, or nothing to compare with."""
        others = (self.before.other, self.after.other)
        empty = any(other is not None and other.sum() == 0 for other in others)
        return bool(self.before.counts.sum() == 0) or empty

    def _ratio(self) -> float:
        if self.after.counts.sum() == 0:
            return 0.0
        if self.given.other is None:
            return self.after.window.rate / self.before.window.rate
        return self.after.odds / self.before.odds

    def _distribution(self, scatter: Scatter) -> LogRatio:
        (before, over_before), (after, over_after) = self.before.terms, self.after.terms
        worth = np.hstack([after / scatter.values[:, 1:], before / scatter.values[:, :1]]) + 0.5
        signs = np.array([1.0, -1.0, -1.0, 1.0]) if after.size == 2 else np.array([1.0, -1.0])
        shifts = np.full(scatter.weights.size, over_before - over_after)
        if after.size == 1:
            shifts = shifts + np.log(scatter.values[:, 1] / scatter.values[:, 0])
        return LogRatio(worth, signs, shifts, scatter.weights)

    def _verdict(
        self, interval: tuple[float, float] | None, p_value: float | None
    ) -> tuple[Verdict, str]:
        if self.after.counts.size < self.least_after:
            return "过早", "few weeks"
        if self.before.counts.size < _LEAST_BEFORE:
            return "不确定", "short baseline"
        if interval is None or p_value is None:
            return "不确定", "no baseline"
        low, high = interval
        if high < 1 and p_value < _TAIL:
            return "有效", "fall"
        if low > 1:
            return "无效", "rise"
        return ("无效", "no fall worth while") if low > self.worthwhile else ("不确定", "open")

    def _needed(
        self,
        verdict: Verdict,
        ratio: float | None,
        interval: tuple[float, float] | None,
        scatter: Scatter,
    ) -> int | None:
        short = max(0, self.least_after - self.after.counts.size)
        if interval is None or ratio is None:
            return short or None
        if interval[1] < 1:
            return short
        design = min(max(ratio, 0.05), self.worthwhile)
        further = np.arange(_FURTHER + 1)
        high = np.log(design) + 1.96 * np.sqrt(self._variance(design, further, scatter))
        enough = np.flatnonzero((high < 0) & (further >= short))
        return int(enough[0]) if enough.size else None

    def _variance(self, design: float, further: NDArray[np.intp], scatter: Scatter) -> Floats:
        """Of the logarithm of the ratio after so many further weeks like those seen."""
        weeks = max(self.after.counts.size, 1)
        grown = (weeks + further) / weeks
        before, after = self.before.terms[0], self.after.terms[0].copy()
        after[0] = max(after[0] * design / max(self._ratio(), 1e-9), 0.5)
        levels = scatter.weights @ scatter.values
        variance: Floats = (
            levels[0] / before.sum()
            if before.size == 1
            else levels[0] * np.sum(1 / np.maximum(before, 0.5))
        )
        return variance + levels[1] * np.sum(1 / np.maximum(after, 0.5)) / grown

    def _expected(self, ratio: float | None, scatter: Scatter) -> tuple[Floats, Floats, Floats]:
        """Week by week without the measure, and where 95 % of such weeks would fall."""
        out = [np.full(self.given.counts.size, np.nan) for _ in range(3)]
        if ratio is None:
            return out[0], out[1], out[2]
        levels = scatter.weights @ scatter.values
        for side, level in ((self.before, levels[0]), (self.after, levels[1])):
            mean = np.maximum(self._mean(side), 1e-9)
            size = mean / max(level - 1, 1e-6)
            chance = size / (size + mean)
            out[0][side.place] = mean
            out[1][side.place] = stats.nbinom.ppf(_TAIL, size, chance)
            out[2][side.place] = stats.nbinom.ppf(1 - _TAIL, size, chance)
        return out[0], out[1], out[2]

    def _mean(self, side: _Side) -> Floats:
        if side.other is None:
            return self.before.window.rate * side.exposure
        usual = side.other / side.other_exposure
        smooth = np.convolve(np.pad(usual, 1, mode="edge"), np.ones(3) / 3, mode="valid")
        level = self.before.odds * side.exposure
        mean: Floats = level * smooth * (usual.sum() / max(smooth.sum(), 1e-9))
        return mean


_REASONS = {
    "zh": {
        "few weeks": "措施见效起只有{after_weeks}周数据，至少需要{least_after_weeks}周，现在判断为时过早",
        "short baseline": "措施之前只有{before_weeks}周数据，至少需要{least_before_weeks}周，无法判断",
        "no baseline": "措施之前（或对照组）没有可比的投诉，无法判断",
        "fall": "措施后{after_weeks}周{after_count}件，若无措施预计{expected}件，"
        "是预计的{ratio}倍（95%区间{low}～{high}），下降不能用偶然解释",
        "rise": "措施后{after_weeks}周{after_count}件，若无措施预计{expected}件，"
        "是预计的{ratio}倍（95%区间{low}～{high}），不降反升",
        "no fall worth while": "措施后{after_weeks}周{after_count}件，若无措施预计{expected}件，"
        "是预计的{ratio}倍（95%区间{low}～{high}），降幅达不到值得的{gain}%",
        "open": "措施后{after_weeks}周{after_count}件，若无措施预计{expected}件，"
        "是预计的{ratio}倍（95%区间{low}～{high}），有效与无效都不能排除",
    },
    "en": {
        "few weeks": "There are {after_weeks} weeks of data since the measure could act; "
        "at least {least_after_weeks} are needed, so it is too early to judge",
        "short baseline": "There are {before_weeks} weeks of data before the measure; "
        "at least {least_before_weeks} are needed",
        "no baseline": "There were no complaints to compare with before the measure "
        "(or none in the comparison group)",
        "fall": "{after_count} complaints in {after_weeks} weeks after the measure where {expected} "
        "were to be expected without it: {ratio} times as many (95 % interval {low} to {high}), "
        "a fall that chance does not explain",
        "rise": "{after_count} complaints in {after_weeks} weeks after the measure where {expected} "
        "were to be expected without it: {ratio} times as many (95 % interval {low} to {high}), "
        "a rise",
        "no fall worth while": "{after_count} complaints in {after_weeks} weeks after the measure "
        "where {expected} were to be expected without it: {ratio} times as many (95 % interval "
        "{low} to {high}), so it brought less than the {gain} % that would be worth while",
        "open": "{after_count} complaints in {after_weeks} weeks after the measure where {expected} "
        "were to be expected without it: {ratio} times as many (95 % interval {low} to {high}), "
        "which excludes neither success nor failure",
    },
}
_SEASON = {
    "zh": {
        "comparison": "，已与未实施处的同类投诉对照",
        "last year": "，已扣除往年同期的季节变化",
        "none": "；没有对照组也没有往年数据，不能排除季节影响",
    },
    "en": {
        "comparison": ", held against the same complaints elsewhere",
        "last year": ", with the season of earlier years taken out",
        "none": "; without a comparison group or earlier years, a season can't be ruled out",
    },
}
_NEEDED = {
    "zh": "，约需再观察{weeks}周",
    "en": ", some {weeks} further weeks are needed",
}


def sentence(effect: Effect, language: Literal["zh", "en"] = "zh") -> str:
    """Say the reason of a verdict in one plain sentence with its figures.

    Parameters
    ----------
    effect : Effect
    language : str, default zh
        zh or en.

    Returns
    -------
    str

    Examples
    --------
    >>> sentence(measure_effect([9, 12, 10, 8, 11, 10, 3, 2], 6), "en")[:52]
    'There are 2 weeks of data since the measure could ac'
    """
    text = _REASONS[language][effect.reason].format(**_figures(effect))
    if effect.rate_ratio is not None and effect.verdict != "过早":
        text += _SEASON[language][effect.season]
    if effect.verdict in ("过早", "不确定") and effect.sample_needed:
        text += _NEEDED[language].format(weeks=effect.sample_needed)
    return text + ("。" if language == "zh" else ".")


def _figures(effect: Effect) -> dict[str, str]:
    low, high = effect.interval or (float("nan"), float("nan"))
    ratio = effect.rate_ratio if effect.rate_ratio is not None else float("nan")
    figures = {name: str(value) for name, value in effect.facts.items()}
    expected = float(np.nansum(effect.expected[-effect.after.weeks :]))
    return figures | {
        "after_count": f"{effect.after.count:g}",
        "expected": f"{expected:.0f}" if expected >= 20 else f"{expected:.1f}",
        "ratio": f"{ratio:.2f}",
        "low": f"{low:.2f}",
        "high": f"{high:.2f}",
        "gain": f"{100 * (1 - float(effect.facts['worthwhile'] or 0)):.0f}",
    }
