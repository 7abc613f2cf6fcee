"""What goes wrong on the way into a table: spellings, gaps, and rows that come late."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

from api.services.example.dice import Dice
from api.services.example.retailer import Retailer

Row = dict[str, str]

_MISSPELT_OUTLET = 0.4
_MISSPELT_BATCH = 0.08
_BATCH_BLANK = 0.135
_BATCH_UNKNOWN = 0.04
_BLANK = {"courier": 0.05, "region": 0.006, "customer_id": 0.004, "channel": 0.004}
_LATE = 0.01
_LATE_BY = 0.03


def spellings(shop: Retailer) -> dict[str, list[str]]:
    """The outlets that are spelt in three ways: the first of each region."""
    return {
        outlet: [outlet, f"{outlet[:-1]} {outlet[-1]}", f"{outlet[:-1]}-{outlet[-1]}"]
        for outlet in (region.outlets[0] for region in shop.regions)
    }


class Dirt:
    """Soils one row after the other; what it does depends on chance alone."""

    def __init__(self, shop: Retailer, seed: int) -> None:
        self._dice = Dice(seed, "dirt")
        self._spellings = spellings(shop)

    def soil(self, row: Row) -> Row:
        """The row as somebody typed it in."""
        row["outlet"] = self._outlet(row["outlet"])
        row["batch"] = self._batch(row["batch"])
        for column, share in _BLANK.items():
            if self._dice.chance(share):
                row[column] = "未知" if column == "region" else ""
        return row

    def _outlet(self, outlet: str) -> str:
        if outlet in self._spellings and self._dice.chance(_MISSPELT_OUTLET):
            return self._dice.pick(self._spellings[outlet][1:])
        return outlet

    def _batch(self, batch: str) -> str:
        drawn = self._dice.random()
        if drawn < _BATCH_BLANK:
            return ""
        if drawn < _BATCH_BLANK + _BATCH_UNKNOWN:
            return "未知"
        if drawn > 1 - _MISSPELT_BATCH:
            return self._dice.pick((batch.lower(), batch.replace("-", "")))
        return batch


def shuffled_late(rows: Iterable[Row], complaints: int, seed: int) -> Iterator[Row]:
    """The rows with one in a hundred standing further down than its time says."""
    dice, order = Dice(seed, "late"), count()
    longest = max(1, int(complaints * _LATE_BY))
    waiting: list[tuple[int, int, Row]] = []
    for place, row in enumerate(rows):
        while waiting and waiting[0][0] <= place:
            yield heapq.heappop(waiting)[2]
        if dice.chance(_LATE):
            heapq.heappush(waiting, (place + 1 + dice.below(longest), next(order), row))
        else:
            yield row
    while waiting:
        yield heapq.heappop(waiting)[2]
