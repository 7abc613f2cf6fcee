"""The pattern of a problem: an issue code, and the places in which it shows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.errors import RowRefused
from mining.spelling import spelling_key

Place = Mapping[str, str]
ATTRIBUTES = ("product", "batch", "region", "outlet", "channel", "department", "customer_value",
              "handler", "team")  # fmt: skip
_MOST = 40
key_of = lru_cache(maxsize=50_000)(spelling_key)


@dataclass(frozen=True)
class Pattern:
    """Values that an attribute may have, by attribute; every attribute must have one of them."""

    places: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, places: Sequence[Place]) -> Pattern:
        """From pairs of attribute and value; several values of one attribute are alternatives."""
        found: dict[str, set[str]] = {}
        for place in places:
            found.setdefault(place["attribute"], set()).add(key_of(place["value"]))
        return cls({name: frozenset(values) for name, values in found.items()})

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether a complaint with these values lies in it, whatever their spelling."""
        return all(
            isinstance(values.get(name), str) and key_of(values[name]) in wanted
            for name, wanted in self.places.items()
        )

    def holds_value(self, name: str, value: str) -> bool:
        """Whether a value of one attribute is among those wanted."""
        return key_of(value) in self.places[name]

    def lies_within(self, other: Pattern) -> bool:
        """Whether every place of it is one of the other."""
        return all(self.places.get(name, frozenset()) and self.places[name] <= wanted
                   for name, wanted in other.places.items())  # fmt: skip


def slot_of(department: str | None, issue: str, places: Sequence[Place]) -> str:
    """What two problems with the same pattern share."""
    pattern = Pattern.of(places).places
    told = [department, issue, sorted((name, sorted(keys)) for name, keys in pattern.items())]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def checked(places: Sequence[Place], declared: Sequence[str]) -> list[dict[str, str]]:
    """Places with known attributes, each once; `RowRefused` for others."""
    known = (*ATTRIBUTES, *declared)
    if any(place["attribute"] not in known for place in places):
        raise RowRefused(f"an attribute is one of {', '.join(known)}", "places")
    once = {(place["attribute"], place["value"].strip()) for place in places}
    if any(not value for _, value in once):
        raise RowRefused("a value is blank; give one as it stands in the complaints", "places")
    if len(once) > _MOST:
        raise RowRefused(f"give at most {_MOST} places", "places")
    return [{"attribute": attribute, "value": value} for attribute, value in sorted(once)]


def values_of(row: Any) -> dict[str, Any]:
    """The attributes of a stored complaint."""
    return {**row.attributes, **row.columns}


def issues_of(row: Any) -> list[str]:
    """The issue codes of a stored complaint's decision."""
    if not row.decision:
        return []
    return [str(issue["code"]) for issue in json.loads(row.decision)["issues"]]
