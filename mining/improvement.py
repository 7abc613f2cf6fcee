"""How well the improvement loop turns: formulas of its indicators.

Each takes plain numbers, so that a service, a command and a notebook count alike. An indicator
without a denominator is None, never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from domain.errors import SettingRefused

EFFECTIVE, INEFFECTIVE = "有效", "无效"


@dataclass(frozen=True)
class MeasureRecord:
    """One measure, as the indicators need it.

    Attributes
    ----------
    due, done_on, judged_on : date or None
        When it was to be done, when it was, and when its effect was judged.
    verdict : str or None
        Of its effect, None where not measured.
    expected, seen : float or None
        Complaints after the measure: to expect without it, and those that came.
    returned : bool
        Whether the problem came back after it was closed on this measure.
    """

    due: date | None = None
    done_on: date | None = None
    judged_on: date | None = None
    verdict: str | None = None
    expected: float | None = None
    seen: float | None = None
    returned: bool = False

    @property
    def worked(self) -> bool:
        """Whether it was judged 有效."""
        return self.verdict == EFFECTIVE


@dataclass(frozen=True)
class Indicators:
    """Indicators of a set of measures.

    Attributes
    ----------
    implementation_rate, on_time_rate : float or None
        Share done of those due, and done by their date.
    effectiveness : float or None
        Share 有效 of those judged 有效 or 无效.
    undecided_rate : float or None
        Share 不确定 or 过早 of all measured.
    contribution : float or None
        Complaints prevented by 有效 measures, as a share of the fall of all complaints; above 1
        where complaints would otherwise have risen, None where they did not fall.
    prevented : float
        Complaints that 有效 measures prevented.
    repeat_rate : float or None
        Share of the 有效 ones whose problem came back.
    days_to_effect : float or None
        Median days from done to judged 有效.
    """

    implementation_rate: float | None
    on_time_rate: float | None
    effectiveness: float | None
    undecided_rate: float | None
    contribution: float | None
    prevented: float
    repeat_rate: float | None
    days_to_effect: float | None


def improvement_indicators(
    measures: Iterable[MeasureRecord],
    today: date,
    *,
    complaints_before: float | None = None,
    complaints_after: float | None = None,
) -> Indicators:
    """Compute the indicators of a set of measures.

    Parameters
    ----------
    measures : iterable of MeasureRecord
    today : date
        Measures with a later date aren't due yet.
    complaints_before, complaints_after : float, optional
        All complaints of two periods of equal length, for the contribution.

    Returns
    -------
    Indicators

    Raises
    ------
    SettingRefused
        A number of complaints is negative.

    Examples
    --------
    >>> done = MeasureRecord(date(2025, 6, 1), date(2025, 6, 2), date(2025, 8, 1), "有效", 278, 58)
    >>> late = MeasureRecord(date(2025, 6, 1))
    >>> found = improvement_indicators([done, late], date(2025, 9, 1))
    >>> found.implementation_rate, found.effectiveness, found.prevented, found.days_to_effect
    (0.5, 1.0, 220.0, 60.0)
    """
    rows = list(measures)
    due = [row for row in rows if row.done_on or (row.due is not None and row.due <= today)]
    judged = [row for row in rows if row.verdict in (EFFECTIVE, INEFFECTIVE)]
    measured = [row for row in rows if row.verdict is not None]
    worked = [row for row in rows if row.worked]
    return Indicators(
        implementation_rate=_share([row.done_on is not None for row in due]),
        on_time_rate=_share([_on_time(row) for row in due if row.due is not None]),
        effectiveness=_share([row.worked for row in judged]),
        undecided_rate=_share([row not in judged for row in measured]),
        contribution=contribution(prevented(worked), complaints_before, complaints_after),
        prevented=prevented(worked),
        repeat_rate=_share([row.returned for row in worked]),
        days_to_effect=_days(worked),
    )


def prevented(measures: Iterable[MeasureRecord]) -> float:
    """Complaints that did not come: expected without the measures less those seen.

    A measure that is not 有效 prevented none, whatever its figures.

    Parameters
    ----------
    measures : iterable of MeasureRecord

    Returns
    -------
    float
    """
    known = [
        row.expected - row.seen
        for row in measures
        if row.worked and row.expected is not None and row.seen is not None
    ]
    return float(sum(known))


def contribution(saved: float, before: float | None, after: float | None) -> float | None:
    """Complaints prevented as a share of the fall from one period to the next.

    Parameters
    ----------
    saved : float
        Complaints prevented.
    before, after : float or None
        All complaints of both periods.

    Returns
    -------
    float or None
        None where complaints did not fall, or a period is unknown.

    Raises
    ------
    SettingRefused
        A number of complaints is negative.

    Examples
    --------
    >>> contribution(30, 1000, 900)
    0.3
    """
    if before is None or after is None:
        return None
    if min(before, after) < 0:
        raise SettingRefused(f"complaints {before} and {after}; give numbers from 0 up")
    return saved / (before - after) if before > after else None


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _on_time(row: MeasureRecord) -> bool:
    return row.done_on is not None and row.due is not None and row.done_on <= row.due


def _days(worked: Iterable[MeasureRecord]) -> float | None:
    spent = [(row.judged_on - row.done_on).days for row in worked if row.judged_on and row.done_on]
    return float(median(spent)) if spent else None
