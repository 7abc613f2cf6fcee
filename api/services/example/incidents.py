"""What happened to whom: the rows of a history before anybody writes a word."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import NamedTuple

from api.services.example.customers import Customer, Customers
from api.services.example.dice import Dice, Wheel
from api.services.example.planting import Plan, Plant
from api.services.example.retailer import Product, Region, Retailer
from api.services.example.season import HOURS, WEEKDAYS, season

_REPEATS = 0.025
_DUPLICATES = 0.004
_SEASON_VOLUME = 0.25
_RECENT_DAYS = 5
_MAX_RECENT = 5000


@dataclass(frozen=True, slots=True)
class Incident:
    """One complaint's facts; `source` names the plant that made it, "" the ordinary course."""

    number: int
    received: datetime
    source: str
    region: Region
    outlet: str
    product: Product
    batch: str
    courier: str
    channel: str
    customer: Customer
    issues: tuple[str, ...]
    repeat_of: int = 0
    copy_of: int = 0

    def value(self, attribute: str) -> str:
        """The value of an attribute by its column name."""
        if attribute in ("region", "product"):
            return str(getattr(self, attribute).name)
        return str(getattr(self, attribute))


class Source(NamedTuple):
    """A stream of complaints that share what is fixed; the rest follows what is sold."""

    name: str
    plant: Plant | None
    cells: Wheel[tuple[Region, Product]]
    days: Wheel[int]


class Course:
    """Draws the incidents of a history in the order in which they are received."""

    def __init__(self, shop: Retailer, plan: Plan, customers: Customers, seed: int) -> None:
        self._shop = shop
        self._plan = plan
        self._customers = customers
        self._dice = Dice(seed, "incidents")
        self._sources = self._make_sources()
        self._channels = Wheel(shop.channels)
        self._outlets = {r.name: r.outlets for r in shop.regions}
        self._couriers = {r.name: Wheel(r.couriers) for r in shop.regions}
        self._batches = {p.name: Wheel(p.batches) for p in shop.products}
        self._main = Wheel(shop.issues)
        self._counts = Wheel(list(enumerate(shop.further_counts)))
        self._further = Wheel(shop.further_issues)
        self._together = [p for p in plan.plants if p.given]

    def incidents(self) -> Iterator[Incident]:
        """All of them."""
        day_share = self._plan.complaints / (7 * self._plan.period.weeks)
        recent: deque[Incident] = deque(maxlen=min(_MAX_RECENT, int(day_share * _RECENT_DAYS) + 2))
        for number, (second, place) in enumerate(self._schedule(), start=1):
            source = self._sources[place]
            incident = self._again(number, second, source, recent)
            if incident is None:
                incident = self._new(number, second, source)
                if not (source.plant and source.plant.filings):
                    recent.append(incident)
            yield incident

    def _make_sources(self) -> list[Source]:
        adding = [p for p in self._plan.plants if p.excess or p.filings]
        plain = Source("", None, self._cells({}), self._days(None))
        return [plain] + [
            Source(p.name, p, self._cells(p.attributes), self._days(p)) for p in adding
        ]

    def _cells(self, wanted: Mapping[str, str]) -> Wheel[tuple[Region, Product]]:
        shop = self._shop
        region = shop.region_of[wanted["outlet"]].name if "outlet" in wanted else ""
        region = wanted.get("region", region)
        product = shop.product_of[wanted["batch"]].name if "batch" in wanted else ""
        product = wanted.get("product", product)
        return Wheel(
            ((r, p), r.share * (self._shop.mix(r)[p.name] or float(p.name == product)))
            for r in shop.regions
            for p in shop.products
            if region in ("", r.name) and product in ("", p.name)
        )

    def _days(self, plant: Plant | None) -> Wheel[int]:
        seasonal = any(p.kind == "season" for p in self._plan.plants)
        weighted = []
        for number, day in enumerate(self._plan.period.days()):
            weight = WEEKDAYS[day.weekday()]
            if plant is None:
                weight *= 1 + _SEASON_VOLUME * season(day) * seasonal
            elif plant.kind == "season":
                weight *= season(day)
            elif not plant.weeks[0] <= number // 7 + 1 <= plant.weeks[1]:
                weight = 0.0
            weighted.append((number, weight))
        return Wheel(weighted)

    def _schedule(self) -> list[tuple[int, int]]:
        """Second and source of every complaint, in order of time."""
        dice, hours = self._dice, Wheel(list(enumerate(HOURS)))
        whole = self._plan.complaints
        fixed = [s.plant.filings if s.plant else 0 for s in self._sources]
        added = [self._plan.expected(s.plant) if s.plant else 0.0 for s in self._sources]
        added[0] = whole - sum(fixed) - sum(added)
        wheel = Wheel(list(enumerate(added)))
        places = [place for place, count in enumerate(fixed) for _ in range(count)]
        places += [wheel.spin(dice) for _ in range(whole - len(places))]
        moments = []
        for place in places:
            day = self._sources[place].days.spin(dice)
            second = (day * 24 + hours.spin(dice)) * 3600 + dice.below(3600)
            moments.append((second, place))
        moments.sort()
        return moments

    def _when(self, second: int) -> datetime:
        return datetime.combine(self._plan.period.start, time()) + timedelta(seconds=second)

    def _again(
        self, number: int, second: int, source: Source, recent: deque[Incident]
    ) -> Incident | None:
        """Somebody writes again about an older complaint, or it is entered twice."""
        drawn = self._dice.random()
        if drawn >= _REPEATS + _DUPLICATES or not recent or (source.plant and source.plant.filings):
            return None
        old = self._dice.pick(recent)
        again = replace(old, number=number, received=self._when(second))
        if drawn < _REPEATS:
            return replace(again, repeat_of=old.number, copy_of=0)
        return replace(again, copy_of=old.number)

    def _new(self, number: int, second: int, source: Source) -> Incident:
        fixed = source.plant.attributes if source.plant else {}
        region, product = source.cells.spin(self._dice)
        outlet = fixed.get("outlet") or self._dice.pick(self._outlets[region.name])
        batch = fixed.get("batch") or self._batches[product.name].spin(self._dice)
        courier = fixed.get("courier") or self._couriers[region.name].spin(self._dice)
        channel = fixed.get("channel") or self._channels.spin(self._dice)
        customer = self._customers.of(outlet, furious=bool(source.plant and source.plant.filings))
        when = self._when(second)
        issues = self._issues(source.plant, second // (7 * 86400) + 1)
        return Incident(
            number, when, source.name, region, outlet, product, batch, courier, channel, customer,
            issues,
        )  # fmt: skip

    def _issues(self, plant: Plant | None, week: int) -> tuple[str, ...]:
        main = plant.issues[0] if plant and plant.issues else self._main.spin(self._dice)
        if not main:
            return ()
        codes = [main]
        for together in self._together:
            active = main == together.given and week >= together.weeks[0]
            if active and self._dice.chance(together.share):
                codes.append(together.issues[0])
        count = self._counts.spin(self._dice)
        codes += [self._further.spin(self._dice) for _ in range(count)]
        return tuple(dict.fromkeys(codes))[:4]
