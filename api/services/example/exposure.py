"""What was sold and how many were served: the denominators of a history."""

from __future__ import annotations

from collections.abc import Iterator

from api.services.example.dice import Dice
from api.services.example.planting import Plan
from api.services.example.retailer import Region, Retailer
from api.services.example.season import season

SALES_COLUMNS = ("week", "week_start", "product", "batch", "region", "outlet", "units")
SERVED_COLUMNS = ("week", "week_start", "region", "outlet", "customers_served")
_UNITS_PER_COMPLAINT = 40
_SERVED_PER_COMPLAINT = 90
_SPREAD = 0.15
_SEASON_SALES = 0.25


class Exposure:
    """Units and customers by week; complaints that nothing causes are in proportion to them."""

    def __init__(self, shop: Retailer, plan: Plan, seed: int) -> None:
        self._shop = shop
        self._plan = plan
        self._dice = Dice(seed, "exposure")
        self._weekly = plan.complaints / plan.period.weeks
        self._seasonal = any(p.kind == "season" for p in plan.plants)
        self._new = [p for p in plan.plants if p.kind == "new_product"]

    def sales(self) -> Iterator[tuple[str, ...]]:
        """Rows of `SALES_COLUMNS`."""
        for week, day, region, share in self._places():
            for product, part in self._mix(region, week).items():
                batches = next(p.batches for p in self._shop.products if p.name == product)
                whole = sum(batches.values())
                for batch, weight in batches.items():
                    mean = self._weekly * share * part * weight / whole * _UNITS_PER_COMPLAINT
                    for outlet in region.outlets:
                        units = self._count(mean / len(region.outlets))
                        yield str(week), day, product, batch, region.name, outlet, str(units)

    def served(self) -> Iterator[tuple[str, ...]]:
        """Rows of `SERVED_COLUMNS`."""
        for week, day, region, share in self._places():
            for outlet in region.outlets:
                mean = self._weekly * share * _SERVED_PER_COMPLAINT / len(region.outlets)
                yield str(week), day, region.name, outlet, str(self._count(mean))

    def _places(self) -> Iterator[tuple[int, str, Region, float]]:
        whole = sum(region.share for region in self._shop.regions)
        for week in range(1, self._plan.period.weeks + 1):
            day = self._plan.period.first_day(week)
            lift = 1 + _SEASON_SALES * season(day) * self._seasonal
            for region in self._shop.regions:
                yield week, day.isoformat(), region, lift * region.share / whole

    def _mix(self, region: Region, week: int) -> dict[str, float]:
        mix = {name: share for name, share in self._shop.mix(region).items() if share}
        for plant in self._new:
            if plant.weeks[0] <= week <= plant.weeks[1]:
                mix[plant.attributes["product"]] = plant.excess
        return mix

    def _count(self, mean: float) -> int:
        spread = 1 + _SPREAD * (2 * self._dice.random() - 1)
        return self._dice.round(mean * spread)
