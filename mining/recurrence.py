"""Whether a problem that was solved has come back."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats

from domain.errors import SettingRefused

_LEAST_COUNT = 3
_LEAST_RATIO = 1.5
_P_VALUE = 0.0005
_LEAST_COMPARISON = 20


@dataclass(frozen=True)
class Level:
    """Complaints of a problem in some weeks, and of the same issue elsewhere in the same weeks."""

    count: float
    weeks: float
    elsewhere: float = 0.0


@dataclass(frozen=True)
class Recurrence:
    """A test of a recent level against the level after the measure.

    Attributes
    ----------
    returned : bool
    ratio : float
        Recent rate over the rate that was reached; infinite where none was left.
    p_value : float
        One-sided, that chance alone makes so many out of the level that was reached.
    """

    returned: bool
    ratio: float
    p_value: float


def recurrence(reached: Level, recent: Level, dispersion: float = 1.0) -> Recurrence:
    """Test whether complaints are more frequent than the level that a measure reached.

    Given the total of both, the recent count is binomial under an unchanged rate; both counts are
    divided by the dispersion first. Where the same issue is counted elsewhere often enough, a rise
    that happened there too is taken out. The level of p is low because the test is repeated
    every week for as long as the problem stays closed.

    Parameters
    ----------
    reached, recent : Level
        After the measure, and now.
    dispersion : float, default 1
        Variance over mean of weekly counts.

    Returns
    -------
    Recurrence

    Raises
    ------
    SettingRefused
        Weeks are not positive, counts negative or the dispersion below 1.

    References
    ----------
    Przyborowski and Wilenski (1940), conditional test of two Poisson means.

    Examples
    --------
    >>> recurrence(Level(4, 12), Level(12, 4)).returned
    True
    >>> recurrence(Level(4, 12), Level(3, 4)).returned
    False
    """
    _check(reached, recent, dispersion)
    share = recent.weeks / (recent.weeks + reached.weeks)
    if min(reached.elsewhere, recent.elsewhere) >= _LEAST_COMPARISON:
        share = recent.elsewhere / (recent.elsewhere + reached.elsewhere)
    odds = share / (1 - share)
    ratio = recent.count / (reached.count * odds) if reached.count else float("inf")
    if recent.count == 0:
        return Recurrence(False, 0.0, 1.0)
    now, then = recent.count / dispersion, reached.count / dispersion
    p_value = float(stats.beta.cdf(share, now, then + 1))
    enough = recent.count >= _LEAST_COUNT and ratio >= _LEAST_RATIO
    return Recurrence(enough and p_value < _P_VALUE, ratio, p_value)


def _check(reached: Level, recent: Level, dispersion: float) -> None:
    if reached.weeks <= 0 or recent.weeks <= 0:
        raise SettingRefused(f"weeks are {reached.weeks} and {recent.weeks}; give more than 0")
    if min(reached.count, recent.count, reached.elsewhere, recent.elsewhere) < 0:
        raise SettingRefused("a count is negative; give counts from 0 up")
    if dispersion < 1:
        raise SettingRefused(f"dispersion is {dispersion}; 1 stands for Poisson, more for scatter")
