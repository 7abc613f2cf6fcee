"""Draws that give the same bytes on every platform and every Python.

Only `random.Random.random` is used, whose sequence Python promises to keep, with arithmetic
that IEEE 754 makes exact; no library distribution, no logarithm, no power.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Dice:
    """One stream of chance; streams of different names don't disturb one another."""

    def __init__(self, seed: int, stream: str) -> None:
        self.random = Random(f"{seed}:{stream}").random

    def chance(self, share: float) -> bool:
        """Whether something of this probability happens."""
        return self.random() < share

    def below(self, count: int) -> int:
        """One of 0 to count - 1."""
        return int(self.random() * count)

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, each alike."""
        return values[int(self.random() * len(values))]

    def along(self, quantiles: Sequence[float]) -> float:
        """A value of the distribution that these equally spaced quantiles describe."""
        place = self.random() * (len(quantiles) - 1)
        left = int(place)
        return quantiles[left] + (quantiles[left + 1] - quantiles[left]) * (place - left)

    def round(self, value: float) -> int:
        """A whole number whose mean is the value."""
        return int(value + self.random())


class Wheel(Generic[T]):
    """Values with weights; a spin gives each in proportion to its own."""

    def __init__(self, weighted: Mapping[T, float] | Iterable[tuple[T, float]]) -> None:
        pairs: list[tuple[T, float]] = list(
            weighted.items() if isinstance(weighted, Mapping) else weighted
        )
        self.values: list[T] = [value for value, weight in pairs if weight > 0]
        self._edges = list(accumulate(weight for _, weight in pairs if weight > 0))

    def spin(self, dice: Dice) -> T:
        """One value."""
        place = bisect_right(self._edges, dice.random() * self._edges[-1])
        return self.values[min(place, len(self.values) - 1)]
