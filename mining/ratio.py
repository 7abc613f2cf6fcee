"""What counts leave possible for a ratio of rates, exactly, as a distribution.

A rate behind a count has a gamma distribution (Jeffreys: shape count + 1/2, as close to the exact
mid-p interval as one formula comes); with variance over mean ``v`` the count is worth
``count / v``. The logarithm of a ratio of such rates is a sum of log gamma variates, whose
characteristic function is known, so its distribution needs no sampling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import loggamma, polygamma

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_SPREADS = 40.0
_FADED = 5.5


@dataclass(frozen=True)
class LogRatio:
    """A mixture of sums of log gamma variates.

    Attributes
    ----------
    shapes : ndarray of float64, shape (n, terms)
        Shapes of the gamma distributions, above 0.
    signs : ndarray of float64, shape (terms,)
        1 where a rate stands above the line, -1 below.
    shifts, weights : ndarray of float64, shape (n,)
        What is added in each part of the mixture, and the weight of the part.

    References
    ----------
    Gil-Pelaez (1951). Note on the inversion theorem. Price and Bonett (2000). Estimating the
    ratio of two Poisson rates.

    Examples
    --------
    >>> ones = np.ones(1)
    >>> ratio = LogRatio(np.array([[20.5, 40.5]]), np.array([1.0, -1.0]), 0 * ones, ones)
    >>> np.exp([ratio.quantile(0.025), ratio.quantile(0.975)]).round(3)
    array([0.289, 0.846])
    """

    shapes: Floats
    signs: Floats
    shifts: Floats
    weights: Floats

    @cached_property
    def _centre(self) -> float:
        means = polygamma(0, self.shapes) @ self.signs + self.shifts
        return float(self.weights @ means)

    @cached_property
    def _spread(self) -> tuple[float, float]:
        """Smallest and largest standard deviation among the parts."""
        deviations = np.sqrt(polygamma(1, self.shapes).sum(axis=1))
        return float(deviations.min()), float(deviations.max())

    @property
    def _reach(self) -> float:
        """How far from the centre the distribution is known; practically all of it lies nearer."""
        return _SPREADS / 2.2 * self._spread[1]

    @cached_property
    def _transform(self) -> tuple[Floats, Complexes]:
        """Points at the middle of equal steps, and the characteristic function there."""
        narrow, wide = self._spread
        step = 2 * np.pi / (_SPREADS * wide)
        steps = np.arange(np.ceil(_FADED / narrow / step), dtype=np.float64)
        points = (steps + 0.5) * step
        total = 1j * np.outer(self.shifts - self._centre, points)
        for term, sign in enumerate(self.signs):
            shape = self.shapes[:, term, None]
            total = total + loggamma(shape + 1j * sign * points) - loggamma(shape)
        return points, np.asarray(self.weights @ np.exp(total), dtype=np.complex128)

    def below(self, value: float) -> float:
        """Chance that the logarithm of the ratio lies at or below a value."""
        if abs(value - self._centre) > self._reach:
            return float(value > self._centre)
        points, transform = self._transform
        turned = np.exp(-1j * points * (value - self._centre)) * transform
        step = float(points[0]) * 2
        chance = 0.5 - float((turned.imag / points).sum()) * step / np.pi
        return float(min(max(chance, 0.0), 1.0))

    def quantile(self, chance: float) -> float:
        """Value that the logarithm of the ratio lies below with this chance."""
        low, high = self._centre - self._reach, self._centre + self._reach
        return float(brentq(lambda value: self.below(value) - chance, low, high, xtol=1e-7))
