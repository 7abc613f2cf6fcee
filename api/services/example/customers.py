"""Who complains: customers at home at one outlet, with their value and what they spent."""

from __future__ import annotations

from typing import NamedTuple

from api.services.example.dice import Dice, Wheel
from api.services.example.retailer import Retailer

_VALUES = {"普通": 80.0, "高价值": 12.0, "潜在风险": 8.0}
_SPEND = {
    "普通": (99, 380, 900, 1800, 3200, 5200, 9800),
    "高价值": (12000, 16000, 21000, 28000, 39000, 60000, 120000),
    "潜在风险": (99, 200, 460, 980, 1900, 3600, 8000),
}
_PER_COMPLAINT = 0.45
_MIN_PER_OUTLET = 12


class Customer(NamedTuple):
    """One customer."""

    id: str
    value: str
    spend: int


class Customers:
    """Everybody, by outlet; in each outlet some come more often than others."""

    def __init__(self, shop: Retailer, complaints: int, seed: int) -> None:
        self._dice = Dice(seed, "customers")
        values = Wheel(_VALUES)
        share = {o: r.share / len(r.outlets) for r in shop.regions for o in r.outlets}
        whole = sum(share.values())
        self._of: dict[str, list[Customer]] = {}
        number = 0
        for outlet, weight in share.items():
            count = max(_MIN_PER_OUTLET, int(_PER_COMPLAINT * complaints * weight / whole))
            self._of[outlet] = [self._make(number + n, values) for n in range(count)]
            number += count

    def _make(self, number: int, values: Wheel[str]) -> Customer:
        value = values.spin(self._dice)
        return Customer(f"U{number + 1:07d}", value, int(self._dice.along(_SPEND[value])))

    def of(self, outlet: str, furious: bool = False) -> Customer:
        """One customer of an outlet; its last is the furious one and comes for nothing else."""
        everyone = self._of[outlet]
        if furious:
            return everyone[-1]
        drawn = min(self._dice.random(), self._dice.random())
        return everyone[int(drawn * (len(everyone) - 1))]
