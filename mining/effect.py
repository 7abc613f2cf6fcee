"""Whether a measure worked, from weekly counts: 有效, 无效, 不确定 or 过早, and why.

The weeks after the measure (and a lag, for what is still on its way) are held against the weeks
before. With a comparison group each week's count is judged by its share of both groups' complaints
in that week, so a season or a general fall touches both and cancels out. Without one, the group's
own past tells level, trend and season.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import gammaincinv

from domain.errors import SettingRefused
from mining.baseline import Baseline, Side, compared, interrupted
from mining.ratio import LogRatio
from mining.scatter import Scatter, weigh_scatter

Floats = NDArray[np.float64]
Verdict = Literal["有效", "无效", "不确定", "过早"]

_BASELINE = 26
_LEAST_BEFORE = 4
_TAIL = 0.025
_SURELY = 0.015
_FURTHER = 105
_LEAST_RATIO = 0.05
_LEAST_WORTH = 0.5
_CALM = 1.2
_ROUND = 20
_TINY = 1e-6


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
    facts : mapping of str to float or int
        Further figures that the sentence names.
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
        Further weeks until the fall could be called 有效, at the ratio seen where that is worth
        while, else at the smallest one that is; 0 where there are enough; None where weeks alone
        don't help.
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
    facts: Mapping[str, float | int] = field(default_factory=dict)


def _window(side: Side) -> Window:
    base = float(side.exposure.sum())
    return Window(side.counts.size, side.total, base, side.total / base if base > 0 else 0.0)


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
    _check(given.weeks, done_week, lag_weeks, baseline_weeks, worthwhile, least_after_weeks)
    start = max(0, done_week - (baseline_weeks or _BASELINE))
    measured = _Measured(given, start, done_week, lag_weeks)
    return _Judgement(measured, worthwhile, least_after_weeks).effect()


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

    @property
    def weeks(self) -> int:
        return self.counts.size

    def pair(self, first: int, last: int) -> tuple[Side, Side | None]:
        """Group and comparison in the weeks of a span that hold data of both."""
        weeks = np.arange(first, last)
        known = ~np.isnan(self.counts[weeks]) & (self.exposure[weeks] > 0)
        if self.other is not None:
            known &= ~np.isnan(self.other[weeks]) & (self.other_exposure[weeks] > 0)
        held = weeks[known]
        mine = Side(held, self.counts[held], self.exposure[held])
        if self.other is None:
            return mine, None
        return mine, Side(held, self.other[held], self.other_exposure[held])


def _series(name: str, values: ArrayLike, size: int | None) -> Floats:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or (size is not None and series.size != size):
        expected = "one row of weeks" if size is None else f"{size} weeks, as counts has"
        raise SettingRefused(f"{name} has shape {series.shape}; give {expected}")
    if np.any(series < 0) or np.any(np.isinf(series)):
        raise SettingRefused(f"{name} holds negative or infinite values; give numbers from 0 up")
    return series


class _Measured:
    """The windows of one measure, and what to expect in them without it."""

    def __init__(self, given: _Given, start: int, done: int, lag_weeks: int) -> None:
        self.weeks, self.lag_weeks = given.weeks, lag_weeks
        self.before, self.other_before = given.pair(start, done)
        self.after, self.other_after = given.pair(done + lag_weeks, given.weeks)
        self.past = given.pair(0, done)[0]
        self.start = start

    @cached_property
    def baseline(self) -> Baseline | None:
        """By the best design that the data allow; None where there is nothing to go by."""
        if min(self.before.counts.size, self.after.counts.size) == 0 or self.before.total == 0:
            return None
        theirs = (self.other_before, self.other_after)
        if theirs[0] and theirs[1] and min(theirs[0].total, theirs[1].total) > 0:
            return compared((self.before, theirs[0]), (self.after, theirs[1]))
        return interrupted(self.past, self.after, self.start)

    @cached_property
    def scatter(self) -> Scatter:
        if self.baseline is None:
            return Scatter(np.ones((1, 2)), np.ones(1))
        return weigh_scatter(self.baseline.windows)

    @cached_property
    def spread(self) -> LogRatio | None:
        return None if self.baseline is None else self.baseline.distribution(self.scatter)

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the ratio, 95 %; from 0 where nothing was seen."""
        if self.spread is None:
            return None
        low = float(np.exp(self.spread.quantile(_TAIL))) if self.after.total > 0 else 0.0
        return low, float(np.exp(self.spread.quantile(1 - _TAIL)))

    @cached_property
    def p_value(self) -> float | None:
        return None if self.spread is None else 1 - self.spread.below(0.0)

    @property
    def comparison(self) -> Comparison | None:
        if self.other_before is None or self.other_after is None:
            return None
        before, after = _window(self.other_before), _window(self.other_after)
        return Comparison(before, after, after.rate / before.rate if before.rate > 0 else None)

    @property
    def method(self) -> str:
        if self.baseline is None:
            return "none"
        name = "Poisson" if self.scatter.mean < _CALM else "negative binomial"
        return f"{self.baseline.design}, {name}"

    def expected(self) -> tuple[Floats, Floats, Floats]:
        """Week by week without the measure, and where 95 % of such weeks would fall."""
        mean, low, high = (np.full(self.weeks, np.nan) for _ in range(3))
        if self.baseline is not None:
            levels = self.scatter.weights @ self.scatter.values
            held = (self.baseline.windows[0].counts.size, self.before.weeks.size)
            for weeks, values, level in zip(
                (self.before.weeks, self.after.weeks),
                (self.baseline.expected[0][held[0] - held[1] :], self.baseline.expected[1]),
                levels,
                strict=True,
            ):
                shape = np.maximum(values, _TINY) / level
                mean[weeks] = values
                low[weeks] = np.floor(gammaincinv(shape, _TAIL) * level)
                high[weeks] = np.ceil(gammaincinv(shape, 1 - _TAIL) * level)
        return mean, low, high


@dataclass(frozen=True)
class _Judgement:
    """What to think of one measure."""

    measured: _Measured
    worthwhile: float
    least_after: int

    def effect(self) -> Effect:
        seen = self.measured
        interval, p_value = seen.interval, seen.p_value
        verdict, reason = self._verdict(interval, p_value)
        expected, low, high = seen.expected()
        return Effect(
            verdict=verdict,
            reason=reason,
            rate_ratio=None if seen.baseline is None else seen.baseline.ratio,
            interval=interval,
            p_value=p_value,
            before=_window(seen.before),
            after=_window(seen.after),
            lag_weeks=seen.lag_weeks,
            dispersion=seen.scatter.mean,
            comparison=seen.comparison,
            season="none" if seen.baseline is None else seen.baseline.season,
            sample_needed=self._needed(p_value),
            expected=expected,
            expected_low=low,
            expected_high=high,
            method=seen.method,
            facts=self._facts(),
        )

    def _facts(self) -> dict[str, float | int]:
        baseline = self.measured.baseline
        return {
            "least_after_weeks": self.least_after,
            "least_before_weeks": _LEAST_BEFORE,
            "worthwhile": self.worthwhile,
            "surely": _SURELY,
            "expected_after": 0.0 if baseline is None else float(baseline.expected[1].sum()),
        }

    def _verdict(
        self, interval: tuple[float, float] | None, p_value: float | None
    ) -> tuple[Verdict, str]:
        if self.measured.after.counts.size < self.least_after:
            return "过早", "few weeks"
        if self.measured.before.counts.size < _LEAST_BEFORE:
            return "不确定", "short baseline"
        if interval is None or p_value is None:
            return "不确定", "no baseline"
        if interval[0] > self.worthwhile:
            return "无效", "rise" if interval[0] > 1 else "no fall worth while"
        if p_value >= _TAIL:
            return "不确定", "open"
        return ("不确定", "barely") if p_value >= _SURELY else ("有效", "fall")

    def _needed(self, p_value: float | None) -> int | None:
        """Further weeks until such a fall could be called 有效."""
        short = max(0, self.least_after - self.measured.after.counts.size)
        if self.measured.baseline is None or p_value is None:
            return short or None
        if p_value < _SURELY:
            return short
        baseline = self.measured.baseline
        design = min(max(baseline.ratio, _LEAST_RATIO), self.worthwhile)
        further = np.arange(short, _FURTHER)
        doubt = np.sqrt(self._variance(baseline, design, further))
        enough = np.flatnonzero(np.log(design) + stats.norm.ppf(1 - _SURELY) * doubt < 0)
        return int(further[enough[0]]) if enough.size else None

    def _variance(self, baseline: Baseline, design: float, further: NDArray[np.intp]) -> Floats:
        """Of the logarithm of the ratio after so many further weeks like those seen."""
        scatter = self.measured.scatter
        levels = (scatter.weights @ scatter.values)[None, :]
        worth = np.maximum(baseline.worth(levels)[0], _LEAST_WORTH)
        worth[0] = baseline.expected[1].sum() * design / levels[0, 1]
        late = baseline.places == 1
        grown = 1 + further / self.measured.after.counts.size
        variance: Floats = (1 / worth[~late]).sum() + (1 / worth[late]).sum() / grown
        return variance


_SEEN = {
    "zh": "措施后{after_weeks}周{after_count}件，若无措施预计{expected}件，"
    "是预计的{ratio}倍（95%区间{low}～{high}）",
    "en": "{after_count} complaints in the {after_weeks} weeks after the measure, where {expected} "
    "were to be expected without it: {ratio} times as many (95 % interval {low} to {high})",
}
_REASONS = {
    "zh": {
        "few weeks": "措施见效起只有{after_weeks}周数据，至少需要{least_after_weeks}周，为时过早",
        "short baseline": "措施之前只有{before_weeks}周数据，至少需要{least_before_weeks}周",
        "no baseline": "措施之前没有投诉，无从比较",
        "fall": "{seen}，下降不能用偶然解释{season}",
        "rise": "{seen}，不降反升{season}",
        "no fall worth while": "{seen}，降幅达不到值得的{gain}%{season}",
        "barely": "{seen}，下降的证据还不够强（p={p}，要求低于{surely}）{season}",
        "open": "{seen}，有效与无效都不能排除{season}",
    },
    "en": {
        "few weeks": "There are {after_weeks} weeks of data since the measure could act; "
        "at least {least_after_weeks} are needed, so it is too early to judge",
        "short baseline": "There are {before_weeks} weeks of data before the measure; "
        "at least {least_before_weeks} are needed",
        "no baseline": "There were no complaints before the measure to compare with",
        "fall": "{seen}, a fall that chance does not explain{season}",
        "rise": "{seen}, a rise{season}",
        "no fall worth while": "{seen}, less than the fall of {gain} % that would be worth while"
        "{season}",
        "barely": "{seen}, a fall whose evidence is not strong enough yet (p = {p}, "
        "below {surely} is asked for){season}",
        "open": "{seen}, which excludes neither success nor failure{season}",
    },
}
_SEASON = {
    "zh": {
        "comparison": "，已与未实施处的同类投诉对照",
        "last year": "，已扣除往年同期的季节变化",
        "none": "；没有对照组也没有满一年的往年数据，季节影响不能排除，区间已按常见的季节起伏放宽",
    },
    "en": {
        "comparison": ", held against the same complaints elsewhere",
        "last year": ", with the season of earlier years taken out",
        "none": "; without a comparison group or a whole earlier year a season can't be ruled out: "
        "the interval is wider by a season of ordinary size",
    },
}
_NEEDED = {
    "zh": "，约需再观察{weeks}周",
    "en": "; some {weeks} further weeks are needed",
}
_HOPELESS = {
    "zh": "；只多等几周判断不了，需要更大的对照组或更长的历史",
    "en": "; more weeks alone won't decide it, a larger comparison group or a longer past would",
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
    figures = _figures(effect)
    seen = _SEEN[language].format(**figures)
    season = _SEASON[language][effect.season]
    text = _REASONS[language][effect.reason].format(seen=seen, season=season, **figures)
    if effect.verdict in ("过早", "不确定") and effect.sample_needed:
        text += _NEEDED[language].format(weeks=effect.sample_needed)
    if effect.verdict == "不确定" and effect.interval and effect.sample_needed is None:
        text += _HOPELESS[language]
    return text + ("。" if language == "zh" else ".")


def _figures(effect: Effect) -> dict[str, str]:
    facts = effect.facts
    low, high = effect.interval or (np.nan, np.nan)
    expected = facts["expected_after"]
    return {
        "after_weeks": str(effect.after.weeks),
        "before_weeks": str(effect.before.weeks),
        "least_after_weeks": str(facts["least_after_weeks"]),
        "least_before_weeks": str(facts["least_before_weeks"]),
        "after_count": f"{effect.after.count:g}",
        "expected": f"{expected:.0f}" if expected >= _ROUND else f"{expected:.1f}",
        "ratio": f"{np.nan if effect.rate_ratio is None else effect.rate_ratio:.2f}",
        "low": f"{low:.2f}",
        "high": f"{high:.2f}",
        "p": f"{np.nan if effect.p_value is None else effect.p_value:.3f}",
        "surely": f"{facts['surely']:g}",
        "gain": f"{100 * (1 - facts['worthwhile']):.0f}",
    }
