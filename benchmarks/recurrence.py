"""How often a solved problem is taken up again for nothing, and how soon one that is back.

``python -m benchmarks.recurrence`` simulates problems that were judged over 12 weeks and are then
looked at every week for a year, as the service does: over the last two and the last eight weeks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mining.recurrence import Level, recurrence

_REACHED, _YEAR, _WINDOWS = 12, 52, (2, 8)
_PROBLEMS = 1_000


def weekly(
    random: np.random.Generator, rate: float, scatter: float, weeks: int
) -> NDArray[np.int64]:
    """Counts with a mean and a variance of so many times the mean."""
    rates = rate if scatter == 1 else random.gamma(rate / (scatter - 1), scatter - 1, weeks)
    return np.asarray(random.poisson(rates, weeks))


def first_alarm(reached: Sequence[int], weeks: Sequence[int], scatter: float) -> int | None:
    """The week at whose end the problem is taken up again."""
    level = Level(float(sum(reached)), len(reached))
    for at in range(1, len(weeks) + 1):
        for length in _WINDOWS:
            recent = Level(float(sum(weeks[max(at - length, 0) : at])), min(length, at))
            if recurrence(level, recent, scatter).returned:
                return at
    return None


def main() -> None:
    """Print both figures by regime."""
    random = np.random.default_rng(2026)
    print("reached a week | scatter | reopened in a year for nothing | 3 x as many | 8 x as many")
    for rate in (0.25, 1.0, 4.0, 16.0):
        for scatter in (1.0, 2.5):
            false = np.mean(
                [_alarm(random, rate, rate, scatter) <= _YEAR for _ in range(_PROBLEMS)]
            )
            late = [
                float(np.median([_alarm(random, rate, k * rate, scatter) for _ in range(200)]))
                for k in (3, 8)
            ]
            weeks = " | ".join(f"{w:.0f} weeks" if w <= _YEAR else "not seen" for w in late)
            print(f"{rate:g} | {scatter:g} | {100 * false:.1f} % | {weeks}")


def _alarm(random: np.random.Generator, reached: float, now: float, scatter: float) -> float:
    before = weekly(random, reached, scatter, _REACHED).tolist()
    after = weekly(random, now, scatter, _YEAR).tolist()
    return first_alarm(before, after, scatter) or float("inf")


if __name__ == "__main__":
    main()
