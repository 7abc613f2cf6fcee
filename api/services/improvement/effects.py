"""What measures did: counted, judged, told in a sentence and kept with its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from api.services.improvement.weeks import Carried, History, Range, Weekly, weekly
from mining.effect import Effect, measure_effect, sentence
from mining.recurrence import Level, Recurrence, recurrence

_APART = timedelta(weeks=4)
_RECENT = (2, 8)


@dataclass(frozen=True)
class Measured:
    """An effect with the weeks that it was judged by."""

    weeks: Weekly
    effect: Effect

    @property
    def sentence(self) -> str:
        """The reason of the verdict in Chinese."""
        return sentence(self.effect, "zh")

    def figures(self) -> dict[str, Any]:
        """Everything as JSON: the judgement, and the series that a chart is drawn from."""
        effect, weeks = self.effect, self.weeks
        other = None if effect.comparison is None else _plain(asdict(effect.comparison))
        return {
            "verdict": effect.verdict,
            "reason": effect.reason,
            "sentence": self.sentence,
            "sentence_en": sentence(effect, "en"),
            "rate_ratio": _number(effect.rate_ratio),
            "interval": None if effect.interval is None else _numbers(effect.interval),
            "p_value": _number(effect.p_value),
            "before": _plain(asdict(effect.before)),
            "after": _plain(asdict(effect.after)),
            "lag_weeks": effect.lag_weeks,
            "dispersion": _number(effect.dispersion),
            "comparison": other,
            "season": effect.season,
            "sample_needed": effect.sample_needed,
            "method": effect.method,
            "over_exposure": weeks.exposure is not None,
            "done_week": weeks.done_week,
            "weeks": weeks.days(),
            "counts": _numbers(weeks.counts),
            "elsewhere": _numbers(weeks.elsewhere),
            "expected": _numbers(effect.expected),
            "expected_low": _numbers(effect.expected_low),
            "expected_high": _numbers(effect.expected_high),
        }


def measured(history: History, one: Carried, others: Sequence[Carried] = ()) -> Measured:
    """Judge one measure; ``others`` are those on the same issue, here and elsewhere."""
    weeks = weekly(history, one.pattern, one.done_on, _range(history, one, others))
    compared: dict[str, Any] = {}
    if np.nansum(weeks.elsewhere) > 0:
        compared["comparison"] = weeks.elsewhere
    if weeks.exposure is not None and (not compared or weeks.exposure_elsewhere is not None):
        compared["exposure"] = weeks.exposure
        compared["comparison_exposure"] = (
            weeks.exposure_elsewhere if "comparison" in compared else None
        )
    effect = measure_effect(weeks.counts, weeks.done_week, lag_weeks=one.lag_weeks, **compared)
    return Measured(weeks, effect)


def _range(history: History, one: Carried, others: Sequence[Carried]) -> Range:
    """From the measure before to the one after it at the same place, where they lie apart."""
    same = [other for other in others if _overlap(one, other)]
    before = [o.done_on + timedelta(weeks=o.lag_weeks) for o in same if o.done_on < one.done_on]
    first = max((day for day in before if day + _APART <= one.done_on), default=history.first)
    least = one.done_on + _APART + timedelta(weeks=one.lag_weeks)
    after = [o.done_on - timedelta(days=1) for o in same if o.done_on >= least]
    elsewhere = [other.pattern for other in others if not _overlap(one, other)]
    return Range(first, min([*after, history.last]), elsewhere)


def _overlap(one: Carried, other: Carried) -> bool:
    """Whether two measures can act on the same complaints."""
    mine, theirs = one.pattern.places, other.pattern.places
    return all(mine[name] & theirs[name] for name in set(mine) & set(theirs))


def returned(history: History, one: Carried, ended_on: date) -> Recurrence | None:
    """Whether the pattern came back after its problem was closed; None while that can't be told."""
    last = replace(history, last=min(history.last, ended_on - timedelta(days=1)))
    then, now = measured(last, one), measured(history, one)
    effect, weeks = then.effect, now.weeks
    new = weeks.since(ended_on)
    if effect.after.weeks == 0 or new.start >= new.stop:
        return None
    old = slice(then.weeks.counts.size - effect.after.weeks, then.weeks.counts.size)
    reached = Level(effect.after.count, effect.after.weeks, float(np.nansum(weeks.elsewhere[old])))
    lengths = {min(most, new.stop - new.start) for most in _RECENT}
    recent = [_level(weeks, slice(new.stop - length, new.stop)) for length in lengths]
    tests = [recurrence(reached, each, effect.dispersion) for each in recent if each.weeks > 0]
    return min(tests, key=lambda test: test.p_value, default=None)


def _level(weeks: Weekly, part: slice) -> Level:
    """Complaints in some weeks; those without data are none of them."""
    count, there = np.nansum(weeks.counts[part]), np.nansum(weeks.elsewhere[part])
    return Level(float(count), float(np.sum(~np.isnan(weeks.counts[part]))), float(there))


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 6)


def _numbers(values: Any) -> list[float | None]:
    return [_number(value) for value in np.asarray(values, dtype=np.float64)]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return _number(value) if isinstance(value, float) else value
