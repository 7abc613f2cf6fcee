"""The truth about a history, counted while it is written, and a judge of findings by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from api.services.example.dirt import spellings
from api.services.example.incidents import Incident
from api.services.example.planting import Measure, Plan, Plant
from api.services.example.retailer import Retailer


class Tally:
    """Counts, within a plant's weeks, its attributes, its issue and both together."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.made = self.rows = self.antecedent = self.consequent = self.both = 0
        self.customer = ""

    def add(self, incident: Incident, week: int) -> None:
        """Count one complaint."""
        plant = self.plant
        if incident.source == plant.name:
            self.made += 1
            self.customer = incident.customer.id if plant.filings else ""
        if not plant.weeks[0] <= week <= plant.weeks[1]:
            return
        guilty = all(incident.value(name) == value for name, value in plant.attributes.items())
        guilty = guilty and (not plant.given or plant.given in incident.issues)
        affected = bool(plant.issues) and plant.issues[0] in incident.issues
        self.rows += 1
        self.antecedent += guilty
        self.consequent += affected
        self.both += guilty and affected

    def strength(self) -> dict[str, Any]:
        """What was counted, and the shares that follow; a share of nothing is null."""
        inside = _share(self.both, self.antecedent)
        outside = _share(self.consequent - self.both, self.rows - self.antecedent)
        overall = _share(self.consequent, self.rows)
        return {
            "planted_complaints": self.made,
            "rows": self.rows,
            "antecedent_count": self.antecedent,
            "consequent_count": self.consequent,
            "count": self.both,
            "confidence": inside,
            "confidence_elsewhere": outside,
            "lift": round(inside / overall, 4) if inside is not None and overall else None,
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


class Truth:
    """Everything that `planted.json` says."""

    def __init__(self, plan: Plan, shop: Retailer, seed: int) -> None:
        self._plan = plan
        self._shop = shop
        self._seed = seed
        self._tallies = [Tally(plant) for plant in plan.plants]

    def add(self, incident: Incident) -> None:
        """Count one complaint."""
        week = (incident.received.date() - self._plan.period.start).days // 7 + 1
        for tally in self._tallies:
            tally.add(incident, week)

    def document(self) -> dict[str, Any]:
        """The content of `planted.json`."""
        plan, period = self._plan, self._plan.period
        return {
            "version": 1,
            "seed": self._seed,
            "complaints": plan.complaints,
            "weeks": period.weeks,
            "start": period.start.isoformat(),
            "end": (period.first_day(period.weeks + 1) - timedelta(days=1)).isoformat(),
            "plants": [self._entry(t) for t in self._tallies if not t.plant.decoy],
            "decoys": [self._entry(t) for t in self._tallies if t.plant.decoy],
            "measures": [self._measure(measure) for measure in plan.measures],
            "left_out": dict(plan.left_out),
            "spellings": spellings(self._shop),
            "ties": {
                "batch": {b: p.name for b, p in self._shop.product_of.items()},
                "outlet": {o: r.name for o, r in self._shop.region_of.items()},
                "product": {p.name: p.department for p in self._shop.products},
                "region": {r.name: r.team for r in self._shop.regions},
            },
        }

    def _entry(self, tally: Tally) -> dict[str, Any]:
        plant, period = tally.plant, self._plan.period
        entry = {
            "name": plant.name,
            "kind": plant.kind,
            "attributes": dict(plant.attributes),
            "given_issue": plant.given or None,
            "issue": plant.issues[0] if plant.issues else None,
            "weeks": list(plant.weeks),
            "from": period.first_day(plant.weeks[0]).isoformat(),
            "to": (period.first_day(plant.weeks[1] + 1) - timedelta(days=1)).isoformat(),
            "strength": tally.strength(),
            "note": plant.note,
        }
        extra = {
            "confounded_by": plant.confounded_by,
            "customer_id": tally.customer,
            "words": list(plant.words),
        }
        return entry | {name: value for name, value in extra.items() if value}

    def _measure(self, measure: Measure) -> dict[str, Any]:
        plant = next(p for p in self._plan.plants if p.name == measure.plant)
        return {
            "id": measure.id,
            "plant": plant.name,
            "issue": plant.issues[0],
            "attributes": dict(measure.attributes or plant.attributes),
            "done_on": self._plan.period.first_day(measure.done).isoformat(),
            "done_week": measure.done,
            "verdicts": list(measure.verdicts),
        }


Items = frozenset[tuple[str, str]]
_LEVELS = {"batch": "product", "outlet": "region", "product": "department", "region": "team"}


def judge(attributes: Mapping[str, str], issue: str, truth: Mapping[str, Any]) -> tuple[str, str]:
    """What a cause finding is by the truth of a history.

    The first word is `planted` (a plant's attributes, no more and no less), `refined` (they
    hold in it, perhaps through what lies within them: a batch of the product, an outlet of
    the region), `implied` (it shares some of them, or something they lie in), `decoy` or
    `false`. The second names the plant or decoy, "" for `false`.
    """
    found = frozenset(attributes.items())
    verdicts = [
        (_relation(found, frozenset(plant["attributes"].items()), truth["ties"]), plant["name"])
        for plant in truth["plants"]
        if plant["issue"] == issue and plant["attributes"]
    ]
    for word in ("planted", "refined"):
        named = [name for relation, name in verdicts if relation == word]
        if named:
            return word, named[0]
    for decoy in truth["decoys"]:
        if decoy["issue"] in (issue, None) and _looks_like(found, decoy, truth["ties"]):
            return "decoy", str(decoy["name"])
    named = [name for relation, name in verdicts if relation]
    return ("implied", named[0]) if named else ("false", "")


def _relation(found: Items, wanted: Items, ties: Mapping[str, Mapping[str, str]]) -> str:
    if found == wanted:
        return "planted"
    if wanted <= _with_above(found, ties):
        return "refined"
    shared = (found & _with_above(wanted, ties)) or (_with_above(found, ties) & wanted)
    return "implied" if shared else ""


def _looks_like(found: Items, decoy: Mapping[str, Any], ties: Mapping[str, Any]) -> bool:
    wanted = frozenset(decoy["attributes"].items())
    if decoy["kind"] == "one_person":
        return bool(_relation(found, wanted, ties))
    return bool(_with_above(found, ties) & wanted)


def _with_above(items: Items, ties: Mapping[str, Mapping[str, str]]) -> Items:
    """The items and everything that they lie in."""
    above = frozenset(
        (_LEVELS[name], ties[name][value])
        for name, value in items
        if name in _LEVELS and value in ties[name]
    )
    return items | above if above <= items else _with_above(items | above, ties)
